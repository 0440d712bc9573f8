"""Answers the calls of workers: fair between them, each once, and only while this relay is in charge."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Final

from mezon._machines.broker import message_size
from mezon._machines.courier import REPEATED, WORKER
from mezon._machines.names import CALL_KEY, PART, TIMEOUT
from mezon._machines.packets import Packet, packed_error
from mezon.errors import MezonConnectionError, MezonError, MezonTimeoutError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._machines.answers import Answers
    from mezon._machines.names import Names

logger = get_logger("mezon.machines")

#: Calls that are made at once, by kind. A worker with a thousand calls waits behind one with a single one.
_AT_ONCE: Final = {"socket": 512, "http": 4, "store": 32, "session": 8, "replay": 8, "interest": 64}

#: Calls that may wait for their turn, of one worker.
_WAITING: Final = 10_000

#: Bytes of a message that are left to the headers of a part of an answer.
_HEADERS: Final = 256


class Turns:
    """Lets calls begin in turns: one of each worker that has any."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._lines: OrderedDict[str, deque[Callable[[], None]]] = OrderedDict()

    def line_up(self, worker: str, begin: Callable[[], None]) -> bool:
        """Have ``begin`` called when it is the worker's turn; False when too many of its calls wait."""
        line = self._lines.get(worker)
        if line is None:
            line = self._lines[worker] = deque()
        if len(line) >= _WAITING:
            return False
        line.append(begin)
        self._go_on()
        return True

    def done(self) -> None:
        """Take an ended call out."""
        self._free += 1
        self._go_on()

    def _go_on(self) -> None:
        while self._free > 0 and self._lines:
            worker, line = self._lines.popitem(last=False)
            begin = line.popleft()
            if line:
                self._lines[worker] = line
            self._free -= 1
            begin()


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
        self._subscription: Any = None
        self.calls = 0

    async def open(self) -> None:
        """Take calls from now on."""
        self._subscription = await self._client.subscribe(self._names.call_subjects, cb=self._came)

    async def close(self) -> None:
        """Take no more; what is being made is stopped, and its worker asks the next relay."""
        if self._subscription is not None and not self._client.is_closed:
            try:
                await self._subscription.unsubscribe()
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
        what = message.subject.rpartition(".")[2]
        headers = message.headers or {}
        turns = self._turns.get(what)
        if turns is None:
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

    async def _make(self, what: str, message: Msg, headers: dict[str, str], until: float) -> None:
        try:
            packet = Packet.decode(message.data)
            key = headers.get(CALL_KEY, "")
            if key:
                repeated = REPEATED in headers
                make = lambda: self._result(what, packet, until)  # noqa: E731
                answer = await self._answers.once(key, repeated, make, until - time.monotonic())
            else:
                answer = await self._result(what, packet, until)
            await self._answer(message, answer)
        except ValueError as error:
            await self._answer(message, packed_error(MezonError(f"the relay cannot read the call: {error}")))
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
