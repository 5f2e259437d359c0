"""Finds, reads and executes the py:percent notebooks, and says which are up to date.

A notebook is not executed again while all that it depends on is unchanged and all that it left is
whole. What it depends on is hashed into a key (`key`); a hidden file beside the executed notebook
keeps that key and the checksums of what was left. The metrics and texts of others count only for
the notebooks of claims, which come last; verdicts that other notebooks show are as of their run.
"""

import ast
import functools
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from lib import machine, paths, profiles
from lib.jobs import Job, pool

CHAPTERS = ("pavae", "dhvae", "pathosyn", "controlnet", "explore")  # in the order of the report
CLAIMS = "00_claims"  # of a paper: reads what the others leave
LAST = "99_all_claims"  # reads what all others leave, those included


class NotebookError(pool.Told):
    """A cell of a notebook failed."""


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
    headings = re.findall(r"^# #+ +(.+)$", source(name).read_text(), re.MULTILINE)
    return headings[0].strip() if headings else name


def parameters(name: str) -> dict:
    """The parameters of a notebook with their defaults; ValueError when it has no such cell."""
    cells = re.split(r"^# %%", source(name).read_text(), flags=re.MULTILINE)
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


def jobs(name: str, profile: str, seed: int) -> list[Job]:
    """The jobs that lib/papers/<folder>.py says the notebook needs; [] where it says nothing."""
    folder, _, stem = name.rpartition("/")
    module = f"lib.papers.{folder}"
    if not folder or importlib.util.find_spec(module) is None:
        return []
    study = importlib.import_module(module).STUDIES.get(stem)
    return [] if study is None else list(study(profiles.get(profile), seed))


def task(name: str, given: dict, needed: list[Job], after: list[str], around: str) -> pool.Task:
    """One notebook as a task of the scheduler: it runs as soon as its jobs are done.

    `around` is the digest of the surroundings when the run began.
    """
    where = (str(source(name)), str(executed(name)), str(paths.ROOT))
    return pool.Task(
        key=name,
        name=name,
        call=(execute, *where, given),
        inputs=tuple(dict.fromkeys(job.key for job in needed)),
        after=tuple(after),
        begin=functools.partial(_begin, name, given, around),
        end=functools.partial(_end, name, given),
        source=around,
    )


# ---- up to date? --------------------------------------------------------------------------------


