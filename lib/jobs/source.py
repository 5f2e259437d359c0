"""The code that a function can reach, as one hash: what makes a stored result stale, and no more.

Followed are *definitions*: functions, classes and module-level names, from the function of a job by
name through imports inside its own top-level package. Neither comments, layout, docstrings and
annotations of functions count, nor the names of definitions and modules, nor where they stand. What
comes from other packages counts by its dotted name. What jobs themselves are made of (MACHINERY)
counts by name too.

What cannot be followed by name is either covered or refused:

- a module used as a value (`getattr(module, name)`, `part = a if x else b`): all that it defines;
- statements at the top of a module that do something (calls, loops, items set one by one): they
  belong to every definition of that module;
- a star import, eval, exec, globals(), importlib.import_module, a module-level object that
  functions or statements of another module change: `Unfollowable` names the place.

Not seen: data files (pass those as arguments of the job instead), the effects of a module that is
imported and not used, and changes made through another name (`table = TABLE; table["a"] = 1`).
"""

import functools
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from lib.jobs.definitions import EFFECTS, MODULE, Change, Source, Target, Unfollowable, read
from lib.jobs.writer import Writer

MACHINERY = ("lib.jobs",)  # these modules and those below them
SETTLED = 0.05  # seconds after a write in which a second one may leave the same time


def code_hash(module: str, function: str, root: Path | None = None) -> str:
    """Hex digest of all definitions that `function` of `module` can reach.

    `root` is the folder that holds the top-level package (default: where it was imported from).
    Files are read again when they change, so an edit is seen at once (one elsewhere that makes the
    code Unfollowable: within SETTLED seconds). Raises Unfollowable, and
    KeyError if there is no such function.
    """
    return _package(module, root).code(module, function)


def reached(module: str, function: str, root: Path | None = None) -> list[Target]:
    """Every definition that the function can reach, itself first, in the order of its names."""
    return _fresh(module, root).reached(module, function)


def sources(module: str, function: str, root: Path | None = None) -> dict[str, str]:
    """The modules in which the function can reach anything, each with the digest of its file."""
    package = _fresh(module, root)
    names = sorted({name for name, _ in package.reached(module, function)})
    return {name: package.source(name).digest for name in names}


def snapshot(module: str) -> str:
    """Changes whenever any source file of the module's top-level package is touched."""
    return hashlib.sha256(repr(_fresh(module, None).state).encode()).hexdigest()


