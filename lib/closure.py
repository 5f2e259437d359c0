"""The source code a function can reach: its module and all it imports inside its own package.

Comments, layout and docstrings do not count; function-level imports and the `__init__` files of
packages do. The machinery that only carries jobs out does not count either. Not seen: modules
imported by a computed name, and data files (pass those as arguments of the job instead).
"""

import ast
import functools
import hashlib
import os
import sys
from pathlib import Path

MACHINERY = {"lib.jobs", "lib.schedule", "lib.store", "lib.closure", "lib.record"}
WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def closure_hash(module: str, root: Path | None = None) -> str:
    """Hex digest of the source that `module` can reach.

    `root` is the folder that holds the top-level package (default: where it was imported from).
    Files are read again when their time or size changes, so an edit is seen at once.
    """
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(sources(module, root).items()))
    return hashlib.sha256(text.encode()).hexdigest()


def sources(module: str, root: Path | None = None) -> dict[str, str]:
    """Every reachable module of the same top-level package, by dotted name, with its digest."""
    root = root or _root_of(module)
    if _file_of(module, root) is None:
        raise FileNotFoundError(f"no source file of module {module} under {root}")
    found: dict[str, str] = {}
    waiting = _with_parents(module)
    while waiting:
        name = waiting.pop()
        file = _file_of(name, root)
        if name in found or name in MACHINERY or file is None:
            continue
        stat = os.stat(file)
        found[name], imported = _read(name, file, stat.st_mtime_ns, stat.st_size)
        waiting += imported
    return found


def snapshot(module: str) -> str:
    """Changes whenever any source file of the module's top-level package is touched."""
    package = Path(_file_of(module.partition(".")[0], _root_of(module)))
    files = sorted(package.parent.rglob("*.py")) if package.name == "__init__.py" else [package]
    stats = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    return hashlib.sha256(repr(stats).encode()).hexdigest()


@functools.cache
def _read(name: str, file: str, mtime_ns: int, size: int) -> tuple[str, tuple[str, ...]]:
    """Digest of one file's syntax tree, and the modules of its own package that it may import."""
    tree = ast.parse(Path(file).read_bytes(), filename=file)
    package = name if Path(file).name == "__init__.py" else name.rpartition(".")[0]
    imported = {part for node in ast.walk(tree) for part in _imports(node, package)}
    top = name.partition(".")[0]
    inside = sorted(part for part in imported if part.partition(".")[0] == top)
    return hashlib.sha256(ast.dump(_bare(tree)).encode()).hexdigest(), tuple(inside)


def _imports(node: ast.AST, package: str) -> list[str]:
    """Dotted names that one statement may import (names that turn out not to be modules too)."""
    if isinstance(node, ast.Import):
        return [part for alias in node.names for part in _with_parents(alias.name)]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, base] if base else above)
    return _with_parents(base) + [f"{base}.{alias.name}" for alias in node.names]


def _bare(tree: ast.Module) -> ast.Module:
    """The same tree without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def _with_parents(name: str) -> list[str]:
    """`a.b.c` -> [`a`, `a.b`, `a.b.c`]: importing a module runs its packages too."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _file_of(name: str, root: Path) -> str | None:
    base = os.path.join(root, *name.split("."))  # no Path: asked for tens of thousands of names
    candidates = (os.path.join(base, "__init__.py"), base + ".py")
    return next((file for file in candidates if os.path.isfile(file)), None)


def _root_of(module: str) -> Path:
    """The folder that holds the top-level package of an imported module."""
    top = sys.modules[module.partition(".")[0]]
    if hasattr(top, "__path__"):
        return Path(next(iter(top.__path__))).parent
    return Path(top.__file__).parent
