"""The code that a function can reach, as one hash: what makes a stored result stale, and no more.

Followed are *definitions*: functions, classes and module-level names, from the function of a job by
name through imports inside its own top-level package. Neither comments, layout, docstrings and
annotations of functions count, nor the names of definitions and modules, nor where they stand. What
comes from other packages counts by its dotted name. What jobs themselves are made of (MACHINERY)
counts by name too.

What cannot be followed by name is either covered or refused:

- a module used as a value (`getattr(module, name)`, `part = a if x else b`): all that it defines;
- statements at the top of a module that are neither definitions nor imports (calls, loops, items
  set one by one): they belong to every definition of that module;
- a star import, eval, exec, globals(), importlib.import_module, a module-level object that
  functions of its module or statements of another module change: `Unfollowable` names the place.

Not seen: data files (pass those as arguments of the job instead).
"""

import ast
import functools
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MACHINERY = ("lib.jobs",)  # these modules and those below them
COMPUTED = ("eval", "exec", "globals", "__import__", "import_module")
CHANGES = {"append", "add", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault",
           "update"}  # fmt: skip
# A cheap look at the text of a file: does any statement at its top change something?
MAY_CHANGE = re.compile(rb"^(?!def |class |from |import |@|#)\S.*[\[.]", re.MULTILINE)
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
MODULE = ""  # the name under which a whole module stands
EFFECTS = "*"  # ... and its top-level statements that define nothing

Target = tuple[str, str]  # module, and the name of a definition in it


class Unfollowable(ValueError):
    """Code that a job reaches and whose definitions cannot be found by name."""


@dataclass(frozen=True)
class Definition:
    """One definition as text in which `@0`, `@1` ... stand for `targets`."""

    text: str
    targets: tuple[Target, ...]


@dataclass
class Source:
    """What one file says: its definitions and imports by name, and its whole text in short."""

    name: str
    file: str
    digest: str  # of the syntax tree, without docstrings
    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Target] = field(default_factory=dict)  # ("numpy", "") for `import numpy`
    effects: list[ast.stmt] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)  # name: line of a function


def code_hash(module: str, function: str, root: Path | None = None) -> str:
    """Hex digest of all definitions that `function` of `module` can reach.

    `root` is the folder that holds the top-level package (default: where it was imported from).
    Files are read again when their time or size changes, so an edit is seen at once. Raises
    Unfollowable, and KeyError if there is no such function.
    """
    return _package(module, root).code(module, function)


def reached(module: str, function: str, root: Path | None = None) -> list[Target]:
    """Every definition that the function can reach, itself first, in the order of its names."""
    return _package(module, root).reached(module, function)


def sources(module: str, function: str, root: Path | None = None) -> dict[str, str]:
    """The modules in which the function can reach anything, each with the digest of its file."""
    package = _package(module, root)
    names = sorted({name for name, _ in package.reached(module, function)})
    return {name: package.source(name).digest for name in names}


def snapshot(module: str) -> str:
    """Changes whenever any source file of the module's top-level package is touched."""
    files = [file for _, file in _package(module, None).files()]
    stats = [(file, *_stat(file)) for file in files]
    return hashlib.sha256(repr(stats).encode()).hexdigest()


