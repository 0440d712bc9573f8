"""Brings a worker's calls to the relay and the answers back, also over the death of a relay."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import message_size, status_of
from mezon._cluster.delivery import SCOPE
from mezon._cluster.names import CALL_KEY, PART, TIMEOUT
from mezon._cluster.packets import Packet, error_of
from mezon.errors import DeliveryUnknownError, InvalidArgumentError, MezonConnectionError, MezonTimeoutError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.names import Names

logger = get_logger("mezon.cluster")

#: Who calls; the relay is fair between them.
WORKER: Final = "Mezon-Worker"

#: The call may have been made before: look whether its answer is remembered.
REPEATED: Final = "Mezon-Repeated"

#: Seconds between two tries while no relay is there, and between two looks at the relay's epoch.
_PAUSE: Final = 0.2

#: Seconds that an answer may take beyond the relay's own time limit.
_MARGIN: Final = 0.5

#: Seconds the relay has for a call whose answer nobody needs.
_POSTED: Final = 30.0

#: The status of a message that nobody is subscribed to.
_NO_RESPONDERS: Final = 503


class Courier:
    """The way to the relay for one worker.

    A call waits up to its deadline when no relay is there. When another relay takes over, what was asked of the old one
    is asked again, by its key: what was done is not done twice as far as its answer was remembered. The same when this
    worker or the relay had lost the connection to NATS: the question or the answer may be lost with it.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        worker: The caller: a worker, or the operator.
    """

    def __init__(self, client: Client, names: Names, worker: str) -> None:
        self._client = client
        self._names = names
        self._worker = worker
        #: The relay in charge, and how often it has lost and found NATS.
        self._relay = (0, 0)
        self._changed = asyncio.Event()
        self._subscriptions: list[Any] = []
        self._number = 0
        self._alone = False
        #: Where answers come, the calls that wait for one, and the number of the last question.
        self._inbox = ""
        self._questions: dict[str, _Question] = {}
        self._asked = 0

    async def start(self) -> None:
        """Follow which relay is in charge, and take answers."""
        self._inbox = self._client.new_inbox()
        self._subscriptions = [
            await self._client.subscribe(f"{self._inbox}.*", cb=self._answered),
            await self._client.subscribe(self._names.state, cb=self._state),
        ]

    async def stop(self) -> None:
        """End both."""
        subscriptions, self._subscriptions = self._subscriptions, []
        if not self._client.is_closed:
            for subscription in subscriptions:
                await subscription.unsubscribe()

    async def _answered(self, message: Msg) -> None:
        question = self._questions.get(message.subject.rpartition(".")[2])
        if question is not None:
            question.take(message)

    async def _state(self, message: Msg) -> None:
        try:
            word = json.loads(message.data)
            relay = (int(word["epoch"]), int(word.get("line", 0)))
        except (ValueError, KeyError, TypeError):
            return
        self._alone = False
        if relay > self._relay:
            self._relay = relay
            self.ask_again()

    def ask_again(self) -> None:
        """Ask everything again that is not answered: it may be lost."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def ask(
        self, what: str, packet: Packet, timeout: float | None, name: str, *, harmless: bool = False
    ) -> Packet:
        """Make a call and wait for its answer.

        Args:
            what: The kind of call: socket, http, store or session.
            packet: The call.
            timeout: Seconds; None for five minutes.
            name: What errors call it.
            harmless: Done twice it does no harm, so its answer need not be remembered.

        Raises:
            MezonError: What the relay's own call raised, as the same class.
            MezonTimeoutError: If the relay gave no answer in time.
            MezonConnectionError: If no relay was there in time: nothing was sent.
            DeliveryUnknownError: If the relay died with the call.
            InvalidArgumentError: If the call is larger than a message of NATS may be.
        """
        from nats import errors

        seconds = 300.0 if timeout is None else timeout
        until = time.monotonic() + seconds
        headers = {WORKER: self._worker, TIMEOUT: f"{seconds:.3f}"}
        scope = SCOPE.get()
        if not harmless:
            headers[CALL_KEY] = self._own_key() if scope is None else scope.next_key()
            if scope is not None and scope.delivery.began_before:
                headers[REPEATED] = "1"
        data, asked = packet.encode(), False
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise self._late(name, asked, harmless)
            if not self._client.is_connected:
                # What is published now would leave with the next connection, perhaps after the caller has given up.
                await self._wait_changed(left)
                continue
            headers[TIMEOUT] = f"{left:.3f}"
            self._check_size(name, data, headers)
            try:
                answer = Packet.decode(await self._once(what, data, headers, left + _MARGIN))
            except errors.NoRespondersError:
                # Nobody has it: it waits for the next relay.
                if not self._alone:
                    self._alone = True
                    logger.info("No relay of bot %d is there; waiting for one", self._names.bot)
                await asyncio.sleep(min(_PAUSE, left))
                continue
            except (errors.Error, TimeoutError, OSError) as error:
                logger.debug("%s: %s", name, error or type(error).__name__)
                asked = True
                headers[REPEATED] = "1"
                await asyncio.sleep(min(_PAUSE, left))
                continue
            except _RelayChangedError:
                asked = True
                headers[REPEATED] = "1"
                continue
            failure = error_of(answer)
            if failure is not None:
                raise failure
            return answer

    async def _once(self, what: str, data: bytes, headers: dict[str, str], patience: float) -> bytes:
        """Ask the relay that is in charge now; a new one, or a new line to it, ends the wait.

        So does the first word of any, for it need not be of the relay that was asked. The one that was finds the call
        by its key when it is asked again.
        """
        self._asked += 1
        number = str(self._asked)
        question = self._questions[number] = _Question()
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            reply = f"{self._inbox}.{number}"
            await self._client.publish(
                self._names.call(self._worker, what), data, reply=reply, headers=headers
            )
            waiting: list[asyncio.Future[Any]] = [question.answer, changing]
            await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if question.answer.done():
                return question.answer.result()
            raise _RelayChangedError if changing.done() else TimeoutError
        finally:
            del self._questions[number]
            changing.cancel()
            question.answer.cancel()

    async def _wait_changed(self, patience: float) -> None:
        """Wait for another relay or another connection to NATS."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._changed.wait()

    async def tell(self, what: str, packet: Packet) -> None:
        """Make a call whose answer nobody needs; it is lost when no relay is there."""
        headers = {WORKER: self._worker, TIMEOUT: f"{_POSTED:g}"}
        data = packet.encode()
        self._check_size(str(packet.values.get("name", what)), data, headers)
        await self._client.publish(self._names.call(self._worker, what), data, headers=headers)

    def _check_size(self, name: str, data: bytes, headers: dict[str, str]) -> None:
        """Refuse a call that the server would answer by closing the connection."""
        size, limit = message_size(data, headers), self._client.max_payload
        if size > limit:
            raise InvalidArgumentError(
                f"{name} was not sent: it takes {size} bytes, and NATS carries {limit} in one message "
                "(max_payload of the server): send less at once, or raise the limit"
            )

    def _own_key(self) -> str:
        """Give the key of a call that no event has caused: a repetition of it can only come from this process."""
        self._number += 1
        return f"{self._worker}/{self._number}"

    def _late(self, name: str, asked: bool, harmless: bool) -> Exception:
        if not asked and not self._client.is_connected:
            return MezonConnectionError(f"{name} was not sent: the connection to NATS is lost")
        if not asked:
            return MezonConnectionError(
                f"{name} was not sent: no relay of this bot is there; start `mezon relay`"
            )
        if harmless:
            return MezonTimeoutError(f"no answer to {name} in time; the relay may be busy or gone")
        return DeliveryUnknownError(
            f"the relay went away with {name}: it may or may not have been carried out"
        )


class _Question:
    """A call on its way, and the parts of its answer.

    Attributes:
        answer: The encoded answer when it is whole.
    """

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._parts: list[bytes] = []

    def take(self, message: Msg) -> None:
        """Take the answer, a part of it, or the server's word that nobody was asked."""
        if self.answer.done():
            return
        if status_of(message) == _NO_RESPONDERS:
            from nats import errors

            self.answer.set_exception(errors.NoRespondersError())
            return
        place, _, count = (message.headers or {}).get(PART, "1/1").partition("/")
        self._parts.append(message.data)
        if place != str(len(self._parts)):
            # A part was lost with a connection: the call is asked again.
            self.answer.set_exception(ConnectionError("a part of the answer was lost"))
        elif place == count:
            self.answer.set_result(b"".join(self._parts))


class _RelayChangedError(Exception):
    """Another relay is in charge, or the line to it is a new one."""
