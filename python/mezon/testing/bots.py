"""Find and import a bot, and connect its client to the local gateway without changing the bot's file.

Used by ``mezon run``, ``mezon dev``, ``mezon chat`` and tests. A bot is named as ``bot.py``, ``package.module``,
``bot.py:client`` or ``package.module:make_bot``.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import os
import runpy
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mezon.client import MezonClient
from mezon.errors import MezonError
from mezon.testing.silence import BotSilence, receive_all
from mezon.utils.logger import MISTAKE
from mezon.utils.unawaited import own_lines
from mezon.utils.user_code import warn_user

if TYPE_CHECKING:
    from mezon.testing.gateway import LocalGateway

__all__ = ["BotError", "Target", "instances", "load_bot", "locate", "pointed_at", "run_script", "running_bot"]

_CLIENT_NAMES: Final = ("client", "bot", "app")
_MAKER_NAMES: Final = ("make_client", "create_client", "make_bot", "create_bot")
#: Folder by name of each top-level module that was imported for a bot.
_imported: Final[dict[str, Path]] = {}


class BotError(Exception):
    """A bot cannot be found or imported. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """The location of a bot.

    Attributes:
        path: The file of the bot.
        module: The name of the module to import.
        folder: The folder that must be on ``sys.path``.
        attribute: The name of the client, or of a function that creates it; None to search for it.
    """

    path: Path
    module: str
    folder: Path
    attribute: str | None = None

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}" if self.attribute else self.module


def locate(text: str, folder: Path | None = None) -> Target:
    """Return the bot that ``text`` names, relative to ``folder`` (default: the current folder). Imports nothing.

    Raises:
        BotError: There is no such file or module.
    """
    home = (folder or Path.cwd()).resolve()
    place, colon, attribute = text.rpartition(":")
    # A drive letter is not an attribute: C:\bots\bot.py.
    if not colon or "/" in attribute or "\\" in attribute:
        place, attribute = text, ""
    path = home / place
    if not place.endswith(".py") and not path.exists():
        inside = home.joinpath(*place.split("."))
        for candidate in (inside.with_suffix(".py"), inside / "__init__.py"):
            if candidate.is_file():
                path = candidate
                break
        else:
            raise BotError(f"there is no {place}.py and no package {place} in {home}; name the bot's file")
    if path.is_dir():
        path = path / "__init__.py"
    if not path.is_file():
        raise BotError(f"there is no file {path}; name the bot's file, such as bot.py")
    return _target(path.resolve(), attribute or None)


def _target(path: Path, attribute: str | None) -> Target:
    parts = [path.stem] if path.stem != "__init__" else []
    above = path.parent
    while (above / "__init__.py").is_file():
        parts.insert(0, above.name)
        above = above.parent
    return Target(path, ".".join(parts), above, attribute)


def load_bot(target: Target | str) -> MezonClient | None:
    """Import or re-import the bot and return its client.

    None if the module creates no client when it is imported: such a bot is a script, see ``run_script``.

    Raises:
        BotError: The import failed, or the client does not exist.
    """
    target = locate(target) if isinstance(target, str) else target
    module = _reimport(target)
    if target.attribute is not None:
        return _client_of(target, module)
    clients = {name: value for name, value in vars(module).items() if _is_client(value)}
    for name in _CLIENT_NAMES:
        if name in clients:
            return clients[name]  # type: ignore[no-any-return]
    different = {id(value): name for name, value in clients.items()}
    if len(different) > 1:
        names = " or ".join(f"{target.module}:{name}" for name in different.values())
        raise BotError(f"{target.path.name} has {len(different)} clients; say which one: {names}")
    if clients:
        return next(iter(clients.values()))  # type: ignore[no-any-return]
    for name in _MAKER_NAMES:
        made = getattr(module, name, None)
        if callable(made) and _callable_without_arguments(made):
            return _checked(target, name, made())
    return None


def _reimport(target: Target) -> Any:
    folder = str(target.folder)
    top = target.module.partition(".")[0]
    known = getattr(sys.modules.get(top), "__file__", None)
    # Two bots of one test run can both be called bot.py: the later one replaces the earlier one.
    other = _imported.get(top, target.folder)
    # Moved to the front, because the folder of another bot can contain a file with the same name.
    sys.path[:] = [folder, *(path for path in sys.path if path != folder)]
    _imported[top] = target.folder
    if known is None or any(Path(known).resolve().is_relative_to(one) for one in (target.folder, other)):
        old = target.module if other == target.folder else top
        for name in [n for n in sys.modules if n == old or n.startswith(old + ".")]:
            del sys.modules[name]
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(target.module)
    except KeyError as error:
        if _from_environ(error):
            raise BotError(
                f"{target.path.name} reads the environment variable {error.args[0]}, which is not set: put "
                f"{error.args[0]}=... into .env, or set it in the shell"
            ) from error
        raise
    found = getattr(module, "__file__", None)
    if found is None or Path(found).resolve() != target.path:
        raise BotError(
            f"importing {target.module} gave {found or 'a module without a file'} and not {target.path}: another "
            "module has the same name; rename the bot's file"
        )
    return module


def _from_environ(error: KeyError) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        trace is not None
        and trace.tb_frame.f_code.co_filename == os.environ.__class__.__getitem__.__code__.co_filename
    )


def _client_of(target: Target, module: Any) -> MezonClient:
    value: Any = module
    name = target.attribute or ""
    for part in name.split("."):
        if not hasattr(value, part):
            raise BotError(
                f"{target.path.name} has no {name}; name its client, such as {target.module}:client"
            )
        value = getattr(value, part)
    if not _is_client(value) and callable(value) and _callable_without_arguments(value):
        value = value()
    return _checked(target, name, value)


