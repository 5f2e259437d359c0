"""In random packages the keys that an edit changes are those of the jobs that run what was edited.

What a job runs is told by a tracer in another process, which knows nothing of syntax trees.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

from lib.jobs import source

PACKAGES, EDITS = 16, 10

PROBE = '''
class Seen:
    """A constant that tells when it is read, and reads those of which it is made."""

    log = set()

    def __init__(self, name, value, *parts):
        self.name, self.value, self.parts = name, value, parts

    def get(self):
        Seen.log.add(self.name)
        return self.value + sum(part() for part in self.parts)
'''
TRACER = """
import importlib, json, os, sys
from pathlib import Path

import probe

def ran(folder, job):
    def trace(frame, event, argument):
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(folder):
            name = frame.f_code.co_qualname.partition(".")[0]
            if not name.startswith("<"):
                probe.Seen.log.add(f"{Path(file).stem}:{name}")
    module, _, name = job.partition(":")
    call = getattr(importlib.import_module(f"pkg.{module}"), name)
    probe.Seen.log.clear()
    sys.setprofile(trace)
    call(1)
    sys.setprofile(None)
    return sorted(probe.Seen.log)

found = []
for folder, jobs in json.loads(sys.stdin.read()):
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    for file in Path(folder, "pkg").glob("m*.py"):
        importlib.import_module(f"pkg.{file.stem}")
    found.append({job: ran(os.path.join(folder, "pkg"), job) for job in jobs})
    for name in [each for each in sys.modules if each.partition(".")[0] == "pkg"]:
        del sys.modules[name]
    sys.path.pop(0)
print(json.dumps(found))
"""


class Written:
    """A random package: modules `m0` ... whose definitions use those written before them."""

    def __init__(self, rng: random.Random, root: Path):
        self.rng, self.root = rng, root
        self.bodies: dict[str, list[str]] = {}  # "m0:f": its lines, with NUMBER in one of them
        self.kinds: dict[str, str] = {}
        self.imports: dict[str, list[str]] = {}
        for number in range(rng.randint(4, 6)):
            self.imports[f"m{number}"] = ["from probe import Seen"]
            for name in rng.sample("abcdefgh", rng.randint(3, 5)):  # the same names in all modules
                self.define(f"m{number}", name)
        self.numbers = dict.fromkeys(self.bodies, 0)
        for module in self.imports:
            self.write(module)

    @property
    def jobs(self) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind == "function"]

    def define(self, module: str, name: str) -> None:
        kind = self.rng.choice(["function", "function", "class", "constant"])
        used = self.rng.sample(list(self.bodies), min(len(self.bodies), self.rng.randint(0, 3)))
        lines = [self.use(module, each, kind) for each in used]
        build = {"function": self.function, "class": self.a_class, "constant": self.constant}
        self.bodies[f"{module}:{name}"] = build[kind](module, name, lines)
        self.kinds[f"{module}:{name}"] = kind

    def use(self, module: str, used: str, kind: str) -> tuple[str, str]:
        """An import that must stand inside a function, if any, and an expression of x."""
        home, _, name = used.partition(":")
        alias = f"{name}_{home}"
        inside, text = "", name
        if home != module:
            ways = {
                f"from pkg.{home} import {name} as {alias}": alias,
                f"from .{home} import {name} as {alias}": alias,
                f"from pkg.r{home} import {name} as r_{alias}": f"r_{alias}",
                f"import pkg.{home}": f"pkg.{home}.{name}",
                f"import pkg.{home} as the_{home}": f"the_{home}.{name}",
                f"from pkg import {home} as {home}": f"{home}.{name}",
                f"from pkg import r{home} as r{home}": f"r{home}.{name}",
            }
            line, text = self.rng.choice(list(ways.items()))
            if kind == "function" and self.rng.random() < 0.3:
                inside = line
            else:
                self.imports[module].append(line)
        behind = {"function": "(x)", "class": "().run(x)", "constant": ".get()"}
        return inside, text + behind[self.kinds[used]]

    def function(self, module: str, name: str, lines: list) -> list[str]:
        others = "abcdefgh".replace(name, "")
        mine = {n.partition(":")[2] for n in self.bodies if n.startswith(f"{module}:")}
        named = [o for o in others if not any(text.startswith((f"{o}(", f"{o}."))
                                              for _, text in lines)]  # fmt: skip
        shadow = self.rng.choice([o for o in named if o in mine] or named)
        body = [f"def {name}(x, {shadow}=0):", f"    y = NUMBER + {shadow}"]
        body += [f"    {inside}" for inside, _ in lines if inside]
        for _, text in lines:
            body += self.rng.choice([
                [f"    y += {text}"],
                [f"    y += sum({text} for x in [x] for {shadow} in [2])"],
                ["    def inner(x):", f"        return {text}", "    y += inner(x)"],
                [f"    y += (lambda x, {shadow}=1: {text})(x)"],
                [f"    y += len(f'{{{text}}}')"],
                [f"    if (z := {text}) is not None:", "        y += z"],
            ])  # fmt: skip
        return [*body, "    return y"]

    def constant(self, module: str, name: str, lines: list) -> list[str]:
        parts = "".join(f", lambda x=1: {text}" for _, text in lines)
        return [f"{name} = Seen('{module}:{name}', NUMBER{parts})"]

    def a_class(self, module: str, name: str, lines: list) -> list[str]:
        body = [f"class {name}:", "    def run(self, x):", "        y = NUMBER"]
        return [*body, *(f"        y += {text}" for _, text in lines), "        return y"]

    def write(self, module: str) -> None:
        folder = self.root / "pkg"
        room = folder / f"r{module}"
        room.mkdir(parents=True, exist_ok=True)
        mine = [name for name in self.bodies if name.startswith(f"{module}:")]
        text = [*self.imports[module]]
        for name in mine:
            text += [line.replace("NUMBER", str(self.numbers[name])) for line in self.bodies[name]]
        (folder / f"{module}.py").write_text("\n".join(text) + "\n", encoding="utf-8")
        names = ", ".join(name.partition(":")[2] for name in mine)
        (room / "__init__.py").write_text(f"from pkg.{module} import {names}\n", encoding="utf-8")
        (folder / "__init__.py").write_text("", encoding="utf-8")

    def edit(self, name: str) -> None:
        self.numbers[name] += 1
        self.write(name.partition(":")[0])

    def keys(self) -> dict[str, str]:
        return {job: self.key(*job.split(":")) for job in self.jobs}

    def key(self, module: str, function: str) -> str:
        return source.code_hash(f"pkg.{module}", function, self.root)


def test_an_edit_changes_the_keys_of_the_jobs_that_run_it(tmp_path):
    rng = random.Random(20)
    packages = [Written(rng, tmp_path / str(i)) for i in range(PACKAGES)]
    (tmp_path / "probe.py").write_text(PROBE, encoding="utf-8")
    (tmp_path / "tracer.py").write_text(TRACER, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "tracer.py")],
        input=json.dumps([(str(package.root), package.jobs) for package in packages]),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    some = 0
    for package, ran in zip(packages, json.loads(done.stdout), strict=True):
        before = package.keys()
        for name in rng.sample(list(package.bodies), EDITS):
            package.edit(name)
            after = package.keys()
            changed = {job for job in before if after[job] != before[job]}
            assert changed == {job for job in ran if name in ran[job]}, (package.root, name)
            before = after
            some += len(changed) > 1
    assert some > PACKAGES  # many edits are seen by several jobs