class Package:
    """The files of one top-level package, and what names in them stand for."""

    def __init__(self, top: str, root: str):
        self.top, self.root = top, root
        self.memo: dict[tuple, object] = {}
        self.seen: dict[str, tuple[int, int]] = {}  # state of every file and folder looked at

    def refresh(self) -> None:
        """Forget everything if a file or folder looked at has changed."""
        if any(_stat(file) != stat for file, stat in self.seen.items()):
            self.memo.clear()
            self.seen.clear()

    def remember(self, key: tuple, make):
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]

    def code(self, module: str, function: str) -> str:
        return self.remember(("code", module, function), lambda: self._code(module, function))

    def _code(self, module: str, function: str) -> str:
        order = {target: i for i, target in enumerate(self.reached(module, function))}
        lines = [
            [found.text, [order[target] for target in found.targets]]
            for found in map(self.definition, order)
        ]
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest()

    def reached(self, module: str, function: str) -> list[Target]:
        return self.remember(("reached", module, function), lambda: self._walk(module, function))

    def _walk(self, module: str, function: str) -> list[Target]:
        found: dict[Target, None] = {}
        waiting = [self.settle(module, function)]
        while waiting:
            target = waiting.pop()
            if target not in found:
                found[target] = None
                waiting += reversed(self.definition(target).targets)
        return list(found)

    def files(self) -> list[tuple[str, str]]:
        """Dotted name and file of every module."""
        single = os.path.join(self.root, f"{self.top}.py")
        found = [(self.top, single)] if os.path.isfile(single) else []
        for file in sorted(Path(self.root, self.top).rglob("*.py")):
            parts = file.relative_to(self.root).with_suffix("").parts
            found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), str(file)))
        return found

    def file(self, name: str) -> str | None:
        """The file of a module; None when there is none."""
        return self.remember(("file", name), lambda: self._file(name))

    def _file(self, name: str) -> str | None:
        base = os.path.join(self.root, *name.split("."))
        folder = os.path.dirname(base)
        self.seen[folder] = _stat(folder)
        candidates = (os.path.join(base, "__init__.py"), base + ".py")
        return next((file for file in candidates if os.path.isfile(file)), None)

    def source(self, name: str) -> Source:
        return self.remember(("source", name), lambda: self._source(name))

    def _source(self, name: str) -> Source:
        file = self.file(name)
        if file is None:
            raise FileNotFoundError(f"no source file of module {name} under {self.root}")
        self.seen[file] = _stat(file)
        return _read(name, file, *self.seen[file])

    def inside(self, module: str) -> bool:
        """Whether a module is of this package and its definitions count."""
        mine = module == self.top or module.startswith(f"{self.top}.")
        return mine and not any(f"{module}.".startswith(f"{each}.") for each in MACHINERY)

    def settle(self, module: str, name: str) -> Target:
        """Where a name of a module is defined, through any number of imports and re-exports."""
        for _ in range(100):
            if not self.inside(module) or name in (MODULE, EFFECTS):
                return module, name
            source = self.source(module)
            if name in source.statements:
                return module, name
            if name not in source.imports:
                if self.file(f"{module}.{name}") is None:
                    raise KeyError(f"{module} defines no {name}")
                return f"{module}.{name}", MODULE
            module, name = source.imports[name]
        raise Unfollowable(f"{module} imports {name} in a circle")

    def definition(self, target: Target) -> Definition:
        return self.remember(("definition", target), lambda: self._definition(*target))

    def _definition(self, module: str, name: str) -> Definition:
        source = self.source(module)
        effects = [(module, EFFECTS)] if source.effects and name != EFFECTS else []
        if name == MODULE:
            names = sorted(source.statements)
            members = ((module, each) for each in names)
            return Definition(json.dumps(["module", names]), (*members, *effects))
        self.refuse_changed(source, name)
        nodes = source.effects if name == EFFECTS else source.statements[name]
        writer = _Writer(self, source)
        text = json.dumps([writer.write(node, ()) for node in nodes])
        return Definition(text, (*writer.targets, *effects))

    def refuse_changed(self, source: Source, name: str) -> None:
        """Raise Unfollowable for an object that is filled where it cannot be seen."""
        line = source.changed.get(name)
        foreign = self.remember(("foreign",), lambda: _foreign_changes(self))
        place = (source.name, line) if line else foreign.get((source.name, name))
        if place:
            raise Unfollowable(
                f"{source.name}.{name} is changed in {place[0]}, line {place[1]}, so that keys of "
                "jobs cannot follow it; build it where it is defined"
            )


@functools.cache
def _of(top: str, root: str) -> Package:
    return Package(top, root)


def _package(module: str, root: Path | None) -> Package:
    package = _of(module.partition(".")[0], str(root or _root_of(module)))
    package.refresh()
    return package


