"""What the source of a settings class says beside its values."""

import ast
import inspect
import io
import tokenize


def comments(cls: type) -> dict[str, str]:
    """Field of a dataclass -> the comment at the end of its lines; "" where there is none."""
    source = inspect.getsource(cls)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    said = {t.start[0]: t.string[1:].strip() for t in tokens if t.type == tokenize.COMMENT}
    fields = [n for n in ast.parse(source).body[0].body if isinstance(n, ast.AnnAssign)]
    lines = {n.target.id: range(n.lineno, n.end_lineno + 1) for n in fields}
    return {name: " ".join(said[i] for i in at if i in said) for name, at in lines.items()}