class Package:
    """The files of one top-level package, and what names in them stand for."""

    def __init__(self, top: str, root: str):
        self.top, self.root = top, root
        self.state: dict[str, tuple] = {}  # every folder and source file, and when it was written
        self.settled = False  # whether that was long enough ago for an edit to change it
        self.looked = 0.0  # when
        self.files: dict[str, tuple[str, bytes]] = {}  # module: file and what it says
        self.memo: dict[tuple, object] = {}
        self.trail: set[str] = set()  # modules read for one definition

    # ---- files ----

    def refresh(self) -> None:
        """Read the files again if any has changed, and forget what followed from them."""
        if not self.settled or not self.same(self.state):
            start = time.time()
            paths = self.paths()
            sources = [path for path in paths if path.endswith(".py")]
            files = {self.module_of(path): (path, Path(path).read_bytes()) for path in sources}
            self.state = {path: _written(path) for path in paths}
            newest = max((max(each[:2]) for each in self.state.values()), default=0)
            self.settled = start > SETTLED + newest / 1e9
            if files != self.files:
                self.files = files
                self.memo.clear()
        self.looked = time.monotonic()

    def same(self, paths: Iterable[str]) -> bool:
        """Whether nothing has been written to these folders and files."""
        try:
            return all(_written(path) == self.state[path] for path in paths)
        except FileNotFoundError:
            return False

    def paths(self) -> list[str]:
        """Every folder and source file of the package."""
        single = os.path.join(self.root, f"{self.top}.py")
        paths = [single] if os.path.isfile(single) else []
        for folder, inner, names in os.walk(os.path.join(self.root, self.top)):
            inner[:] = sorted(name for name in inner if name != "__pycache__")
            paths.append(folder)
            paths += [os.path.join(folder, n) for n in sorted(names) if n.endswith(".py")]
        return paths

    def module_of(self, file: str) -> str:
        parts = Path(file).relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def source(self, name: str) -> Source:
        self.trail.add(name)
        return self.remember(("source", name), lambda: self._source(name))

    def _source(self, name: str) -> Source:
        if name in self.files:
            return _read(name, *self.files[name])
        if not self.below(name):
            raise KeyError(f"there is no source file of module {name}")
        return _read(name, "__init__.py", b"")  # a folder without __init__.py

    def below(self, name: str) -> list[str]:
        """The modules directly below a package."""
        return self.remember(("below",), self._below).get(name, [])

    def _below(self) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = {}
        for name in sorted(self.files):
            while "." in name:
                above = name.rpartition(".")[0]
                found.setdefault(above, {})[name] = None
                name = above
        return {name: sorted(modules) for name, modules in found.items()}

    def inside(self, module: str) -> bool:
        """Whether a module is of this package and its definitions count."""
        mine = module == self.top or module.startswith(f"{self.top}.")
        return mine and not any(f"{module}.".startswith(f"{each}.") for each in MACHINERY)

    # ---- what is reached ----

    def remember(self, key: tuple, make):
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]

    def code(self, module: str, function: str) -> str:
        """The hash. What it reaches is looked at in every call, all other files now and then."""
        key = "code", module, function
        recent = self.settled and time.monotonic() < self.looked + SETTLED
        if not (recent and key in self.memo and self.same(self.memo[key][1])):
            self.refresh()
        return self.remember(key, lambda: self._code(module, function))[0]

    def _code(self, module: str, function: str) -> tuple[str, list[str]]:
        order = {target: i for i, target in enumerate(self.reached(module, function))}
        definitions = [self.definition(target) for target in order]
        lines = [[text, [order[t] for t in targets]] for text, targets, _ in definitions]
        digest = hashlib.sha256(json.dumps(lines).encode()).hexdigest()
        modules = {name for *_, names in definitions for name in names} & self.files.keys()
        files = {self.files[name][0] for name in modules}
        return digest, sorted((files | {os.path.dirname(file) for file in files}) & set(self.state))

    def reached(self, module: str, function: str) -> list[Target]:
        return self.remember(("reached", module, function), lambda: self._walk(module, function))

    def _walk(self, module: str, function: str) -> list[Target]:
        found: dict[Target, None] = {}
        waiting = [self.settle(module, function)]
        while waiting:
            target = waiting.pop()
            if target not in found:
                found[target] = None
                waiting += reversed(self.definition(target)[1])
        return list(found)

    def definition(self, target: Target) -> tuple[str, list[Target], set[str]]:
        """Text in which `@0`, `@1` ... stand for the targets beside it, and the modules read."""
        return self.remember(("definition", target), lambda: self._definition(*target))

    def _definition(self, module: str, name: str) -> tuple[str, list[Target], set[str]]:
        self.refuse(self.source(module), name)
        self.trail = set()
        source = self.source(module)
        effects = [(module, EFFECTS)] if source.effects and name != EFFECTS else []
        if name == MODULE:
            members = self.members(source)
            text = json.dumps(["module", list(members)])
            return text, list(dict.fromkeys([*members.values(), *effects])), self.trail
        writer = Writer(self, source, name)
        nodes = source.effects if name == EFFECTS else source.statements[name]
        text = json.dumps([writer.write(node, source.scope) for node in nodes])
        return text, [*writer.targets, *effects], self.trail

    def members(self, source: Source) -> dict[str, Target]:
        """Names of a module, with those that it only hands on and the modules below it."""
        members = {name: (source.name, name) for name in sorted(source.statements)}
        for name, binding in sorted(source.imports.items()):
            if name not in source.used and self.inside(binding[0]):
                members[name] = self.settle(*binding)
        for module in self.below(source.name):
            if self.inside(module):
                members.setdefault(module.rpartition(".")[2], (module, MODULE))
        return members

    def refuse(self, source: Source, name: str) -> None:
        """Raise Unfollowable for a module or object that is filled where it cannot be seen."""
        refuse_star(source)
        changed = self.remember(("changed",), lambda: _changed(self))
        place = changed.get((source.name, name)) or changed.get((source.name, MODULE))
        if place:
            raise Unfollowable(
                f"{source.name}{name and '.'}{name} is changed in {place[0]}, line {place[1]}, so "
                "that keys of jobs cannot follow it; build it where it is defined"
            )

    # ---- names ----

    def settle(self, module: str, name: str) -> Target:
        """Where a name of a module is defined, through any number of imports and re-exports."""
        for _ in range(100):
            if not self.inside(module):
                return module, name
            source = self.source(module)
            if name in (MODULE, EFFECTS) or name in source.statements:
                return module, name
            if name not in source.imports:
                if f"{module}.{name}" not in self.below(module):
                    refuse_star(source)
                    raise KeyError(f"{module} defines no {name}")
                return f"{module}.{name}", MODULE
            module, name = source.imports[name]
        raise Unfollowable(f"{module} imports {name} in a circle")

    def follow(self, target: Target, attributes: list[str]) -> tuple[Target, list[str]]:
        """The definition for which an import with attributes stands, and the attributes left."""
        target = self.settle(*target)
        while attributes and target[1] == MODULE and self.inside(target[0]):
            target, attributes = self.settle(target[0], attributes[0]), attributes[1:]
        return target, attributes


