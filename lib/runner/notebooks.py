"""Finds and reads the py:percent notebooks: names in order, titles, parameters, needed jobs."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from lib import paths, profiles
from lib.jobs import Job
from lib.papers import registry

PLANNED = {"profile", "seed", "dataset", "root", "draws"}  # parameters that profiles.plan takes
CHAPTERS = (*registry.PAPERS, "explore")  # in the order of the report


def find(prefixes: Iterable[str] = ()) -> list[str]:
    """Names (`pavae/table4_main`) of the notebooks that start with one of the prefixes (or of all).

    In the order in which they are run. Raises ValueError for a prefix that matches none.
    """
    files = paths.NOTEBOOKS.rglob("*.py")
    inside = [file.relative_to(paths.NOTEBOOKS).with_suffix("") for file in files]
    names = [path.as_posix() for path in inside if not any(part[0] in "._" for part in path.parts)]
    names.sort(key=_order)
    prefixes = [prefix.removeprefix("notebooks/").removesuffix(".py") for prefix in prefixes]
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in names):
            there = ", ".join(names) or "none"
            raise ValueError(f"no notebook starts with {prefix!r}; there are {there}")
    return [name for name in names if not prefixes or name.startswith(tuple(prefixes))]


def _order(name: str) -> tuple:
    """00_start_here, the chapters, other folders, then 90 and 99."""
    folder, _, stem = name.rpartition("/")
    if not folder:
        return (9 if stem >= "9" else 0), "", stem
    place = CHAPTERS.index(folder) if folder in CHAPTERS else len(CHAPTERS)
    return 1 + place, folder, stem


def source(name: str) -> Path:
    return paths.NOTEBOOKS / f"{name}.py"


def executed(name: str) -> Path:
    """Where the executed notebook goes."""
    return paths.REPORT / f"{name}.ipynb"


def title(name: str) -> str:
    """The first heading of the notebook, without marks."""
    headings = re.findall(r"^# #+ +(.+)$", source(name).read_text(encoding="utf-8"), re.MULTILINE)
    return headings[0].strip() if headings else name


def parameters(name: str) -> dict:
    """The parameters of a notebook with their defaults; ValueError when it has no such cell."""
    cells = re.split(r"^# %%", source(name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    tagged = [cell for cell in cells if re.match(r'[^\n]*tags=\[[^\n]*"parameters"', cell)]
    if len(tagged) != 1:
        raise ValueError(f"{name} has {len(tagged)} cells tagged parameters; it needs one")
    body = ast.parse(tagged[0].partition("\n")[2]).body
    try:
        return {line.targets[0].id: ast.literal_eval(line.value) for line in body}
    except (AttributeError, ValueError):
        raise ValueError(f"{name}: its parameters cell may only hold `name = literal`") from None


def check_parameters(name: str, given: dict) -> None:
    """Stop at a parameter that the notebook does not have (papermill would only log a warning)."""
    known = parameters(name)
    for each in given:
        if each not in known:
            raise ValueError(f"{name} has no parameter {each!r}; it has {', '.join(known)}")


def check_values(given: dict) -> None:
    """Raise ValueError for a profile, draws or data that do not exist."""
    plan = profiles.plan(**{name: x for name, x in given.items() if name in PLANNED})
    if plan.dataset == "phantom":
        if plan.root:
            raise ValueError(
                f"root is {plan.root!r}, which the dataset 'phantom' does not read; "
                "set dataset=folder too, or leave root out."
            )
        return
    from lib.datasets import source  # here: phantoms need not wait for it

    source.is_phantom(plan.dataset, plan.root or None)  # an unknown one: refused here
    if not Path(plan.root).is_dir():
        raise ValueError(f"root is {plan.root!r}, which is no folder; give one with labels.csv.")


def plannable(given: dict) -> bool:
    """Whether the parameters say all that a table's jobs depend on."""
    return set(given) <= PLANNED


def jobs(name: str, given: dict) -> list[Job]:
    """The jobs that the notebook's table needs; [] where there is no table."""
    table = registry.table(name)
    return table.jobs(profiles.plan(**given)) if table else []
