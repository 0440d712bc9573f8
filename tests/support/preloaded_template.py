"""The template of the children of ``preloaded.py``: imports, then forks for each request on the line."""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import sys
import time
import types
import warnings
from typing import Any

import preloaded

#: What children import: this package without its command line, whose modules look at the terminal, and what is imported
#: by it and by the tests' bots.
MODULES = (
    *("asyncio", "concurrent.futures.thread", "multiprocessing.connection", "sqlite3", "ssl", "textwrap"),
    *("aiohttp", "aiohttp.web", "cryptography.x509", "dotenv", "nats", "nats.js", "nkeys", "prompt_toolkit"),
    *("prompt_toolkit.patch_stdout", "pytest", "rich.console", "typer.main"),
    *("mezon.client", "mezon.ext.commands", "mezon.ext.state", "mezon.messages", "mezon.testing.bots"),
    *("mezon.testing.gateway", "mezon.testing.playground", "mezon.testing.process", "mezon._cluster.process"),
    *("mezon._cluster.relay", "mezon._cluster.worker_ports"),
)


def imported() -> None:
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            # Of an extra that is not installed.
            if name.partition(".")[0] == "mezon":
                raise


def next_request(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Fork for each request, and return in the child."""
    while True:
        data, fds, _, _ = socket.recv_fds(line, 1 << 20, 3)
        if not data:
            os._exit(0)
        between = os.fork()
        if between == 0:
            child = os.fork()
            if child == 0:
                line.close()
                return json.loads(data), fds
            # With the end of this process the child becomes one of pytest.
            line.send(str(child).encode())
            os._exit(0)
        os.waitpid(between, 0)
        line.send(b"it is yours")
        for fd in fds:
            os.close(fd)


def with_template(request: dict[str, Any], fds: list[int]) -> tuple[dict[str, Any], list[int]]:
    """Start a template for the children of this process; return here, and in each of these children."""
    line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        line.close()
        # They would be open after the process had ended.
        for fd in fds:
            os.close(fd)
        return next_request(far)
    far.close()
    preloaded.use(line)
    return request, fds


def stream(fd: int, unbuffered: bool) -> io.TextIOWrapper:
    """Open a standard stream as Python does."""
    old = (sys.__stdin__, sys.__stdout__, sys.__stderr__)[fd]
    assert old is not None
    raw = io.FileIO(fd, "r" if fd == 0 else "w", closefd=False)
    terminal = raw.isatty()
    if fd == 0:
        buffer: Any = io.BufferedReader(raw)
    else:
        buffer = raw if unbuffered else io.BufferedWriter(raw)
    raw.name = old.name
    return io.TextIOWrapper(
        buffer,
        encoding=old.encoding,
        errors=old.errors,
        newline=None if fd == 0 else "\n",
        line_buffering=(fd == 2 or terminal) and not unbuffered,
        write_through=fd != 0 and unbuffered,
    )


def become(request: dict[str, Any], fds: list[int]) -> None:
    """Make this process the one that was asked for."""
    for fd, given in enumerate(fds):
        os.dup2(given, fd)
        os.close(given)
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    environment = request["env"]
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    unbuffered = request["unbuffered"] or bool(environment.get("PYTHONUNBUFFERED"))
    sys.stdin = sys.__stdin__ = stream(0, unbuffered)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = stream(1, unbuffered)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = stream(2, unbuffered)  # type: ignore[misc]
    first = {"-c": "", "-m": request["cwd"]}.get(request["kind"])
    if first is None:
        first = os.path.dirname(os.path.abspath(request["what"]))
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = dict.fromkeys([first, *paths, *PATH])
    sys.argv = request["argv"]
    options = [one for one in environment.get("PYTHONWARNINGS", "").split(",") if one] + request["warnings"]
    sys.warnoptions[:] = options
    added = [one for one in warnings.filters if one not in FILTERS]
    warnings.filters[:] = FILTERS  # type: ignore[index]
    warnings._processoptions(options)  # type: ignore[attr-defined]
    warnings.filters[:0] = added  # type: ignore[index]
    sys.modules["__main__"] = types.ModuleType("__main__")


FILTERS = list(warnings.filters)
PATH = sys.path[1:]
signal.signal(signal.SIGINT, signal.SIG_IGN)
imported()
gc.collect()
gc.freeze()
request, fds = next_request(socket.socket(fileno=int(sys.argv[1])))
if request["starts"]:
    request, fds = with_template(request, fds)
become(request, fds)
# No variable here refers to the program's: they end with its module, before other modules do.
vars(sys.modules["__main__"])["__builtins__"] = __builtins__
try:
    if request["kind"] == "-m":
        runpy._run_module_as_main(request["what"])  # type: ignore[attr-defined]
    elif request["kind"] == "-c":
        exec(compile(request["what"], "<string>", "exec", dont_inherit=True), vars(sys.modules["__main__"]))
    else:
        path = os.path.abspath(request["what"])
        vars(sys.modules["__main__"])["__file__"] = path
        with io.open_code(path) as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        exec(code, vars(sys.modules["__main__"]))
except (SystemExit, KeyboardInterrupt):
    raise
except BaseException as error:
    # Without the frame of this file.
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    sys.excepthook(type(error), error, error.__traceback__)
    sys.exit(1)