def refuse_star(source: Source) -> None:
    if source.star:
        raise Unfollowable(
            f"{source.name}, line {source.star}: a star import hides what a job reaches; "
            "import the names"
        )


def _changed(package: Package) -> dict[Target, tuple[str, int]]:
    """Definitions that are changed where no job sees it, each with the module and line of that."""
    found = {}
    for name in package.files:
        if package.inside(name):
            try:
                source = package.source(name)
            except SyntaxError:  # nothing can import it, so it changes nothing
                continue
            for change in source.changes:
                target = _change_of(package, source, change)
                if target:
                    found.setdefault(target, (name, change.line))
    return found


def _change_of(package: Package, source: Source, change: Change) -> Target | None:
    """What a change changes, unless its place makes it count or it is of no concern."""
    binding = change.scope.find(change.name)
    if binding is None and change.name in source.statements:
        counts = change.kind != "global" and change.scope.at_import()  # an effect of the module
        return None if counts else (source.name, change.name)
    binding = binding or source.imports.get(change.name)
    if binding is None or not package.inside(binding[0]):
        return None
    try:
        target, _ = package.follow(binding, list(change.attributes))
    except (KeyError, SyntaxError, Unfollowable):  # say, a new attribute of a module
        return None
    return target if target[1] != MODULE or change.kind == "set" else None


_read = functools.lru_cache(maxsize=1000)(read)


@functools.cache
def _of(top: str, root: str) -> Package:
    return Package(top, root)


def _package(module: str, root: Path | None) -> Package:
    return _of(module.partition(".")[0], str(root or _root_of(module)))


def _fresh(module: str, root: Path | None) -> Package:
    package = _package(module, root)
    package.refresh()
    return package


def _root_of(module: str) -> Path:
    """The folder that holds the top-level package of an imported module."""
    top = sys.modules[module.partition(".")[0]]
    if hasattr(top, "__path__"):
        return Path(next(iter(top.__path__))).parent
    return Path(top.__file__).parent


def _written(path: str) -> tuple[int, int, int, int]:
    """Times, size and number of a file or folder."""
    found = os.stat(path)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
