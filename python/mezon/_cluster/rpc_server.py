"""Answers the calls of workers: fair between them, each once, and only while this relay is in charge."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import message_size
from mezon._cluster.names import CALL_KEY, OPERATOR, PART, TIMEOUT, are_tokens
from mezon._cluster.packets import Packet, packed_error
from mezon._cluster.relay_client import REPEATED, WORKER
from mezon.errors import InvalidArgumentError, MezonConnectionError, MezonError, MezonTimeoutError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.answers import Answers
    from mezon._cluster.names import Names

logger = get_logger("mezon.cluster")

#: Calls that are made at once, by kind. A worker with a thousand calls waits behind one with a single one.
_AT_ONCE: Final = {"socket": 512, "http": 4, "store": 32, "session": 8, "replay": 8, "interest": 64}

#: Calls that the operator makes, and nobody else.
OPERATOR_CALLS: Final = frozenset({"replay"})

#: In the values of a call, who makes it. Whatever the packet says is overwritten.
CALLER: Final = "caller"

#: Calls that may wait for their turn, of one worker.
_WAITING: Final = 10_000

#: Bytes of a message that are left to the headers of a part of an answer.
_HEADERS: Final = 256


class Turns:
    """Lets calls begin in turns: one of each worker name that has any, and within a name one of each of its processes.

    The name is what NATS lets a worker write, so no worker gets more turns by inventing processes.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._names: OrderedDict[str, _Lines] = OrderedDict()

    def line_up(self, worker: str, begin: Callable[[], None]) -> bool:
        """Have ``begin`` called when it is the worker's turn; False when too many calls of its name wait."""
        name, _, process = worker.partition(".")
        lines = self._names.get(name)
        if lines is None:
            lines = self._names[name] = _Lines()
        if lines.waiting >= _WAITING:
            return False
        lines.add(process, begin)
        self._go_on()
        return True

    def done(self) -> None:
        """Take an ended call out."""
        self._free += 1
        self._go_on()

    def _go_on(self) -> None:
        while self._free > 0 and self._names:
            name, lines = self._names.popitem(last=False)
            begin = lines.take()
            if lines.waiting:
                self._names[name] = lines
            self._free -= 1
            begin()


class _Lines:
    """The waiting calls of one worker name, by process."""

    def __init__(self) -> None:
        self.waiting = 0
        self._lines: OrderedDict[str, deque[Callable[[], None]]] = OrderedDict()

    def add(self, process: str, begin: Callable[[], None]) -> None:
        self._lines.setdefault(process, deque()).append(begin)
        self.waiting += 1

    def take(self) -> Callable[[], None]:
        process, line = self._lines.popitem(last=False)
        begin = line.popleft()
        if line:
            self._lines[process] = line
        self.waiting -= 1
        return begin


