"""One source file: what each of its names stands for, and what its statements change.

Every node that opens a scope carries it afterwards as `node.scope`.
"""

import ast
import functools
import hashlib
from dataclasses import dataclass, field

Target = tuple[str, str]  # module, and the name of a definition in it

MODULE = ""  # the name under which a whole module stands
EFFECTS = "*"  # ... and its top-level statements that do something
LOCAL = ("", "")  # what a variable or parameter stands for
# Methods that change the object on which they are called
CHANGES = {"__delitem__", "__setitem__", "add", "append", "appendleft", "clear", "discard",
           "extend", "fill", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort",
           "update"}  # fmt: skip
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITION = (ast.ClassDef, *FUNCTION)
IMPORT = (ast.Import, ast.ImportFrom)


class Unfollowable(ValueError):
    """Code that a job reaches and whose definitions cannot be found by name."""


@dataclass(eq=False)
class Scope:
    """Names bound in a module, function, class or comprehension, each with all it is bound to."""

    kind: str
    outer: "Scope | None" = None
    names: dict[str, set[Target]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)  # names that belong to the module

    def find(self, name: str, early: bool = False) -> Target | None:
        """What a name read here stands for: LOCAL, an import, or None for a name of the module.

        `early`: read in the body of a class before the class binds it.
        """
        scope = self
        while scope.kind != "module":
            if name in scope.globals:
                return None
            visible = scope.kind != "class" or (scope is self and not early)
            if visible and name in scope.names:
                return scope.single(name) or LOCAL
            scope = scope.outer
        return None

    def single(self, name: str) -> Target | None:
        """The import that alone binds a name; None when anything else binds it too."""
        found = self.names[name]
        return next(iter(found)) if len(found) == 1 and LOCAL not in found else None

    def at_import(self) -> bool:
        """Whether its code runs when the module is imported, outside of functions and classes."""
        scope = self
        while scope.kind == "comprehension":
            scope = scope.outer
        return scope.kind == "module"


@dataclass(frozen=True)
class Change:
    """An object that a statement may change: a name and the attributes behind it."""

    name: str
    attributes: tuple[str, ...]
    line: int
    scope: Scope
    kind: str  # "set"; "method" of CHANGES; "call" thrown away, or that decorates; "global"


@dataclass
class Source:
    """What one file says."""

    name: str
    tree: ast.Module
    scope: Scope
    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Target] = field(default_factory=dict)  # ("numpy", "") for `import numpy`
    effects: list[ast.stmt] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    star: int = 0  # line of a star import

    @functools.cached_property
    def digest(self) -> str:
        """Hash of the syntax tree without docstrings."""
        return hashlib.sha256(ast.dump(self.tree).encode()).hexdigest()


def read(name: str, file: str, text: bytes) -> Source:
    """Read a file; `file` says where. Raises SyntaxError."""
    return _Reader(name, file, text).source


def chain(node: ast.AST) -> tuple[str | None, list[str]]:
    """Name at the root of `name.a.b`, and the attributes; None for another root."""
    attributes = []
    while isinstance(node, ast.Attribute):
        attributes.insert(0, node.attr)
        node = node.value
    return (node.id, attributes) if isinstance(node, ast.Name) else (None, attributes)


@functools.cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """Fields of a node in the order in which they bind: values first, then their targets."""
    names = [name for name in ("value", "iter") if name in kind._fields]
    return (*names, *(each for each in kind._fields if each not in ("ctx", *names)))


@functools.cache
def _special(kind: type[ast.AST]) -> str:
    """The name of the reader's method for such nodes, where it has one."""
    return f"_{kind.__name__.lower()}"


