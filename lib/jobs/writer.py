"""A definition as nested lists, with numbers in the place of the definitions that it names."""

import ast

from lib.jobs.definitions import EFFECTS, LOCAL, Scope, Source, Target, Unfollowable

COMPUTED = ("__import__", "eval", "exec", "globals")
COMPUTED_OUTSIDE = tuple(f"builtins.{name}" for name in COMPUTED) + (
    "importlib.import_module", "importlib.util", "runpy", "sys.modules",
)  # fmt: skip
HIDDEN = ("__globals__", "__subclasses__")  # attributes that find code by no name


class Writer:
    """Writes the syntax trees of one definition; `targets` are the definitions that they name."""

    def __init__(self, package, source: Source, name: str):
        self.package, self.source, self.defined = package, source, name
        self.targets: dict[Target, int] = {}
        self.first: dict[int, Scope] = {}  # scopes of the first iterables of comprehensions

    def write(self, node, scope: Scope):
        if isinstance(node, list):
            return [self.write(each, scope) for each in node]
        if not isinstance(node, ast.AST):
            return node if isinstance(node, str | int | bool | None) else repr(node)
        special = getattr(self, f"_{type(node).__name__.lower()}", None)
        return special(node, scope) if special else self.plain(node, scope)

    def plain(self, node: ast.AST, scope: Scope, without: tuple = ()):
        """Type and fields; empty fields are left out, so that versions of Python agree."""
        out = [type(node).__name__]
        for name in node._fields:
            value = getattr(node, name, None)
            if name not in ("ctx", "type_comment", "kind", *without) and value not in (None, []):
                out.append([name, self.write(value, scope)])
        return out

    def _constant(self, node: ast.Constant, scope: Scope):
        return ["Constant", type(node.value).__name__, repr(node.value)]

    # ---- names ----

    def _name(self, node: ast.Name, scope: Scope):
        return self.reference(node, node, [], scope)

    def _attribute(self, node: ast.Attribute, scope: Scope):
        if node.attr in HIDDEN:
            self.refuse(node, f"{node.attr} finds code by no name")
        attributes, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            attributes.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            return self.reference(node, base, attributes, scope)
        return self.plain(node, scope)

    def reference(self, node: ast.AST, base: ast.Name, attributes: list[str], scope: Scope):
        """A name with attributes behind it, as far as it can be followed."""
        name = base.id
        binding = scope.find(name, getattr(base, "early", False))
        if binding == LOCAL:
            return ["local", name, *attributes]
        if binding is None:
            own = name in self.source.statements
            binding = (self.source.name, name) if own else self.source.imports.get(name)
        if binding is None:
            if name in COMPUTED:
                self.refuse(node, f"{name} finds code by a computed name")
            return ["builtin", name, *attributes]
        return self.bound_to(node, binding, attributes)

    def bound_to(self, node: ast.AST, binding: Target, attributes: list[str]):
        try:
            target, attributes = self.package.follow(binding, attributes)
        except KeyError as error:
            self.refuse(node, str(error.args[0]))
        if self.package.inside(target[0]):
            return self.number(target, attributes)
        outside = self.outside(target)
        dotted = ".".join([outside, *attributes, ""])
        if any(dotted.startswith(f"{each}.") for each in COMPUTED_OUTSIDE):
            self.refuse(node, f"{dotted[:-1]} finds code by a computed name")
        return ["outside", outside, *attributes]

    def number(self, target: Target, attributes: list[str]):
        return ["@", self.targets.setdefault(target, len(self.targets)), *attributes]

    def outside(self, target: Target) -> str:
        """Dotted name of what is not followed; of the machinery only the last part, which moves."""
        module, name = target
        if module.partition(".")[0] == self.package.top:
            return f"machinery {name or module.rpartition('.')[2]}"
        return f"{module}.{name}" if name else module

    def refuse(self, node: ast.AST, what: str):
        raise Unfollowable(
            f"{self.source.name}, line {node.lineno}: {what}, so that keys of jobs cannot follow it"
        )

    def _import(self, node, scope: Scope):
        """What an import binds counts where it is used, if there it is known to be this one."""
        unclear = [name for name in node.binds if scope.kind == "class" or not scope.single(name)]
        if scope is self.source.scope and self.defined != EFFECTS:
            unclear = [name for name in unclear if name == self.defined]
        return ["import", *([self.alias(name, scope), self.bound_to(node, node.binds[name], [])]
                            for name in unclear)]  # fmt: skip

    _importfrom = _import

    def alias(self, name: str, scope: Scope) -> str:
        return "" if scope is self.source.scope and name == self.defined else name

    # ---- statements and expressions that open a scope ----

    def _functiondef(self, node, scope: Scope):
        out = [type(node).__name__, self.alias(node.name, scope), self.arguments(node.args, scope)]
        decorators = self.write(node.decorator_list, scope)
        return [*out, decorators, self.write(node.body, node.scope)]

    _asyncfunctiondef = _functiondef

    def _lambda(self, node: ast.Lambda, scope: Scope):
        return ["Lambda", self.arguments(node.args, scope), self.write(node.body, node.scope)]

    def arguments(self, args: ast.arguments, scope: Scope):
        """Parameters without their annotations."""
        names = [[arg.arg for arg in each] for each in (args.posonlyargs, args.args,
                                                        args.kwonlyargs)]  # fmt: skip
        names += [[arg.arg] if arg else [] for arg in (args.vararg, args.kwarg)]
        return [names, self.write(args.defaults, scope), self.write(args.kw_defaults, scope)]

    def _classdef(self, node: ast.ClassDef, scope: Scope):
        heads = [self.write(each, scope) for each in
                 (node.decorator_list, node.bases, node.keywords)]  # fmt: skip
        body = self.write(node.body, node.scope)
        return ["ClassDef", self.alias(node.name, scope), *heads, body]

    def _listcomp(self, node, scope: Scope):
        self.first[id(node.generators[0].iter)] = scope  # Python reads it outside
        return self.plain(node, node.scope)

    def _comprehension(self, node: ast.comprehension, scope: Scope):
        outer = self.first.pop(id(node.iter), scope)
        parts = [["target", self.write(node.target, scope)], ["iter", self.write(node.iter, outer)]]
        parts += [["ifs", self.write(node.ifs, scope)]] if node.ifs else []
        return ["comprehension", *parts, ["is_async", node.is_async]]

    _setcomp = _dictcomp = _generatorexp = _listcomp

    def _annassign(self, node: ast.AnnAssign, scope: Scope):
        """Annotations count in classes (fields of data classes) and nowhere else."""
        return self.plain(node, scope, without=() if scope.kind == "class" else ("annotation",))
