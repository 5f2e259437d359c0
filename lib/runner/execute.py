"""Runs one notebook in a kernel of its own and says in one line what went wrong in which cell."""

import functools
import os
from contextlib import contextmanager
from pathlib import Path

from lib import files, paths
from lib.jobs import Job, pool
from lib.runner import freshness
from lib.runner.notebooks import executed, source

NOT_STARTED = "Kernel died before replying to kernel_info"  # as jupyter_client says it


class NotebookError(pool.Told):
    """A cell of a notebook failed."""


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
        begin=functools.partial(freshness.begin, name, given, around),
        end=functools.partial(freshness.end, name, given),
        source=around,
    )


def execute(source: str, target: str, root: str, given: dict) -> None:
    """Run one notebook in a kernel of this very python, from the root of the repository.

    The executed notebook is moved to `target`, and its page made, also when a cell fails; then
    NotebookError names the cell as it is counted in the source, text cells included.
    """
    os.environ[pool.WORKERS] = "1"  # jobs that it starts itself share the core of this worker
    folder = Path(target).parent
    with files.writing(folder), files.half(folder) as half:
        written = half / Path(target).name
        problem = _run(_read(source), written, root, given)
        os.replace(written, target)
        _page(Path(target))
    if problem:
        raise NotebookError(problem)


def _run(node, written: Path, root: str, given: dict, tries: int = 2) -> str:
    """Execute into the file `written`; what went wrong, "" if nothing did."""
    import papermill  # here: half a second that the runner itself need not spend
    from nbclient.exceptions import DeadKernelError

    from lib.runner import kernels

    short = os.environ.get(paths.RECORD_ONLY) or given.get("profile") == "smoke"
    try:
        with _own_settings(written.parent / "ipython"):
            done = papermill.execute_notebook(
                node,
                str(written),
                parameters=given,
                kernel_name="python3",
                kernel_manager_class=kernels.manager(forked=bool(short)),  # imports are most of it
                progress_bar=False,
                cwd=root,
                extra_arguments=["--IPKernelApp.log_level=50"],
            )
    except papermill.PapermillExecutionError as error:
        return f"{_cell(error.cell_index, error, node)}: {error.ename}: {error.evalue}".strip()
    except DeadKernelError:
        return _note_death(written, node)
    except RuntimeError as error:
        if NOT_STARTED not in str(error):
            raise
        if tries > 1:  # kernels that start at once may have picked the same port
            return _run(node, written, root, given, tries - 1)
        return "its kernel does not start; is there memory left? (-j 1 runs one at a time)"
    return _early_end(done, node)


@contextmanager
def _own_settings(folder: Path):
    """A fresh IPython folder for kernels: a reader's settings and start-up files do not count."""
    before = os.environ.get("IPYTHONDIR")
    os.environ["IPYTHONDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["IPYTHONDIR"]
        else:
            os.environ["IPYTHONDIR"] = before


def _early_end(done, node) -> str:
    """Papermill takes `sys.exit(0)` in a cell for success, although what follows is not run."""
    for i, cell in enumerate(done.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error" and output.ename == "SystemExit":
                return f"{_cell(i, cell, node)}: SystemExit: the cells after it did not run"
    return ""


def _note_death(written: Path, node) -> str:
    """What to say of a kernel that was killed, also written below the cell that it ran."""
    import nbformat

    done = nbformat.read(written, as_version=4)
    begun = [i for i, c in enumerate(done.cells) if c.metadata.papermill.get("start_time")]
    open_ = [i for i in begun if not done.cells[i].metadata.papermill.get("end_time")]
    i = (open_ or begun or [0])[-1]
    text = "its kernel was killed (out of memory? -j 1 runs one notebook at a time)"
    output = nbformat.v4.new_output("error", ename="DeadKernelError", evalue=text, traceback=[text])
    done.cells[i].setdefault("outputs", []).append(output)
    nbformat.write(done, written)
    return f"{_cell(i, done.cells[i], node)}: {text}"


def _cell(index: int, cell, node) -> str:
    """`cell 7 (fit the model)`, by its tags or first line; papermill adds a cell that we skip."""
    tagged = [i for i, each in enumerate(node.cells) if "parameters" in each.metadata.tags]
    index -= 1 if tagged and index > tagged[0] else 0
    tags = ", ".join(node.cells[index].metadata.tags)
    return f"cell {index + 1} ({tags or cell.source.strip().partition(chr(10))[0]})"


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
