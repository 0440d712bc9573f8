"""The mark by which two processes of one bot see each other."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from mezon.utils.instance_mark import InstanceMark
from patience import patient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")

OTHER = """
import sys
from mezon.utils.instance_mark import InstanceMark

mark = InstanceMark(1, "http://here", sys.argv[1])
print(mark.take(), flush=True)
sys.stdin.read()
mark.release()
"""

FORK = """
import os
from mezon.utils.instance_mark import InstanceMark

mine = InstanceMark(1, "http://here", "cache.db")
assert mine.take() is None
child = os.fork()
if child == 0:
    mine.release()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(InstanceMark(1, "http://here", "cache.db").take() == os.getpid())
mine.release()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime directory of the test's own, also for the processes it starts."""
    private = tmp_path / "runtime"
    private.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(private))
    return private


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files that others may write to, and no runtime directory."""
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    return shared


def mark() -> InstanceMark:
    return InstanceMark(1, "http://here", "cache.db")


def test_another_process_is_seen_until_it_ends_and_leaves_nothing(folder: Path) -> None:
    command = [sys.executable, "-c", OTHER, "cache.db"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "None\n"
        assert mark().take() == other.pid
        assert InstanceMark(2, "http://here", "cache.db").take() is None, "another bot is no second one"
        other.stdin.close()
        assert other.wait(20) == 0
    mine = mark()
    assert mine.take() is None
    assert mine.take() is None, "it has it already"
    mine.release()
    mine.release()
    assert list(folder.iterdir()) == []


def test_one_that_was_killed_is_not_seen(folder: Path) -> None:
    command = [sys.executable, "-c", OTHER, "cache.db"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    assert len(list(folder.iterdir())) == 1, "nobody took the file away"
    mine = mark()
    assert mine.take() is None
    mine.release()
    assert list(folder.iterdir()) == []


def test_a_file_that_was_taken_away_meanwhile_is_no_mark(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mark()
    lost: list[int] = []
    real = os.open

    def late(path: Path, flags: int, mode: int) -> int:
        descriptor = real(path, flags, mode)
        if not lost:
            # As if its owner had ended just now.
            lost.append(descriptor)
            next(folder.iterdir()).unlink()
        return descriptor

    monkeypatch.setattr(os, "open", late)
    assert first.take() is None
    monkeypatch.undo()
    assert lost
    assert len(list(folder.iterdir())) == 1, "it has made the file that counts"
    first.release()


def test_a_forked_child_leaves_the_mark_of_its_parent() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=patient(30))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "True\n"


def test_a_folder_that_cannot_be_written_is_no_error(
    monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    assert mark().take() is None


def test_without_a_runtime_directory_it_makes_one_that_is_private(temporary: Path) -> None:
    mine = mark()
    assert mine.take() is None
    [private] = temporary.iterdir()
    assert private.stat().st_mode & 0o777 == 0o700
    [file] = private.iterdir()
    assert file.read_text() == str(os.getpid())
    assert mark().take() == os.getpid()
    mine.release()
    assert list(private.iterdir()) == []


@pytest.mark.parametrize("trap", ["open to others", "a link", "a file"])
def test_a_directory_that_is_not_private_is_not_used(temporary: Path, tmp_path: Path, trap: str) -> None:
    """Somebody else may have made what has the name, which can be told beforehand."""
    there = temporary / f"mezon-{os.getuid()}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if trap == "open to others":
        there.mkdir()
        there.chmod(0o770)
    elif trap == "a link":
        there.symlink_to(elsewhere)
    else:
        there.write_text("kept")
    mine = mark()
    assert mine.take() is None
    assert mine.take() is None
    mine.release()
    assert list(elsewhere.iterdir()) == []
    assert there.read_text() == "kept" if trap == "a file" else list(there.iterdir()) == []


@pytest.mark.parametrize("kind", ["symbolic link", "hard link", "file"])
def test_what_is_not_a_mark_is_neither_followed_nor_truncated(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    mine = mark()
    assert mine.take() is None
    [file] = folder.iterdir()
    mine.release()
    precious = tmp_path / "precious.txt"
    precious.write_text("1234" if kind == "hard link" else "precious")
    before = precious.read_text()
    if kind == "symbolic link":
        file.symlink_to(precious)
    elif kind == "hard link":
        os.link(precious, file)
    else:
        file.write_text(before)
    mine = mark()
    assert mine.take() is None
    mine.release()
    assert precious.read_text() == before
    assert file.read_text() == before, "nobody has taken it away"