class Desk:
    """Takes the calls of all workers of a bot.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        in_charge: Whether it is certain that no other relay is.
        ways: By kind of call, what makes it: gets the call and the seconds it has.
        answers: Remembers what was answered.
    """

    def __init__(
        self,
        client: Client,
        names: Names,
        in_charge: Callable[[], bool],
        ways: dict[str, Callable[[Packet, float], Awaitable[Packet]]],
        answers: Answers,
    ) -> None:
        self._client = client
        self._names = names
        self._in_charge = in_charge
        self._ways = ways
        self._answers = answers
        self._turns = {what: Turns(_AT_ONCE[what]) for what in ways}
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscriptions: list[Any] = []
        self.calls = 0
        #: Calls that named a reply subject of somebody else, or that their caller may not make.
        self.refused = 0

    async def open(self) -> None:
        """Take calls from now on."""
        for subjects in self._names.call_subjects:
            self._subscriptions.append(await self._client.subscribe(subjects, cb=self._came))

    async def close(self) -> None:
        """Take no more; what is being made is stopped, and its worker asks the next relay."""
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            if self._client.is_closed:
                break
            try:
                await subscription.unsubscribe()
            except Exception as error:
                logger.debug("The desk: %s", error or type(error).__name__)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    async def _came(self, message: Msg) -> None:
        if not self._in_charge():
            # Unanswered on purpose: the relay that is in charge, now or soon, will be asked.
            return
        self.calls += 1
        caller, what = self._names.called(message.subject)
        if not are_tokens(caller):
            self._refuse(caller, "its caller has no name that a worker may have")
            return
        if message.reply and not self._names.is_answerable(caller, message.reply):
            # The relay may publish where a worker may not: it never answers on a subject that is not the caller's own.
            self._refuse(caller, "it wants its answer on a subject that is not its own")
            return
        # NATS has checked the subject; what a header says proves nothing.
        headers = {**(message.headers or {}), WORKER: caller}
        turns = self._turns.get(what) if (what in OPERATOR_CALLS) == (caller == OPERATOR) else None
        if turns is None:
            self._refuse(caller, "it is of a kind that this caller may not make")
            await self._answer(
                message, packed_error(MezonError(f"the relay knows no calls of the kind {what}"))
            )
            return

        # The wait for its turn counts.
        until = time.monotonic() + _seconds(headers)

        def begin() -> None:
            task = asyncio.ensure_future(self._make(what, message, headers, until))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        if not turns.line_up(headers.get(WORKER, ""), begin):
            error = MezonConnectionError(
                f"not sent: {_WAITING} calls of this worker wait at the relay already"
            )
            await self._answer(message, packed_error(error))

    def _refuse(self, caller: str, why: str) -> None:
        self.refused += 1
        # Each power of two: who repeats it does not fill the log.
        if self.refused & (self.refused - 1) == 0:
            logger.warning("A call of %r was refused: %s (%d so far)", caller[:80], why, self.refused)

    async def _make(self, what: str, message: Msg, headers: dict[str, str], until: float) -> None:
        try:
            packet = Packet.decode(message.data)
            packet.values[CALLER] = headers[WORKER]
            key = headers.get(CALL_KEY, "")
            # A key of an event is shared by all workers, for another one may have to finish what one began. A key of a
            # worker's own calls has two parts, and the first is its name.
            if key.count("/") == 1 and not key.startswith(f"{headers[WORKER]}/"):
                raise InvalidArgumentError("the key of a call is that of another worker")
            if key:
                repeated = REPEATED in headers
                make = lambda: self._result(what, packet, until)  # noqa: E731
                answer = await self._answers.once(key, repeated, make, until - time.monotonic())
            else:
                answer = await self._result(what, packet, until)
            await self._answer(message, answer)
        except (ValueError, RecursionError) as error:
            text = f"the relay cannot read the call: {error}"
            await self._answer(message, packed_error(InvalidArgumentError(text)))
        except MezonError as error:
            await self._answer(message, packed_error(error))
        finally:
            self._turns[what].done()

    async def _result(self, what: str, packet: Packet, until: float) -> Packet:
        """Make a call; what it raises is an answer too."""
        try:
            left = until - time.monotonic()
            if left <= 0:
                raise MezonTimeoutError("not sent: its time was over before the relay came to it", sent=False)
            if not self._in_charge():
                raise MezonConnectionError("not sent: this relay is no longer in charge")
            return await self._ways[what](packet, left)
        except Exception as error:
            if not isinstance(error, MezonError):
                logger.exception("A call of a worker failed in the relay")
            return packed_error(error)

    async def _answer(self, message: Msg, answer: Packet) -> None:
        if not message.reply:
            return
        data, limit = answer.encode(), self._client.max_payload
        try:
            if message_size(data) <= limit:
                await self._client.publish(message.reply, data)
                return
            step = max(limit - _HEADERS, _HEADERS)
            count = -(-len(data) // step)
            for number in range(count):
                part = data[number * step : (number + 1) * step]
                await self._client.publish(message.reply, part, headers={PART: f"{number + 1}/{count}"})
        except Exception as error:
            logger.debug("A worker got no answer: %s", error or type(error).__name__)


def _seconds(headers: dict[str, str]) -> float:
    """Return how long a caller waits; 0 if it does not say so."""
    try:
        seconds = float(headers.get(TIMEOUT, "0"))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
