"""Keys of jobs follow definitions: what must change a key, what must not, and what is refused."""

import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lib.jobs import source
from lib.jobs.source import Unfollowable

ROOT = Path(__file__).parents[2]
PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/far.py": """
        import numpy as np

        FACTOR = 3

        def helper(x: int) -> float:
            # a comment
            return np.mean(x) * FACTOR

        def unused():
            return 1
    """,
    "pkg/middle.py": """
        from pkg.far import helper

        def between(x):
            return helper(x)

        def apart(x):
            return x
    """,
    "pkg/work.py": """
        from pkg import middle

        def job(x):
            return middle.between(x)

        def other(x):
            return middle.apart(x)
    """,
}


@pytest.fixture
def tree(tmp_path):
    """Writes files of a package and tells the keys of its jobs."""
    return Tree(tmp_path)


class Tree:
    def __init__(self, root: Path):
        self.root = root

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), encoding="utf-8")

    def swap(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        (self.root / name).write_text(text.replace(old, new), encoding="utf-8")

    def key(self, job: str = "job", module: str = "pkg.work") -> str:
        return source.code_hash(module, job, self.root)


def key_of(tree: Tree, text: str, **more: str) -> str:
    """Key of `job` in a module with this text; `a__b` is the module `pkg/a/b.py`."""
    shutil.rmtree(tree.root / "pkg", ignore_errors=True)
    paths = {name: name.replace("__", "/").replace("init", "__init__") for name in more}
    files = {f"pkg/{paths[name]}.py": more[name] for name in more}
    tree.write({"pkg/__init__.py": "", "pkg/work.py": text} | files)
    return tree.key()


# ---- what changes no key, and what changes which ---------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pkg/far.py", "# a comment", "# another, longer comment\n"),
        ("pkg/far.py", "np.mean(x) * FACTOR", "(\n        np.mean( x )\n        *FACTOR )"),
        ("pkg/far.py", "# a comment", '"""A docstring."""'),
        ("pkg/far.py", "(x: int) -> float", "(x)"),
        ("pkg/far.py", "FACTOR = 3", 'FACTOR = 3\n"""What it is."""'),
        ("pkg/far.py", "return 1", "return 2"),
        ("pkg/far.py", "def unused", "def beside():\n    return 5\n\ndef unused"),
        ("pkg/work.py", "def other", "def third():\n    return 5\n\ndef other"),
    ],
)
def test_what_does_not_matter_changes_no_key(tree, name, old, new):
    tree.write(PACKAGE)
    before = tree.key()
    tree.swap(name, old, new)
    assert tree.key() == before


def test_numpy_under_another_name_is_the_same_and_another_function_is_not(tree):
    tree.write(PACKAGE)
    before = tree.key()
    tree.swap("pkg/far.py", "numpy as np", "numpy as numpy")
    tree.swap("pkg/far.py", "np.mean", "numpy.mean")
    assert tree.key() == before
    tree.swap("pkg/far.py", "numpy.mean", "numpy.median")
    assert tree.key() != before


def test_names_and_places_of_definitions_do_not_matter(tree):
    tree.write(PACKAGE)
    before = tree.key()
    for name in ("far", "middle"):
        tree.swap(f"pkg/{name}.py", "helper", "assist")  # rename a function
    assert tree.key() == before
    tree.swap("pkg/far.py", "FACTOR", "TIMES")
    assert tree.key() == before
    (tree.root / "pkg/far.py").rename(tree.root / "pkg/distant.py")  # rename a module
    tree.swap("pkg/middle.py", "pkg.far", "pkg.distant")
    assert tree.key() == before
    tree.write({"pkg/room/__init__.py": ""})  # move a module
    (tree.root / "pkg/middle.py").rename(tree.root / "pkg/room/middle.py")
    tree.swap("pkg/work.py", "from pkg import", "from pkg.room import")
    assert tree.key() == before
    tree.swap("pkg/work.py", "def job", "def task")  # rename the job's function
    assert tree.key("task") == before


@pytest.mark.parametrize(
    ("old", "new"), [("FACTOR = 3", "FACTOR = 4"), ("np.mean(x)", "np.mean(x + 1)")]
)
def test_a_helper_two_imports_away_changes_the_jobs_that_reach_it(tree, old, new):
    tree.write(PACKAGE)
    before = tree.key("job"), tree.key("other")
    tree.swap("pkg/far.py", old, new)
    after = tree.key("job"), tree.key("other")
    assert after[0] != before[0] and after[1] == before[1]


def test_the_key_is_the_same_in_another_folder_and_process(tree, tmp_path_factory):
    tree.write(PACKAGE)
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(tree.root / "pkg", copy / "pkg")
    call = f"from pathlib import Path; from lib.jobs import source as s; \
print(s.code_hash('pkg.work', 'job', Path({str(copy)!r})))"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", call], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == tree.key()


# ---- an edit is followed ----------------------------------------------------------------------

FOLLOWED = {
    "constant built in steps": ("X = [1]\nX += [2]\ndef job(): return X", "[2]", "[3]"),
    "method of a variable": ("def job(x): return x.mean", "mean", "sum"),
    "class": ("class A:\n    def f(self): return 1\ndef job(): return A().f()", "1", "2"),
    "base class": ("class B:\n    x = 1\nclass A(B): pass\ndef job(): return A.x", "1", "2"),
    "class keyword": ("K = 1\nclass A(object, k=K): pass\ndef job(): return A", "K = 1", "K = 2"),
    "decorator": ("def d(f): return 1\n@d\ndef job(): pass", "1", "2"),
    "decorator's argument": ("N = 1\ndef d(n): return n\n@d(N)\ndef job(): 0", "N = 1", "N = 2"),
    "default": ("N = 1\ndef job(x=N): return x", "N = 1", "N = 2"),
    "keyword default": ("N = 1\ndef job(*, x=N): return x", "N = 1", "N = 2"),
    "lambda's default": ("N = 1\ndef job(): return lambda x=N: x", "N = 1", "N = 2"),
    "nested function": ("def h(): return 1\ndef job():\n def g(): return h()\n return g()", "1",
                        "2"),
    "nested class": ("H = 1\nclass A:\n class B:\n  x = H\ndef job(): return A", "1", "2"),
    "mutual recursion": ("def a(n): return b(n)\ndef b(n): return a(n) or 1\ndef job(): a(2)",
                         "1", "2"),
    "first iterable": ("x = [1]\ndef job(): return [x for x in x]", "[1]", "[2]"),
    "class attribute of the same name": ("def h(): return 1\nclass A:\n    h = h\n"
                                         "def job(): return A.h()", "1", "2"),
    "walrus": ("X = (Y := 1) + 1\ndef job(): return Y", "Y := 1", "Y := 2"),
    "walrus in a comprehension": ("X = [Y := i for i in (1, 2)]\ndef job(): return Y", "(1,",
                                  "(3,"),
    "unpacked": ("A, *B = 1, 2, 3\ndef job(): return B", "2, 3", "2, 4"),
    "f-string": ("W = 3\ndef job(x): return f'{x:{W}}'", "W = 3", "W = 4"),
    "field of a data class": ("from dataclasses import dataclass, field\ndef m(): return [1]\n"
                              "@dataclass\nclass A:\n    x: list = field(default_factory=m)\n"
                              "def job(): return A()", "[1]", "[2]"),
    "annotation of a field": ("class K: x = 1\nclass A:\n    y: K\ndef job(): return A", "1", "2"),
    "match": ("class P: x = 1\ndef job(v):\n    match v:\n        case P(y=y): return y", "1", "2"),
    "matched constant": ("class P: x = 1\ndef job(v):\n    match v:\n        case P.x: return 0",
                         "1", "2"),
    "async": ("async def h(): return 1\nasync def job(): return await h()", "1", "2"),
    "starred": ("A = [1]\ndef job(f): return f(*A, **{})", "[1]", "[2]"),
    "either definition": ("import sys\nif sys.argv:\n    def h(): return 1\nelse:\n"
                          "    def h(): return 5\ndef job(): return h()", "5", "2"),
    "fallback of an import": ("try:\n    from math import tau as t\nexcept ImportError:\n"
                              "    t = 6\ndef job(): return t", "6", "7"),
    "conditional import": ("try:\n    from math import tau as t\nexcept ImportError:\n"
                           "    from math import pi as t\ndef job(): return t", "tau", "e"),
    "import that is wrapped": ("from math import pi as f\nf = str(f)\ndef job(): return f", "pi",
                               "tau"),
    "two imports in a function": ("def job(a):\n    if a: from math import pi as f\n"
                                  "    else: from math import tau as f\n    return f", "pi", "e"),
    "import in a class": ("class A:\n    from math import pi as f\ndef job(): return A.f", "pi",
                          "e"),
    "effect": ("import numpy as np\nnp.seterr(all='raise')\ndef job(): return 1", "raise", "warn"),
    "effect in a loop": ("import numpy as np\nfor k in ('raise',):\n    np.seterr(all=k)\n"
                         "def job(): return 1", "raise", "warn"),
    "the last of two imports": ("from math import pi as f\nfrom math import tau as f\n"
                                "def job(): return f", "tau", "e"),
    "loop": ("T = {}\nfor k in (1, 2):\n    T[k] = k\ndef job(): return T", "2)", "3)"),
    "attempt": ("T = {}\ntry:\n    T[1] = 2\nexcept KeyError as e:\n    pass\ndef job(): return T",
                "= 2", "= 3"),
    "items": ("T = {}\nT['a'] = 1\ndef job(): return T", "= 1", "= 2"),
    "unpacked item": ("T = {}\na, T['a'] = 0, 1\ndef job(): return T", "0, 1", "0, 2"),
    "method in an assignment": ("T = [5]\n_ = T.append(1)\ndef job(): return T", "(1)", "(2)"),
    "single dispatch": ("import functools\n@functools.singledispatch\ndef s(x): return 0\n"
                        "@s.register(int)\ndef _(x): return 1\ndef job(): return s(3)", "1", "2"),
    "which of two": ("if True:\n    def f(): return 1\n    def g(): return 2\n"
                     "def job(): return f()", "return f()", "return g()"),
    "which of a pair": ("a, b = 1, 2\ndef job(): return a", "return a", "return b"),
    "exception's type": ("class E(Exception): x = 1\ndef job():\n    try: pass\n"
                         "    except E as e: raise e", "x = 1", "x = 2"),
}  # fmt: skip


@pytest.mark.parametrize("what", FOLLOWED)
def test_an_edit_is_followed(tree, what):
    text, old, new = FOLLOWED[what]
    assert old in text
    assert key_of(tree, text) != key_of(tree, text.replace(old, new))


@pytest.mark.parametrize(
    "text",
    [
        "def job(other): return other",
        "def job(*other, **more): return other",
        "def job(x, /): return lambda other: other",
        "def job(x): return [other for other in x]",
        "def job(x): return {other: y for other, y in x}",
        "def job():\n    other = 1\n    return other",
        "def job():\n    from math import pi as other\n    return other",
        "def job():\n    for other in (1, 2): pass\n    return other",
        "def job(x):\n    with x as other: return other",
        "def job(x):\n    if (other := x): return other",
        "def job(x):\n    any((other := y) for y in x)\n    return other",
        "def job(x):\n    try: x()\n    except ValueError as other: return other",
        "def job(x):\n    match x:\n        case [1, *other]: return other",
        "def job(x):\n    match x:\n        case {'a': 1, **other}: return other",
        "def job():\n    def other(): return 1\n    return other()",
        "def job():\n    class other: pass\n    return other",
        "def job():\n    other = 1\n    def g():\n        nonlocal other\n        return other",
        "class A:\n    other = 1\n    y = other\ndef job(): return A",
        "def job(x): return x.other",
        "def job(x): return x(other=1)",
        "def job(x: other) -> other: y: other = x; return y",
    ],
)
def test_a_variable_of_the_same_name_does_not_count(tree, text):
    beside = "\ndef other(): return {}\n"
    assert key_of(tree, text + beside.format(1)) == key_of(tree, text + beside.format(2))


IMPORTS = {
    "name": "from pkg.far import f\ndef job(): return f()",
    "other name": "from pkg.far import f as g\ndef job(): return g()",
    "module": "import pkg.far\ndef job(): return pkg.far.f()",
    "module's other name": "import pkg.far as far\ndef job(): return far.f()",
    "relative": "from .far import f\ndef job(): return f()",
    "relative module": "from . import far\ndef job(): return far.f()",
    "in the function": "def job():\n    from pkg.far import f\n    return f()",
    "module in the function": "def job():\n    import pkg.far\n    return pkg.far.f()",
    "handed on": "from pkg.hub import f\ndef job(): return f()",
    "handed on twice": "from pkg.room import f\ndef job(): return f()",
    "module handed on": "from pkg import room\ndef job(): return room.far.f()",
    "room imports its part": "from pkg import room\ndef job(): return room.part.f()",
    "room without __init__": "import pkg.bare.part\ndef job(): return pkg.bare.part.f()",
}


@pytest.mark.parametrize("how", IMPORTS)
def test_every_kind_of_import_leads_to_the_definition(tree, how):
    def key(value, beside):
        return key_of(
            tree,
            IMPORTS[how],
            far=f"def f(): return {value}\ndef g(): return {beside}",
            hub="from .far import f, g",
            room__init="from pkg import far\nfrom pkg.hub import f\nfrom . import part",
            room__part="from pkg.far import f",
            bare__part="from pkg.far import f",
        )

    assert key(1, 1) == key(1, 2) != key(2, 2)


def test_all_imports_of_one_definition_give_one_key(tree):
    texts = [IMPORTS[how] for how in ("name", "other name", "relative", "handed on")]
    far = {"far": "def f(): return 1", "hub": "from .far import f"}
    assert len({key_of(tree, text, **far) for text in texts}) == 1


# ---- what cannot be followed ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "from pkg import far\ndef job(name): return getattr(far, name)",
        "from pkg import far\ndef job(x): part = far if x else None; return part.f()",
        "from pkg import room\ndef job(name): return getattr(room, name)",
        "from pkg import hall\ndef job(name): return getattr(hall, name).g()",
        "import pkg.far as far\nPARTS = {'far': far}\ndef job(x): return PARTS[x].f()",
    ],
)
def test_a_module_used_as_a_value_counts_as_a_whole(tree, text):
    def key(value, comment=""):
        room = "from pkg.far import g"
        far = f"def g(): return {value} {comment}"
        return key_of(tree, text, far=far, room__init=room, hall__init="", hall__part=far)

    assert key(1) == key(1, "# comment") != key(2)


@pytest.mark.parametrize(
    ("text", "module", "line"),
    [
        ("from pkg.far import *\ndef job(): return f()", "pkg.work", 1),
        ("def job(x):\n    return eval(x)", "pkg.work", 2),
        ("def job(x):\n    exec(x)", "pkg.work", 2),
        ("def job(x):\n    return globals()[x]()", "pkg.work", 2),
        ("def job(x):\n    return __import__(x)", "pkg.work", 2),
        ("import importlib\ndef job(x):\n    return importlib.import_module(x)", "pkg.work", 3),
        ("from importlib import import_module as i\ndef job(x): return i(x)", "pkg.work", 2),
        ("import builtins\ndef job(x): return builtins.eval(x)", "pkg.work", 2),
        ("import sys\ndef job(x): return sys.modules[x]", "pkg.work", 2),
        ("def job(x): return job.__globals__[x]", "pkg.work", 1),
        ("class A: pass\ndef job(): return A.__subclasses__()", "pkg.work", 2),
        ("from pkg import far\ndef job(): return far.missing", "pkg.work", 2),
        ("def job():\n    from pkg.far import missing\n    return missing", "pkg.work", 3),
        ("def job():\n    from pkg.absent import f\n    return f()", "pkg.work", 3),
        ("T = {}\ndef add(f):\n    T[f.__name__] = f\ndef job(x): return T[x]", "pkg.work", 3),
        ("T = {}\ndef add(f):\n    T['a']['b'] = f\ndef job(x): return T[x]", "pkg.work", 3),
        ("T = {}\ndef add(f): T.setdefault(f, [])\ndef job(x): return T[x]", "pkg.work", 2),
        ("T = {'a': []}\ndef add(f): T['a'].append(f)\ndef job(x): return T[x]", "pkg.work", 2),
        ("T = 1\ndef add():\n    global T\n    T = 2\ndef job(): return T", "pkg.work", 3),
        ("T = 1\ndef job():\n    global T\n    return T", "pkg.work", 3),
        (
            "T = 1\ndef job():\n    T = 2\n    def g():\n        global T\n        return T\n"
            "    return g()",
            "pkg.work",
            5,
        ),
        ("def add():\n    global T\n    T = 2\ndef job(): return T", "pkg.work", 2),
        ("class A: pass\ndef add(): setattr(A, 'x', 1)\ndef job(): return A", "pkg.work", 2),
        ("class A: pass\ndef add():\n    del A.x\ndef job(): return A", "pkg.work", 3),
    ],
)
def test_what_hides_code_is_refused_with_its_place(tree, text, module, line):
    with pytest.raises(Unfollowable, match=rf"{module}, line {line}\b"):
        key_of(tree, text, far="def f(): return 1")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from pkg.far import T\nT['a'] = 1", 2),
        ("from pkg import far\nfar.T['a'] = 1", 2),
        ("import pkg.far\nfor i in (1, 2):\n    pkg.far.T[i] = 1", 3),
        ("from pkg import far\nfar.T.update(a=1)", 2),
        ("from pkg import far\nfar.T = 1", 2),
        ("from pkg import far\nsetattr(far, 'T', 1)", 2),
        ("from pkg import far\ndef add(f):\n    far.T['a'] = f", 3),
        ("from pkg.far import T\n@T.register\ndef f(): return 1", 2),
        ("from pkg.far import T\nT.register(print)", 2),
    ],
)
def test_an_object_that_another_module_changes_is_refused(tree, text, line):
    job = "from pkg.far import T\ndef job(x): return T[x]"
    far = "T = {}\nU = 1"
    with pytest.raises(Unfollowable, match=rf"pkg\.far\.T is changed in pkg\.late, line {line}\b"):
        key_of(tree, job, far=far, late=text)
    key_of(tree, job.replace("T", "U"), far=far, late=text)  # U is not changed


@pytest.mark.parametrize(
    "text",
    [
        "T = {}\ndef add(T): T['a'] = 1\ndef job(x): return T[x]",
        "T = {}\ndef add():\n    T = {}\n    def g(): T['a'] = 1\n    g()\ndef job(x): return T[x]",
        "def eval(x): return x\ndef job(x): return eval(x)",
        "def job(model): return model.eval()",
        "from pkg import late\ndef job(x): return late.add(x)",
    ],
)
def test_what_only_looks_hidden_is_followed(tree, text):
    key_of(tree, text, late="def add(x): return x", broken="def (", starred="from math import *")


def test_statements_with_effects_count_for_every_definition_of_their_module(tree):
    text = "from pkg.far import f, g\ndef job(): return f()\ndef other(): return 1"
    far = "import numpy as np\nnp.seterr(all={!r})\ndef f(): return 1\ndef g(): return 2"

    def keys(how):
        key_of(tree, text, far=far.format(how))
        return tree.key("job"), tree.key("other")

    before, after = keys("warn"), keys("raise")
    assert before[0] != after[0] and before[1] == after[1]


def test_no_such_function(tree):
    tree.write(PACKAGE)
    with pytest.raises(KeyError, match=r"pkg\.work defines no missing"):
        tree.key("missing")
    with pytest.raises(KeyError, match=r"no source file of module pkg\.missing"):
        tree.key("job", "pkg.missing")


# ---- files that change while the process runs ---------------------------------------------------


def test_edits_of_the_same_size_are_seen_at_once(tree):
    tree.write(PACKAGE)
    seen = set()
    for digit in "123456789":
        tree.swap("pkg/far.py", "* FACTOR", f"* FACTOR * {digit}" if digit == "1" else "* FACTOR")
        if digit != "1":
            tree.swap("pkg/far.py", f"* {int(digit) - 1}\n", f"* {digit}\n")
        seen.add(tree.key())
    assert len(seen) == 9


def test_an_edit_too_quick_for_the_clock_of_the_disk_is_seen(tree, monkeypatch):
    moment = time.time_ns() + 10**9
    monkeypatch.setattr(source, "_written", lambda path: (moment, moment, 0, 0))
    tree.write(PACKAGE)
    before = tree.key()
    tree.swap("pkg/far.py", "FACTOR = 3", "FACTOR = 4")
    assert tree.key() != before


def test_an_edit_after_a_while_is_seen_at_once_and_an_older_file_too(tree):
    tree.write(PACKAGE)
    file = tree.root / "pkg/far.py"
    os.utime(file, (1e9, 1e9))
    time.sleep(2 * source.SETTLED)
    before = tree.key()
    assert tree.key() == before
    tree.swap("pkg/far.py", "FACTOR = 3", "FACTOR = 4")
    os.utime(file, (1e9, 1e9))  # the same time and size
    assert tree.key() != before


def test_a_new_module_that_changes_an_object_is_found(tree):
    key_of(tree, "T = {}\ndef job(): return T")
    time.sleep(2 * source.SETTLED)
    tree.key()
    tree.write({"pkg/late.py": "from pkg.work import T\nT['a'] = 1\n"})
    time.sleep(2 * source.SETTLED)
    with pytest.raises(Unfollowable, match=r"pkg\.late, line 2"):
        tree.key()


def test_many_keys_of_unchanged_files_cost_little():
    def call():
        source.code_hash("lib.tasks.classify", "arm", ROOT)

    call()
    time.sleep(2 * source.SETTLED)
    start = time.process_time()
    for _ in range(3000):
        call()
    assert time.process_time() - start < 2  # 0.2 s; a slow machine may take longer