def _root_of(module: str) -> Path:
    """The folder that holds the top-level package of an imported module."""
    top = sys.modules[module.partition(".")[0]]
    if hasattr(top, "__path__"):
        return Path(next(iter(top.__path__))).parent
    return Path(top.__file__).parent


def _stat(file: str) -> tuple[int, int]:
    """Time and size of a file or folder; zeros when there is none."""
    try:
        stat = os.stat(file)
    except FileNotFoundError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


# ---- reading one file ---------------------------------------------------------------------------


@functools.cache
def _read(name: str, file: str, mtime_ns: int, size: int) -> Source:
    tree = ast.parse(Path(file).read_bytes(), filename=file)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTION)):
            _drop_docstring(node)
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    source = Source(name, file, digest)
    package = name if Path(file).name == "__init__.py" else name.rpartition(".")[0]
    for statement in tree.body:
        _book(source, statement, package)
    _find_changes(source, tree)
    return source


def _drop_docstring(node) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]


def _book(source: Source, statement: ast.stmt, package: str) -> None:
    """Enter one top-level statement under the names that it binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        source.imports |= _imports(statement, package, source)
        return
    if _is_main_guard(statement):
        return
    bound = sorted(_bound([statement]))
    inner = [n for n in ast.walk(statement) if isinstance(n, ast.Import | ast.ImportFrom)]
    if not isinstance(statement, (ast.ClassDef, *FUNCTION)):
        for node in inner:  # `try: import x`
            source.imports |= _imports(node, package, source)
        bound = [name for name in bound if name not in source.imports]
    for name in bound:
        source.statements.setdefault(name, []).append(statement)
    if not bound and not inner:
        source.effects.append(statement)


def _is_main_guard(statement: ast.stmt) -> bool:
    test = getattr(statement, "test", None)
    left = getattr(test, "left", None)
    return isinstance(statement, ast.If) and getattr(left, "id", "") == "__name__"


def _imports(node: ast.stmt, package: str, source: Source) -> dict[str, Target]:
    """Names that an import binds, each with the module and the name in it."""
    if isinstance(node, ast.Import):
        pairs = [(a.asname or a.name.partition(".")[0], a) for a in node.names]
        return {name: (a.name if a.asname else name, MODULE) for name, a in pairs}
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, base] if base else above)
    if any(alias.name == "*" for alias in node.names):
        raise Unfollowable(
            f"{source.name}, line {node.lineno}: a star import hides what a job reaches; "
            "import the names"
        )
    return {alias.asname or alias.name: (base, alias.name) for alias in node.names}


def _find_changes(source: Source, tree: ast.Module) -> None:
    """Module-level names that a function of the file changes in place or rebinds."""
    functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTION)]
    for function in functions:
        own = _bound(function.body) | _parameters(function.args)
        for node in ast.walk(function):
            names = node.names if isinstance(node, ast.Global) else [_changed_name(node)]
            for name in names:
                if name in source.statements and (isinstance(node, ast.Global) or name not in own):
                    source.changed.setdefault(name, node.lineno)


def _changed_name(node: ast.AST) -> str | None:
    """`x` of `x[...] = y`, `del x[...]`, `x.attribute = y` and `x.append(y)`."""
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return getattr(node.value, "id", None)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return getattr(node.func.value, "id", None) if node.func.attr in CHANGES else None
    return None


def _foreign_changes(package: Package) -> dict[Target, tuple[str, int]]:
    """Definitions that a top-level statement of another module changes, with the place."""
    found = {}
    for name, file in package.files():
        if not package.inside(name) or not MAY_CHANGE.search(Path(file).read_bytes()):
            continue
        source = package.source(name)
        for node in (n for statement in source.effects for n in ast.walk(statement)):
            target = _foreign_target(package, source, node)
            if target:
                found[target] = (name, node.lineno)
    return found


def _foreign_target(package: Package, source: Source, node: ast.AST) -> Target | None:
    inner = node.func if isinstance(node, ast.Call) else node
    if isinstance(node, ast.Call):
        if not (isinstance(inner, ast.Attribute) and inner.attr in CHANGES):
            return None
    elif not isinstance(node, ast.Subscript | ast.Attribute) or isinstance(node.ctx, ast.Load):
        return None
    names, base = [], inner.value
    while isinstance(base, ast.Attribute):
        names.insert(0, base.attr)
        base = base.value
    binding = source.imports.get(getattr(base, "id", ""))
    if binding is None or not package.inside(binding[0]):
        return None
    target = package.settle(*binding)
    for name in names:
        if target[1] == MODULE:
            target = package.settle(target[0], name)
    return target


# ---- names --------------------------------------------------------------------------------------


def _parameters(args: ast.arguments) -> set[str]:
    each = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return {arg.arg for arg in each if arg}


def _bound(body: list[ast.AST]) -> set[str]:
    """Names that statements bind in their own scope; an inner function or class binds its name."""
    found, outer = set(), set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.ClassDef, *FUNCTION)):
            found.add(node.name)
            waiting += node.decorator_list
        elif isinstance(node, ast.Lambda):
            continue
        elif isinstance(node, COMPREHENSION):
            walrus = [n for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
            found |= {n.target.id for n in walrus}
        else:
            if isinstance(node, ast.Global | ast.Nonlocal):
                outer |= set(node.names)
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {a.asname or a.name.partition(".")[0] for a in node.names}
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                found.add(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                found.add(node.rest)
            waiting += ast.iter_child_nodes(node)
    return found - outer


class _Writer:
    """Writes syntax trees as nested lists, with numbers in the place of followed names."""

    def __init__(self, package: Package, source: Source):
        self.package, self.source = package, source
        self.targets: dict[Target, int] = {}

    def write(self, node, scopes: tuple):
        """`scopes`: (kind, {name: what it is bound to by an import, or None}), outermost first."""
        if isinstance(node, list):
            return [self.write(each, scopes) for each in node]
        if not isinstance(node, ast.AST):
            return node if isinstance(node, str | int | bool | None) else repr(node)
        special = getattr(self, f"_{type(node).__name__.lower()}", None)
        return special(node, scopes) if special else self.plain(node, scopes)

    def plain(self, node: ast.AST, scopes: tuple, without: tuple = (), **instead):
        """Type and fields; empty fields are left out, so that versions of Python agree."""
        out = [type(node).__name__]
        for name, value in ast.iter_fields(node):
            if name not in ("ctx", "type_comment", "kind", *without) and value not in (None, []):
                out.append([name, instead[name] if name in instead else self.write(value, scopes)])
        return out

    def _constant(self, node: ast.Constant, scopes: tuple):
        return ["Constant", type(node.value).__name__, repr(node.value)]

    def _name(self, node: ast.Name, scopes: tuple):
        return self.reference(node.id, [], node, scopes)

    def _attribute(self, node: ast.Attribute, scopes: tuple):
        names, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            names.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            return self.reference(base.id, names, node, scopes)
        return self.plain(node, scopes)

    def reference(self, name: str, attributes: list[str], node: ast.AST, scopes: tuple):
        """A name with attributes behind it, as far as it can be followed."""
        known, binding = self.look_up(name, scopes)
        if known and binding is None:
            return ["local", name, *attributes]
        if binding is None and name in self.source.statements:
            binding = self.source.name, name
        binding = binding or self.source.imports.get(name)
        if name in COMPUTED or (attributes and attributes[-1] == "import_module"):
            self.refuse(node, f"{name} finds code by a computed name")
        if binding is None:
            return ["builtin", name, *attributes]
        if not self.package.inside(binding[0]):
            return ["outside", self.outside(binding), *attributes]
        target = self.package.settle(*binding)
        while attributes and target[1] == MODULE and self.package.inside(target[0]):
            target, attributes = self.step(target, attributes, node), attributes[1:]
        if not self.package.inside(target[0]):
            return ["outside", self.outside(target), *attributes]
        return self.number(target, attributes)

    def step(self, target: Target, attributes: list[str], node: ast.AST) -> Target:
        try:
            return self.package.settle(target[0], attributes[0])
        except KeyError as error:
            self.refuse(node, str(error.args[0]))

    def outside(self, binding: Target) -> str:
        """Dotted name of what is not followed; of the machinery only the last part, which moves."""
        module, name = binding
        if module.partition(".")[0] == self.package.top:
            return f"machinery {name or module.rpartition('.')[2]}"
        return f"{module}.{name}" if name else module

    def number(self, target: Target, attributes: list[str]):
        return ["@", self.targets.setdefault(target, len(self.targets)), *attributes]

    def refuse(self, node: ast.AST, what: str):
        raise Unfollowable(
            f"{self.source.name}, line {node.lineno}: {what}, so that keys of jobs cannot follow it"
        )

    def look_up(self, name: str, scopes: tuple) -> tuple[bool, Target | None]:
        """Whether a name is bound in an enclosing function or class, and to which import."""
        for depth, (kind, names) in enumerate(reversed(scopes)):
            if name in names and (kind != "class" or depth == 0):
                return True, names[name]
        return False, None

    # ---- statements and expressions that open a scope ----

    def scope(self, body: list[ast.AST], more: set[str] = frozenset()) -> dict:
        """Names bound by statements, with the bindings of imports among them."""
        names = dict.fromkeys(_bound(body) | more)
        package = self.source.name
        if Path(self.source.file).name != "__init__.py":
            package = package.rpartition(".")[0]
        for node in _own_nodes(body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names |= _imports(node, package, self.source)
        return names

    def _functiondef(self, node, scopes: tuple):
        inner = (*scopes, ("function", self.scope(node.body, _parameters(node.args))))
        name = node.name if scopes else ""
        out = [type(node).__name__, name, self.arguments(node.args, scopes)]
        return [*out, self.write(node.decorator_list, scopes), self.write(node.body, inner)]

    _asyncfunctiondef = _functiondef

    def _lambda(self, node: ast.Lambda, scopes: tuple):
        inner = (*scopes, ("function", self.scope([node.body], _parameters(node.args))))
        return ["Lambda", self.arguments(node.args, scopes), self.write(node.body, inner)]

    def arguments(self, args: ast.arguments, scopes: tuple):
        """Parameters without their annotations."""
        kinds = ("posonlyargs", "args", "kwonlyargs")
        names = [[arg.arg for arg in getattr(args, kind)] for kind in kinds]
        names += [[getattr(args, kind).arg] if getattr(args, kind) else [] for kind in
                  ("vararg", "kwarg")]  # fmt: skip
        return [names, self.write(args.defaults, scopes), self.write(args.kw_defaults, scopes)]

    def _classdef(self, node: ast.ClassDef, scopes: tuple):
        inner = (*scopes, ("class", self.scope(node.body)))
        name = node.name if scopes else ""
        heads = [self.write(each, scopes) for each in
                 (node.decorator_list, node.bases, node.keywords)]  # fmt: skip
        return ["ClassDef", name, *heads, self.write(node.body, inner)]

    def _listcomp(self, node, scopes: tuple):
        targets = {n.id for each in node.generators for n in ast.walk(each.target)
                   if isinstance(n, ast.Name)}  # fmt: skip
        return self.plain(node, (*scopes, ("function", dict.fromkeys(targets))))

    _setcomp = _dictcomp = _generatorexp = _listcomp

    def _annassign(self, node: ast.AnnAssign, scopes: tuple):
        """Annotations count in classes (fields of data classes) and nowhere else."""
        in_class = bool(scopes) and scopes[-1][0] == "class"
        return self.plain(node, scopes, without=() if in_class else ("annotation",))

    def _import(self, node, scopes: tuple):
        return ["import"]  # what it binds counts where it is used

    _importfrom = _import


def _own_nodes(body: list[ast.AST]) -> Iterator[ast.AST]:
    """All nodes below statements that are not inside an inner function or class."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.ClassDef, ast.Lambda, *FUNCTION)):
            waiting += ast.iter_child_nodes(node)