def after(name: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that must have ended before: claims are read when the others have ended."""
    return [other for other in names if _rank(other) < _rank(name)]


def _rank(name: str) -> int:
    """2 for the notebook of all claims, 1 for those of one paper, 0 for all that leave results."""
    return 2 if name == LAST else int(name.rpartition("/")[2] == CLAIMS)


def due(names: list[str], given: dict, around: str) -> list[str]:
    """Those of `names` that are not up to date or that read what one of these leaves."""
    found: set[str] = set()
    for name in sorted(names, key=_rank):
        if found.intersection(after(name, names)) or not _is_whole(name, key(name, given, around)):
            found.add(name)
    return [name for name in names if name in found]


def surroundings() -> str:
    """Digest of what all notebooks depend on: lib, the record, packages and the processor."""
    packages = sorted((each.name, each.version) for each in metadata.distributions())
    processor = [platform.python_version(), machine.cpu(), machine.precision()]
    files = [_contents(paths.ROOT / "lib"), _contents(paths.RECORD, "*.json")]
    return _digest([*files, packages, processor])


def key(name: str, given: dict, around: str) -> str:
    """Changes with all that the notebook depends on; `around` is surroundings().

    The keys of its jobs follow from lib, the parameters and the processor, so they need not be
    known: looking them up would import torch.
    """
    own = [around, _checksum(source(name)), repr(sorted(given.items()))]
    return _digest([*own, _read_of_others(name)] if _rank(name) else own)


def _read_of_others(name: str) -> list:
    """What a notebook of claims may read: metrics of those that come before it, and all texts."""
    found = _contents(paths.METRICS, "*.json")
    before = {k: v for k, v in found.items() if _rank(k.removesuffix(".json")) < _rank(name)}
    return [before, _contents(paths.NOTEBOOKS, "*.py")]


def left(name: str) -> list[Path]:
    """What the notebook has left: itself, its page, its metrics and the figures that these name."""
    numbers = paths.METRICS / f"{name}.json"
    named = _read_json(numbers).get("figures", ())
    pictures = [paths.FIGURES / figure["file"] for figure in named]
    files = [executed(name), executed(name).with_suffix(".html"), numbers, *pictures]
    files += [file.with_suffix(".svg") for file in pictures]
    return [file for file in files if file.is_file()]


def _is_whole(name: str, key: str) -> bool:
    """Whether the notebook ended well under this key and all that it left is as it was."""
    stamp = _read_json(_stamp(name))
    files = stamp.get("files", {}) if stamp.get("key") == key else {}
    return bool(files) and all(_checksum(paths.REPORT / file) == sha for file, sha in files.items())


def _begin(name: str, given: dict, around: str) -> None:
    """Note under which key the notebook starts; without files this says that it has not ended."""
    _write_stamp(name, {"key": key(name, given, around)})


def _end(name: str, given: dict) -> None:
    """Keep what the notebook has left, unless something that it depends on changed meanwhile."""
    now = key(name, given, surroundings())
    if _read_json(_stamp(name)).get("key") == now:
        files = {os.path.relpath(file, paths.REPORT): _checksum(file) for file in left(name)}
        _write_stamp(name, {"key": now, "files": files})


def _stamp(name: str) -> Path:
    return executed(name).with_name(f".{executed(name).stem}.json")


def _read_json(file: Path) -> dict:
    """The object in a JSON file; {} when there is none, or only a damaged one."""
    try:
        found = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_stamp(name: str, content: dict) -> None:
    half = _stamp(name).with_suffix(".half")
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_text(json.dumps(content, indent=1))
    os.replace(half, _stamp(name))


def _contents(folder: Path, pattern: str = "*") -> dict[str, str]:
    """Checksum of every file below a folder; what is hidden or compiled does not count."""
    files = [file.relative_to(folder) for file in folder.rglob(pattern) if file.is_file()]
    out = (".", "__pycache__")
    seen = [file for file in files if not any(part.startswith(out) for part in file.parts)]
    return {file.as_posix(): _checksum(folder / file) for file in seen}


def _checksum(file: Path) -> str:
    """sha256 of a file; "" when there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _digest(value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


# ---- execution ----------------------------------------------------------------------------------


def execute(source: str, target: str, root: str, given: dict) -> None:
    """Run one notebook in a kernel of this very python, from the root of the repository.

    The executed notebook is moved to `target`, and its page made, also when a cell fails; then
    NotebookError names the cell as it is counted in the source, text cells included.
    """
    import papermill  # here: half a second that the runner itself need not spend

    os.environ[pool.WORKERS] = "1"  # jobs that it starts itself share the core of this worker
    node = _read(source)
    half = Path(target).with_name(f".half-{Path(target).name}")  # what stands at target is whole
    half.parent.mkdir(parents=True, exist_ok=True)
    failure = None
    try:
        papermill.execute_notebook(
            node,
            str(half),
            parameters=given,
            kernel_name="python3",
            kernel_manager_class=_own_kernel(),
            progress_bar=False,
            cwd=root,
            extra_arguments=["--IPKernelApp.log_level=50"],
        )
    except papermill.PapermillExecutionError as error:
        failure = NotebookError(_explain(error, node))
    os.replace(half, target)
    _page(Path(target))
    if failure:
        raise failure


def _page(ipynb: Path) -> None:
    from lib.report import build  # here: the runner itself need not load it

    build.page(ipynb)


def _read(source: str):
    """The notebook as papermill wants it: kernel python3 and a list of tags in every cell."""
    import jupytext

    node = jupytext.read(source)
    node.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for cell in node.cells:
        cell.metadata.setdefault("tags", [])
    return node


def _own_kernel() -> type:
    """A kernel manager that knows only the python3 of this environment."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from traitlets import default

    class OwnKernel(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _only_native(self):
            return KernelSpecManager(kernel_dirs=[])

    return OwnKernel


def _explain(error, node) -> str:
    """`cell 7 (fit the model) ValueError: ...`; papermill counts the cell that it injects too."""
    tagged = [i for i, cell in enumerate(node.cells) if "parameters" in cell.metadata.tags]
    index = error.cell_index - (1 if tagged and error.cell_index > tagged[0] else 0)
    tags = ", ".join(node.cells[index].metadata.tags)
    first = error.source.strip().partition("\n")[0]
    return f"cell {index + 1} ({tags or first}): {error.ename}: {error.evalue}".strip()
