"""An interpreter for child processes of which the test is not about the start of Python.

To import this package and what its command line uses takes Python half a second of a core, and the suite starts some
six hundred such children. Here each process of pytest starts one Python that has imported it all, the template, which
forks for each child. A child is a process like any other: it has its own arguments, folder, environment and streams,
it gets signals, it is waited for by ``subprocess`` and ``asyncio``, and it ends as Python ends::

    subprocess.run([PRELOADED, "-W", "error", "-m", "mezon.cli", "doctor"], cwd=folder, env=environment)
    await asyncio.create_subprocess_exec(PRELOADED, "bot.py", stdout=asyncio.subprocess.PIPE)

The bots that ``mezon chat``, ``mezon dev`` and ``mezon run --reload`` start are forked likewise, from a template that
is a child of the command. Tests of imports, of ``-X`` and of what else happens before the first line of a program use
``sys.executable``, and so does everything elsewhere than on Linux, or with ``MEZON_TEST_PRELOAD=0``.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["PRELOADED", "PYTEST"]

_PR_SET_CHILD_SUBREAPER: Final = 36

#: Arguments of commands that start Pythons themselves.
_STARTERS: Final = {"chat", "dev", "--reload"}


class _Preloaded(str):
    """The path of this interpreter, which ``subprocess`` recognizes."""

    __slots__ = ()


#: What to write where a command has ``sys.executable``.
PRELOADED: Final = _Preloaded(sys.executable)

#: pytest as the author of a bot runs it, whose environment has no hypothesis.
PYTEST: Final = (PRELOADED, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")


def _program(arguments: Sequence[str]) -> dict[str, Any]:
    """Read the arguments of an interpreter: ``[-u] [-W ACTION]... (-c CODE | -m MODULE | FILE) ARGUMENTS``."""
    warnings: list[str] = []
    unbuffered = False
    rest = list(map(os.fspath, arguments))
    while rest:
        first = rest.pop(0)
        if first == "-W":
            warnings.append(rest.pop(0))
        elif first == "-u":
            unbuffered = True
        elif first in ("-c", "-m"):
            return {"kind": first, "what": rest[0], "argv": [first, *rest[1:]]} | {
                "warnings": warnings,
                "unbuffered": unbuffered,
            }
        elif first.startswith("-"):
            break
        else:
            return {"kind": "file", "what": first, "argv": [first, *rest]} | {
                "warnings": warnings,
                "unbuffered": unbuffered,
            }
    raise ValueError(f"a preloaded Python cannot run {arguments}: use sys.executable")


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """Orphans among the descendants of this process become its children meanwhile."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


class _Template:
    """The process that is forked.

    Args:
        line: Where it takes requests; without it a new one is started.
    """

    def __init__(self, line: socket.socket | None = None) -> None:
        self._one_at_a_time = threading.Lock()
        if line is not None:
            self._line = line
            atexit.register(line.close)
            return
        self._owner = os.getpid()
        self._line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = str(Path(__file__).with_name("preloaded_template.py"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with far:
            self._process = subprocess.Popen(
                [sys.executable, program, str(far.fileno())], env=environment, pass_fds=[far.fileno()]
            )
        atexit.register(self._close)

    def _close(self) -> None:
        if os.getpid() == self._owner:
            self._line.close()
            self._process.wait()

    def fork(self, request: dict[str, Any], streams: Sequence[int]) -> int:
        """Return the process id of a new child of this process."""
        with self._one_at_a_time, _adopting():
            socket.send_fds(self._line, [json.dumps(request).encode()], streams)
            child = self._line.recv(32)
            # Its parent has ended: it is ours.
            if not child or not self._line.recv(32):
                raise RuntimeError("the template of the child processes ended")
        return int(child)


_template: _Template | None = None
_start_lock = threading.Lock()


def _fork(
    arguments: Sequence[str], cwd: Any, env: Mapping[str, str] | None, session: bool, streams: list[int]
) -> int:
    global _template
    request = _program(arguments)
    request["cwd"] = os.path.abspath(cwd or ".")
    request["env"] = dict(os.environ if env is None else env)
    request["session"] = session
    request["starts"] = request["what"] == "mezon.cli" and not _STARTERS.isdisjoint(request["argv"])
    with _start_lock:
        if _template is None:
            _template = _Template()
    return _template.fork(request, streams)


def _install(is_preloaded: Callable[[Any], bool]) -> None:
    execute = subprocess.Popen._execute_child  # type: ignore[attr-defined]

    def execute_child(self: Any, args: Any, *given: Any) -> None:
        if not (isinstance(args, list | tuple) and args and is_preloaded(args[0])):
            execute(self, args, *given)
            return
        executable, preexec_fn, _, pass_fds, cwd, env, _, _, shell, *pipes = given
        p2cread, _, _, c2pwrite, _, errwrite, _, *_, start_new_session, _ = pipes
        if preexec_fn or pass_fds or shell or executable:
            raise ValueError("a preloaded Python has no such option: use sys.executable")
        streams = [
            inherited if fd == -1 else fd for inherited, fd in enumerate((p2cread, c2pwrite, errwrite))
        ]
        self.pid = _fork(args[1:], cwd, env, start_new_session, streams)
        self._child_created = True
        self._close_pipe_fds(*pipes[:6])

    subprocess.Popen._execute_child = execute_child  # type: ignore[attr-defined]


def use(line: socket.socket) -> None:
    """Have the Pythons that this process starts forked by the template at the other end of the line."""
    global _template
    _template = _Template(line)
    _install(lambda program: program == sys.executable)


if sys.platform == "linux" and os.environ.get("MEZON_TEST_PRELOAD") != "0":
    _install(lambda program: isinstance(program, _Preloaded))
