"""Find handlers that an import of the bot does not register, because they are below ``__main__``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mezon.client import MezonClient
from mezon.managers.event import EventManager
from mezon.utils.own import is_own
from mezon.utils.user_code import short

__all__ = ["has_handlers", "is_of_package", "warn_about_handlers", "warn_about_main"]

#: Decorators and methods of a client, bot, router or group that register something or wait for events; also everything
#: called ``on_...``.
_HANDLES: Final = frozenset(
    {
        *("on", "on_batch", "command", "group", "button", "select", "form", "quick_menu", "flow", "job"),
        *("every", "cron", "include", "stream", "wait_for"),
    }
)


def has_handlers(client: MezonClient) -> bool:
    """Return whether an imported client does anything when it runs: it has handlers, or code of the bot in a class."""
    if not is_of_package(type(client)) or not is_own(client, "setup_hook"):
        return True
    events = client.event_manager
    if type(events) is not EventManager or not is_own(events, "emit"):
        return True
    if getattr(client, "has_registered", False):
        return True
    # A `Bot` listens to clicks, and to messages for its help command.
    handlers = (one for listeners in events.listeners.values() for one in listeners)
    return any(not is_of_package(getattr(one, "handler", one)) for one in handlers)


def is_of_package(thing: Any) -> bool:
    """Return whether a class or function is defined in this package rather than in the bot."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "mezon"


def warn_about_main(path: Path, client: MezonClient | None = None, *, local: bool | None) -> str | None:
    """Return a warning if code of the bot is not run because the file is imported, else None.

    Args:
        path: The file of a client that is created at the top level.
        client: The client; None if the file has not been imported.
        local: Whether the command uses the local gateway: the advice is how the file itself does. None in a test.
    """
    deaf = client is None or not has_handlers(client)
    return (warn_about_handlers(path, local=local) if deaf else None) or _warn_about_lines(path, local)


def warn_about_handlers(path: Path, *, local: bool | None) -> str | None:
    """Return a warning if the file handles events only in functions that ``__main__`` calls, else None."""
    tree = _parsed(path)
    if tree is None:
        return None
    functions = {
        one.name: one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    main = [one for one in tree.body if _is_main(one)]
    rest: list[ast.AST] = [one for one in tree.body if one not in main and one not in functions.values()]
    # Decorators of top-level functions run with the import.
    rest += [decorator for function in functions.values() for decorator in function.decorator_list]
    if not main or not _creates_client(rest) or any(_handling(rest)):
        return None
    imported = _reached(rest, functions)
    for name in _reached(main, functions):
        if name in imported:
            continue
        line = next(_handling(functions[name].body), None)
        if line is None:
            continue
        return (
            f"{_short(path)} was imported, but its client has no handlers: they are in {name}() (line {line}), which "
            f"an import does not run. Move them to the top level of the file{_advice(path, local)}"
        )
    return None


def _warn_about_lines(path: Path, local: bool | None) -> str | None:
    """Return a warning if the file does more below ``__main__`` than run its client, else None."""
    tree = _parsed(path)
    for block in tree.body if tree is not None else ():
        if isinstance(block, ast.If) and _is_main(block):
            for statement in block.body:
                if not _only_starts(statement):
                    return (
                        f"{_short(path)}:{statement.lineno} is not run when the file is imported: this line is below "
                        f'if __name__ == "__main__". Move it to the top level{_advice(path, local)}'
                    )
    return None


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError):
        return None


def _short(path: Path) -> str:
    return short(str(path))


def _advice(path: Path, local: bool | None) -> str:
    if local is None:
        return ""
    if not local:
        return f", or run the file itself: python {_short(path)}"
    return (
        ", or run the file itself with the local gateway: mezon gateway --port 7350, and in another shell "
        f'eval "$(mezon gateway --port 7350 --export)"; python {_short(path)}'
    )


def _only_starts(statement: ast.stmt) -> bool:
    """Return whether a statement only starts the client, prepares the process, or imports something for that."""
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass)):
        return True
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if isinstance(value, ast.Await):
        value = value.value
    if not isinstance(value, ast.Call):
        return True
    name = ast.unparse(value.func).rpartition(".")[2]
    return name in _STARTS


#: Functions that a file may call below ``if __name__ == "__main__"`` without effect on the client.
_STARTS: Final = (
    *("run", "main", "start", "run_forever", "exit", "print", "login"),
    *("basicConfig", "dictConfig", "setup_logger", "load_dotenv"),
)


def _is_main(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def _creates_client(statements: list[Any]) -> bool:
    """Return whether a name of the file is bound to a client: to ``MezonClient(...)``, ``Bot(...)`` or the like."""
    for statement in statements:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Call):
            name = ast.unparse(statement.value.func).rpartition(".")[2]
            if name.endswith(("Client", "Bot")):
                return True
    return False


def _reached(nodes: list[Any], functions: dict[str, Any]) -> list[str]:
    """Return the functions of the file that some nodes name, directly or through one of these functions."""
    found: list[str] = []
    left: list[Any] = list(nodes)
    while left:
        for node in ast.walk(left.pop(0)):
            if isinstance(node, ast.Name) and node.id in functions and node.id not in found:
                found.append(node.id)
                left.append(functions[node.id])
    return found


def _handling(nodes: list[Any]) -> Iterator[int]:
    """Yield the lines of decorators and calls that register something with a client, or wait for its events."""
    for node in (one for top in nodes for one in ast.walk(top)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (one.lineno for one in node.decorator_list if _handles(one))
        elif isinstance(node, ast.Call) and _handles(node):
            yield node.lineno


def _handles(node: ast.expr) -> bool:
    method = node.func if isinstance(node, ast.Call) else node
    if not isinstance(method, ast.Attribute):
        return False
    return method.attr in _HANDLES or method.attr.startswith("on_")