def _checked(target: Target, name: str, value: Any) -> MezonClient:
    inner: Any = value if _is_client(value) else getattr(value, "client", None)
    if not _is_client(inner):
        raise BotError(
            f"{target.module}:{name} is a {type(value).__name__}; it should be a MezonClient, or a function without "
            "parameters that returns one"
        )
    return inner  # type: ignore[no-any-return]


def _is_client(value: object) -> bool:
    return isinstance(value, MezonClient)


def _callable_without_arguments(maker: Any) -> bool:
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):
        return False
    free = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(
        parameter.default is not inspect.Parameter.empty or parameter.kind in free
        for parameter in signature.parameters.values()
    )


def run_script(target: Target) -> None:
    """Run the bot's file as ``python bot.py`` does, for bots that create their client in ``main``."""
    folder = str(target.path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.argv = [str(target.path)]
    runpy.run_path(str(target.path), run_name="__main__")


instances: Final[list[Any]] = []
"""The last clients that were created inside ``pointed_at``, oldest first."""


@contextlib.contextmanager
def pointed_at(
    options: Mapping[str, Any], on_create: Callable[[MezonClient], object] = lambda client: None
) -> Iterator[list[str]]:
    """Override the options of every ``MezonClient`` that is created inside the block.

    A bot that is configured for the real server, with its real key, therefore never connects to it. Yields a list to
    which the names of overridden options are appended.

    Args:
        options: The options.
        on_create: Called with each client after its creation.
    """
    original = MezonClient.__init__
    replaced: list[str] = []
    parameters = list(inspect.signature(original).parameters)[1:]

    def init(self: MezonClient, *args: Any, **kwargs: Any) -> None:
        passed = dict(zip(parameters, args, strict=False)) | kwargs
        for name, value in options.items():
            if name in ("host", "port", "use_ssl") and name in passed and passed[name] != value:
                replaced.append(name)
        original(self, **(passed | dict(options)))
        instances.append(self)
        del instances[:-_MOST_INSTANCES]
        on_create(self)

    MezonClient.__init__ = init  # type: ignore[method-assign]
    try:
        yield replaced
    finally:
        MezonClient.__init__ = original  # type: ignore[method-assign]


_MOST_INSTANCES: Final = 20


@contextlib.asynccontextmanager
async def running_bot(bot: Target | str, gateway: LocalGateway) -> AsyncIterator[MezonClient]:
    """Import or re-import a bot, log it in to the gateway, and disconnect it at the end of the block.

        async def test_the_bot_answers(gateway):
            async with running_bot("bot.py", gateway):
                answer = await gateway.command("alice", "!ping")
                assert answer.text == "pong"

    Args:
        bot: The bot's file or module, relative to the current folder, with ``:name`` if it has several clients.
        gateway: A started gateway. Its host, id and key replace those of the bot.

    At the end of the block, a ``UserWarning`` says if the bot has answered its own messages, or has blocked the event
    loop. With ``-W error``, that fails the test.

    Raises:
        BotError: The bot does not exist, or creates no client when it is imported.
    """
    target = locate(bot) if isinstance(bot, str) else bot
    environment = gateway.environment()
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with pointed_at(gateway.client_options()):
            client = load_bot(target)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    if client is None:
        raise BotError(
            f"{target.path.name} makes no MezonClient when it is imported: make it at the top level, or in a function "
            "make_bot() that returns it, so that tests can have it"
        )
    with _mistakes_as_warnings() as mistakes:
        await client.login()
        explainer = BotSilence(client, target.path)
        gateway.explainers.append(explainer)
        try:
            await gateway.wait_joined()
            with own_lines():
                yield client
                await _go_on_answering(client, gateway, mistakes)
        finally:
            gateway.explainers.remove(explainer)
            await client.disconnect(drain=1.0)


#: The loggers of records about mistakes.
_LOGGERS: Final = ("mezon.client", "mezon.gateway")


@contextlib.contextmanager
def _mistakes_as_warnings() -> Iterator[dict[str, str]]:
    """Repeat what a client logs about mistakes of the bot as warnings, which pytest shows for a test that passes.

    Yields the logged texts by mistake.
    """
    found: dict[str, str] = {}

    def note(record: logging.LogRecord) -> bool:
        mistake = getattr(record, MISTAKE, None)
        if mistake is not None:
            found.setdefault(mistake, record.getMessage().rstrip())
        return True

    # Filters rather than handlers: a logger with a handler of its own no longer writes to that of last resort.
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(note)
    try:
        yield found
    finally:
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(note)
        for text in found.values():
            warn_user(text)


#: Round trips after the end of a test: each lets a bot that answers itself send one more answer.
_ROUND_TRIPS: Final = 20
#: Round trips without anything sent after which a bot is at rest: what it sends during one arrives before the next.
_AT_REST: Final = 2


async def _go_on_answering(client: MezonClient, gateway: LocalGateway, mistakes: Mapping[str, str]) -> None:
    """Wait until the client has noticed that a bot answers itself: many tests end with the first answer."""
    rest = 0
    for _ in range(_ROUND_TRIPS):
        if client.state != "ready" or mistakes or rest == _AT_REST:
            return
        before = len(gateway.sent)
        try:
            await receive_all(client, _ROUND_TRIP_TIMEOUT)
        except MezonError:  # the test has injected a fault
            return
        # One more is the ping.
        rest = rest + 1 if len(gateway.sent) <= before + 1 else 0


#: Seconds to wait for a round trip.
_ROUND_TRIP_TIMEOUT: Final = 3.0
