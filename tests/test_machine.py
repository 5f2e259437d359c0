"""What the machine says of itself: the commit is ours or none, and never silently missing."""

import shutil
import subprocess

import pytest

from lib import machine, paths

ISAS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


@pytest.fixture
def chosen(tmp_path, monkeypatch):
    """precision() of a processor with these flags, where these variables are set."""

    def found(flags, **variables):
        (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags}\n", encoding="utf-8")
        monkeypatch.setattr(machine, "Path", lambda name: tmp_path / "cpuinfo")
        for name in ISAS:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        machine.precision.cache_clear()
        return machine.precision()

    yield found
    machine.precision.cache_clear()


@pytest.mark.parametrize("flags", ["avx512f avx512_bf16", "amx_bf16 amx_tile"])
def test_bfloat16_is_for_processors_that_multiply_it_unless_a_variable_forbids(chosen, flags):
    assert chosen(flags) == "bfloat16" and chosen("avx512f avx512_vnni") == "float32"
    for value in ("default", "avx2"):
        assert chosen(flags, ATEN_CPU_CAPABILITY=value) == "float32"
    assert chosen(flags, ATEN_CPU_CAPABILITY="avx512") == "bfloat16"
    assert chosen(flags, ATEN_CPU_CAPABILITY="AVX2") == "bfloat16"  # torch ignores it, and warns
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        for value in ("AVX2", "avx2_vnni_2", "AVX512_CORE", "AVX512_CORE_VNNI"):
            assert chosen(flags, **{name: value}) == "float32"
        for value in ("", "ALL", "DEFAULT", "AVX512_CORE_BF16", "AVX512_CORE_AMX", "nonsense"):
            assert chosen(flags, **{name: value}) == "bfloat16"
    both = {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_AMX", "DNNL_MAX_CPU_ISA": "AVX2"}
    assert chosen(flags, **both) == "bfloat16"  # the first name counts


needs_git = pytest.mark.skipif(not shutil.which("git"), reason="no git on this machine")


@pytest.fixture
def outer(tmp_path, monkeypatch):
    """A repository with one commit, around the folder that stands for ours."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    init(tmp_path)
    monkeypatch.setattr(paths, "ROOT", inner)
    machine.commit.cache_clear()
    yield tmp_path
    machine.commit.cache_clear()


def init(folder):
    """Make a repository there and commit all."""
    user = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for args in (["init", "-q"], ["add", "."], [*user, "commit", "-qm", "a", "--allow-empty"]):
        subprocess.run(["git", *args], cwd=folder, check=True)


@needs_git
def test_commit_of_a_repository_around_ours_does_not_count(outer):
    assert machine.commit() is None


@needs_git
def test_commit_in_a_hook_of_another_repository_does_not_count(outer, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    assert machine.commit() is None


@needs_git
def test_commit_of_ours_with_and_without_changes(outer):
    init(paths.ROOT)
    found = machine.commit()
    assert len(found) == 12 and int(found, 16) >= 0
    (paths.ROOT / "new").write_text("", encoding="utf-8")
    subprocess.run(["git", "add", "new"], cwd=paths.ROOT, check=True)
    machine.commit.cache_clear()
    assert machine.commit() == f"{found}-dirty"


@needs_git
def test_refusal_of_git_is_not_silent(outer, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    with pytest.warns(UserWarning, match="commit of the code is not recorded: .*safe.directory"):
        assert machine.commit() is None
