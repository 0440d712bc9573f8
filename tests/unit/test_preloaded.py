"""A child that is forked from the preloaded Python is like one that Python starts."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from patience import patient
from preloaded import PRELOADED

LOOK = """
import os, sys
print(sys.argv, __name__, sys.path[0], sys.warnoptions, os.getcwd(), sorted(os.environ), sys.stdin.read())
print([(one.name, one.encoding, one.errors, one.line_buffering) for one in (sys.stdin, sys.stdout, sys.stderr)])
print([signal.getsignal(one) for signal in [__import__("signal")] for one in (2, 13, 15)])
"""
PROGRAMS = {
    "what it sees": LOOK,
    "code": "import sys; sys.exit(3)",
    "sentence": "import sys; sys.exit('refused')",
    "error": "def fail():\n    raise ValueError('ouch') from KeyError(1)\nfail()",
    "syntax": "print(",
    "signal": "import os; os.kill(os.getpid(), 15)",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "warning": "import warnings; warnings.warn('careful', UserWarning)",
    "left open": "here = open(__import__('os').devnull)",
    "left open by an error": "here = open(__import__('os').devnull)\n1 / 0",
    "never awaited": "async def nothing(): pass\nhere = nothing()",
    "at the end": "import atexit; atexit.register(print, 'ended')",
    "thread": "import threading, time; threading.Timer(0.05, print, ['later']).start()",
    "bytes": "import sys; sys.stdout.buffer.write(b'raw'); sys.stderr.write('Phở')",
}


def run(python: str, *arguments: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [python, *arguments, "one", "two"],
        cwd=folder,
        env={"PATH": "/nowhere", "PYTHONPATH": str(folder / "more"), "LANG": "C.UTF-8"},
        input="typed\n",
        capture_output=True,
        text=True,
        timeout=patient(50),
    )
    return done.returncode, done.stdout, re.sub("0x[0-9a-f]+", "0x...", done.stderr)


@pytest.mark.parametrize("options", [(), ("-W", "error")], ids=["plain", "errors"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_does_what_python_does(tmp_path: Path, program: str, options: tuple[str, ...]) -> None:
    code = (*options, "-c", PROGRAMS[program])
    assert run(PRELOADED, *code, folder=tmp_path) == run(sys.executable, *code, folder=tmp_path)


@pytest.mark.parametrize("arguments", [("program.py",), ("-m", "program"), ("-u", "program.py")])
@pytest.mark.parametrize("program", ["what it sees", "error"])
def test_files_and_modules(tmp_path: Path, program: str, arguments: tuple[str, ...]) -> None:
    (tmp_path / "program.py").write_text(PROGRAMS[program])
    assert run(PRELOADED, *arguments, folder=tmp_path) == run(sys.executable, *arguments, folder=tmp_path)


async def test_it_gets_signals_and_is_waited_for() -> None:
    code = "import time\n"
    code += "try:\n    print('ready', flush=True)\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print('now')"
    child = await asyncio.create_subprocess_exec(PRELOADED, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGINT)
    async with asyncio.timeout(patient(20)):
        out, _ = await child.communicate()
    assert (child.returncode, out) == (0, b"now\n")


def test_an_option_that_it_cannot_have_is_refused() -> None:
    if subprocess.Popen._execute_child.__module__ != "preloaded":  # type: ignore[attr-defined]
        pytest.skip("it is an ordinary Python here")
    with pytest.raises(ValueError, match=r"use sys\.executable"):
        subprocess.run([PRELOADED, "-X", "dev", "-c", "pass"])