class _Reader:
    """Visits every node of a file once."""

    def __init__(self, name: str, file: str, text: bytes):
        self.package = name if file.endswith("__init__.py") else name.rpartition(".")[0]
        tree = ast.parse(text, filename=file)
        self.module = Scope("module")
        self.source = Source(name, tree, self.module)
        self.decorated: list[tuple[str, ast.stmt]] = []
        self.lists: dict[str, list[ast.stmt]] = {}  # the statements that bind a name
        self.drop_docstrings(tree)
        for statement in tree.body:
            if not _is_main_guard(statement):
                self.enter(statement)
        self.settle()

    def enter(self, statement: ast.stmt) -> None:
        """Enter one top-level statement under the names that it binds."""
        self.bound: dict[str, None] = {}
        self.acts = False
        self.visit(statement, self.module)
        for name in self.bound:
            self.lists.setdefault(name, []).append(statement)
        plain = isinstance(statement, (*DEFINITION, *IMPORT, ast.Pass))
        if self.acts or not (self.bound or plain):
            self.source.effects.append(statement)

    def settle(self) -> None:
        """Part imports from definitions: a name that is bound in other ways too is defined here."""
        source = self.source
        for name, statements in self.lists.items():
            if all(isinstance(each, IMPORT) for each in statements):
                source.imports[name] = statements[-1].binds[name]  # the last one holds
            elif self.module.single(name):
                source.imports[name] = self.module.single(name)
            else:
                source.statements[name] = statements
        for name, statement in self.decorated:  # `@name.register` adds to `name`
            if name in source.statements:
                source.statements[name].append(statement)
        for change in source.changes:
            if change.kind == "global" and change.name not in source.imports:
                source.statements.setdefault(change.name, [])

    # ---- one node ----

    def visit(self, node, scope: Scope) -> None:
        if isinstance(node, list):
            for each in node:
                self.visit(each, scope)
        elif isinstance(node, ast.AST):
            special = getattr(self, _special(type(node)), self.children)
            special(node, scope)

    def children(self, node: ast.AST, scope: Scope) -> None:
        self.drop_docstrings(node)
        for name in _fields(type(node)):
            self.visit(getattr(node, name, None), scope)

    def drop_docstrings(self, node: ast.AST) -> None:
        """Strings that stand alone say nothing to the machine."""
        body = getattr(node, "body", None)
        if isinstance(body, list) and any(map(_is_text, body)):
            node.body = [each for each in body if not _is_text(each)]

    def bind(self, name: str, scope: Scope, target: Target = LOCAL) -> None:
        if name not in scope.globals:
            scope.names.setdefault(name, set()).add(target)
            if scope is self.module:
                self.bound[name] = None

    def change(self, node: ast.AST, line: int, scope: Scope, kind: str = "set") -> None:
        """Book that the object of an expression such as `x.a[0]` changes."""
        while isinstance(node, ast.Subscript) or (
            isinstance(node, ast.Attribute) and chain(node)[0] is None
        ):
            node = node.value
        name, attributes = chain(node)
        if name is not None:
            self.source.changes.append(Change(name, tuple(attributes), line, scope, kind))
            self.acts |= kind != "call" and scope.at_import()

    def inner(self, node: ast.AST, kind: str, outer: Scope) -> Scope:
        node.scope = Scope(kind, outer)
        self.drop_docstrings(node)
        return node.scope

    # ---- names ----

    def _name(self, node: ast.Name, scope: Scope) -> None:
        if isinstance(node.ctx, ast.Load):
            self.source.used.add(node.id)
            node.early = scope.kind == "class" and node.id not in scope.names
        else:
            self.bind(node.id, scope)

    def _namedexpr(self, node: ast.NamedExpr, scope: Scope) -> None:
        self.visit(node.value, scope)
        while scope.kind == "comprehension":
            scope = scope.outer
        self.bind(node.target.id, scope)

    def _global(self, node: ast.Global, scope: Scope) -> None:
        if scope is not self.module:
            scope.globals |= set(node.names)
            self.source.changes += [
                Change(name, (), node.lineno, self.module, "global") for name in node.names
            ]

    def named(self, node: ast.AST, scope: Scope) -> None:
        """A node whose name is a field of text."""
        if node.name:
            self.bind(node.name, scope)
        self.children(node, scope)

    _excepthandler = _matchas = _matchstar = _typevar = _paramspec = _typevartuple = named

    def _matchmapping(self, node: ast.MatchMapping, scope: Scope) -> None:
        if node.rest:
            self.bind(node.rest, scope)
        self.children(node, scope)

    def _import(self, node: ast.Import, scope: Scope) -> None:
        node.binds = {}
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            node.binds[name] = (alias.name if alias.asname else name, MODULE)
            self.bind(name, scope, node.binds[name])

    def _importfrom(self, node: ast.ImportFrom, scope: Scope) -> None:
        node.binds = {}
        base = node.module or ""
        if node.level:
            above = self.package.split(".")
            above = above[: len(above) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        for alias in node.names:
            if alias.name == "*":
                self.source.star = node.lineno
                continue
            name = alias.asname or alias.name
            node.binds[name] = (base, alias.name)
            if node.binds[name] == (self.source.name, name):  # `from . import part`
                node.binds[name] = (f"{base}.{name}", MODULE)
            self.bind(name, scope, node.binds[name])

    # ---- changes ----

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.change(node, node.lineno, scope)
        self.visit(node.value, scope)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.change(node.value, node.lineno, scope)
        self.children(node, scope)

    def _call(self, node: ast.Call, scope: Scope) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
            self.change(node.func.value, node.lineno, scope, "method")
        elif getattr(node.func, "id", "") in ("setattr", "delattr") and len(node.args) > 1:
            name = getattr(node.args[1], "value", None)
            known = isinstance(name, str)
            changed = ast.Attribute(node.args[0], name) if known else node.args[0]
            self.change(changed, node.lineno, scope)
        self.children(node, scope)

    def _expr(self, node: ast.Expr, scope: Scope) -> None:
        if scope is self.module and not isinstance(node.value, ast.Constant):
            self.acts = True
            call = node.value
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                self.change(call.func.value, node.lineno, scope, "call")
        self.visit(node.value, scope)

    def decorators(self, node, scope: Scope) -> None:
        """`@name.method` may keep what it decorates."""
        for each in node.decorator_list if scope is self.module else ():
            call = each.func if isinstance(each, ast.Call) else each
            if isinstance(call, ast.Attribute):
                self.change(call.value, each.lineno, scope, "call")
                self.decorated.append((chain(call)[0], node))
        self.visit(node.decorator_list, scope)

    # ---- scopes ----

    def _functiondef(self, node, scope: Scope) -> None:
        self.decorators(node, scope)
        self.bind(node.name, scope)
        self.function(node, scope)

    _asyncfunctiondef = _functiondef

    def function(self, node, scope: Scope) -> None:
        """A function or lambda; its annotations only use names."""
        args = node.args
        self.visit([args.defaults, args.kw_defaults], scope)
        inner = self.inner(node, "function", scope)
        for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
            if arg:
                self.bind(arg.arg, inner)
                self.visit(arg.annotation, scope)
        self.visit(getattr(node, "returns", None), scope)
        self.visit(getattr(node, "type_params", []), inner)
        self.visit(node.body, inner)

    _lambda = function

    def _classdef(self, node: ast.ClassDef, scope: Scope) -> None:
        self.decorators(node, scope)
        self.bind(node.name, scope)
        inner = self.inner(node, "class", scope)
        self.visit(getattr(node, "type_params", []), inner)
        self.visit([node.bases, node.keywords], scope)
        self.visit(node.body, inner)

    def _listcomp(self, node, scope: Scope) -> None:
        inner = self.inner(node, "comprehension", scope)
        first = node.generators[0]
        self.visit(first.iter, scope)  # Python reads the first iterable outside
        self.visit([first.target, first.ifs, node.generators[1:]], inner)
        for name in ("elt", "key", "value"):
            self.visit(getattr(node, name, None), inner)

    _setcomp = _dictcomp = _generatorexp = _listcomp


def _is_text(node: ast.AST) -> bool:
    value = getattr(node, "value", None)
    return isinstance(node, ast.Expr) and isinstance(getattr(value, "value", None), str)


def _is_main_guard(statement: ast.stmt) -> bool:
    test = getattr(statement, "test", None)
    left = getattr(test, "left", None)
    return isinstance(statement, ast.If) and getattr(left, "id", "") == "__name__"
