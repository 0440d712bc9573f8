"""A worker's client for calls to the relay, which repeats unanswered calls after a failover."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Final

from nats import errors

from mezon._cluster.broker import message_size, message_status
from mezon._cluster.delivery import CURRENT_SCOPE
from mezon._cluster.protocol import (
    CALL_KEY,
    PART,
    PROTOCOL,
    REPEATED,
    TIMEOUT,
    VERSION,
    WORKER,
    Packet,
    VersionSkewError,
    announced_protocol,
    check_skew,
    decode_error,
    error_text,
    must_ask_next_relay,
)
from mezon.errors import (
    DeliveryUnknownError,
    InvalidArgumentError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
    ServerError,
)
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.msg import Msg

    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.protocol import Names

logger = get_logger("mezon.cluster")

#: Seconds between two attempts while no relay answers.
_RETRY_INTERVAL: Final = 0.2

#: Seconds that an answer may take beyond the time limit given to the relay.
_ANSWER_MARGIN: Final = 0.5

#: Time limit in seconds of a call without one, and of a call without an answer.
_DEFAULT_TIMEOUT: Final = 300.0
_POST_TIMEOUT: Final = 30.0

#: The status of a message that no client is subscribed to.
_NO_RESPONDERS: Final = 503


class RelayClient:
    """Makes the calls of one worker, or of the operator.

    A call waits until its deadline while no relay answers. When another relay takes over, unanswered calls are repeated
    with the same key, so that a call whose answer is cached is not made again. The same happens when this worker or the
    relay has reconnected to NATS, because the call or its answer may be lost.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        caller: The worker, or the operator.

    Attributes:
        on_skew: Called when the relay in charge speaks a version of the protocol that does not fit.
    """

    def __init__(self, client: DirectClient, names: Names, caller: str) -> None:
        self._client = client
        self._names = names
        self._caller = caller
        #: The epoch of the relay in charge, and how often it has reconnected to NATS.
        self._relay = (0, 0)
        self._changed = asyncio.Event()
        self._subscriptions: list[Any] = []
        self._last_key = 0
        self._logged_absence = False
        self._inbox = ""
        self._pending: dict[str, _PendingCall] = {}
        self._last_call = 0
        self.on_skew: Callable[[VersionSkewError], object] = lambda error: None

    async def start(self) -> None:
        """Subscribe to answers and to the state of the relay."""
        self._inbox = self._client.new_inbox()
        self._subscriptions = [
            await self._client.subscribe_direct(f"{self._inbox}.*", self._receive_answer),
            await self._client.subscribe_direct(self._names.state, self._receive_state),
        ]

    async def stop(self) -> None:
        """Unsubscribe."""
        subscriptions, self._subscriptions = self._subscriptions, []
        if not self._client.is_closed:
            for subscription in subscriptions:
                await subscription.unsubscribe()

    def _receive_answer(self, message: Msg) -> None:
        pending = self._pending.get(message.subject.rpartition(".")[2])
        if pending is not None:
            pending.receive(message)

    def _receive_state(self, message: Msg) -> None:
        try:
            state = json.loads(message.data)
            relay = (int(state["epoch"]), int(state.get("reconnects", 0)))
        except (ValueError, KeyError, TypeError):
            return
        self._logged_absence = False
        if relay > self._relay:
            try:
                check_skew(announced_protocol(state.get("protocol")), PROTOCOL)
            except VersionSkewError as error:
                self.on_skew(error)
            self._relay = relay
            self.repeat_pending()

    def repeat_pending(self) -> None:
        """Repeat every unanswered call, because the call or its answer may be lost."""
        for pending in self._pending.values():
            pending.fail(_RelayChangedError())
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def call(
        self, kind: str, packet: Packet, timeout: float | None, name: str, *, idempotent: bool = False
    ) -> Packet:
        """Make a call and wait for its answer.

        Args:
            kind: The kind of call: socket, http, store, session, directory, interest or replay.
            packet: The call.
            timeout: Seconds; None for five minutes.
            name: The name of the call in errors.
            idempotent: Repeating the call is safe, so its answer is not cached.

        Raises:
            MezonError: What the relay's call raised, of the same class.
            MezonTimeoutError: The relay did not answer in time.
            MezonConnectionError: No relay in charge was there in time. Nothing was sent.
            DeliveryUnknownError: The relay stopped while it made the call.
            InvalidArgumentError: The call is larger than a message of NATS may be.
        """
        seconds = _DEFAULT_TIMEOUT if timeout is None else timeout
        deadline = time.monotonic() + seconds
        headers = {WORKER: self._caller, VERSION: str(PROTOCOL), TIMEOUT: f"{seconds:.3f}"}
        scope = CURRENT_SCOPE.get()
        if not idempotent:
            headers[CALL_KEY] = self._own_key() if scope is None else scope.next_key()
            if scope is not None and scope.may_have_run:
                headers[REPEATED] = "1"
        data, published = packet.encode(), False
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._timeout_error(name, published, idempotent)
            if not self._client.is_connected:
                # Published now, it would be sent after the reconnect, perhaps when the caller has given up.
                await self._wait_changed(left)
                continue
            headers[TIMEOUT] = f"{left:.3f}"
            self._check_size(name, data, headers)
            try:
                answer = Packet.decode(await self._publish(kind, data, headers, left + _ANSWER_MARGIN))
            except errors.NoRespondersError:
                if not self._logged_absence:
                    self._logged_absence = True
                    logger.info("No relay of bot %d is there; waiting for one", self._names.bot)
                await asyncio.sleep(min(_RETRY_INTERVAL, left))
                continue
            except (errors.Error, TimeoutError, OSError) as error:
                logger.debug("%s: %s", name, error_text(error))
                published = True
                headers[REPEATED] = "1"
                await asyncio.sleep(min(_RETRY_INTERVAL, left))
                continue
            except _RelayChangedError:
                published = True
                headers[REPEATED] = "1"
                continue
            if must_ask_next_relay(answer):
                await asyncio.sleep(min(_RETRY_INTERVAL, left))
                continue
            failure = decode_error(answer)
            if scope is not None and not idempotent and _is_refusal(failure, answer):
                scope.note_refusal(headers[CALL_KEY])
            if failure is not None:
                raise failure
            return answer

    async def post(self, kind: str, packet: Packet) -> None:
        """Make a call without waiting for an answer. The call is lost if no relay is there."""
        headers = {WORKER: self._caller, VERSION: str(PROTOCOL), TIMEOUT: f"{_POST_TIMEOUT:g}"}
        data = packet.encode()
        self._check_size(str(packet.values.get("name", kind)), data, headers)
        await self._client.publish(self._names.call(self._caller, kind), data, headers=headers)

    async def _publish(self, kind: str, data: bytes, headers: dict[str, str], timeout: float) -> bytes:
        """Publish a call and return the encoded answer.

        A state of the relay that differs from the last one ends the wait, even the first one received: it need not be
        of the relay that got the call. The relay that did recognises the repeated call by its key.
        """
        self._last_call += 1
        number = str(self._last_call)
        pending = self._pending[number] = _PendingCall()
        try:
            subject, reply = self._names.call(self._caller, kind), f"{self._inbox}.{number}"
            await self._client.publish(subject, data, reply=reply, headers=headers)
            async with asyncio.timeout(timeout):
                return await pending.answer
        finally:
            del self._pending[number]
            pending.close()

    async def _wait_changed(self, timeout: float) -> None:
        """Wait for another relay or a reconnect to NATS."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._changed.wait()

    def _check_size(self, name: str, data: bytes, headers: dict[str, str]) -> None:
        """Raise for a call that the server would answer by closing the connection."""
        size, limit = message_size(data, headers), self._client.max_payload
        if size > limit:
            raise InvalidArgumentError(
                f"{name} was not sent: it takes {size} bytes, and NATS carries {limit} in one message "
                "(max_payload of the server): send less at once, or raise the limit"
            )

    def _own_key(self) -> str:
        """Return the key of a call outside of any handler. Only this process can repeat it."""
        self._last_key += 1
        return f"{self._caller}/{self._last_key}"

    def _timeout_error(self, name: str, published: bool, idempotent: bool) -> Exception:
        if not published and not self._client.is_connected:
            return MezonConnectionError(f"{name} was not sent: the connection to NATS is lost")
        if not published:
            return MezonConnectionError(
                f"{name} was not sent: no relay of this bot is there; start `mezon relay`"
            )
        if idempotent:
            return MezonTimeoutError(
                f"the relay did not answer {name} in time; it may be busy or may have stopped"
            )
        return DeliveryUnknownError(
            f"the relay did not answer {name}: the call may or may not have been made"
        )


def _is_refusal(failure: MezonError | None, answer: Packet) -> bool:
    """Return whether Mezon has refused a call, so that it was certainly not made."""
    status = answer.values.get("status")
    return isinstance(failure, ServerError) or (isinstance(status, int) and 400 <= status < 500)


class _PendingCall:
    """A published call and the parts of its answer.

    Attributes:
        answer: The complete encoded answer.
    """

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._parts: list[bytes] = []

    def receive(self, message: Msg) -> None:
        """Receive the answer, a part of it, or the server's status that there are no subscribers."""
        if self.answer.done():
            return
        if message_status(message) == _NO_RESPONDERS:
            self.fail(errors.NoRespondersError())
            return
        number, _, count = (message.headers or {}).get(PART, "1/1").partition("/")
        self._parts.append(message.data)
        if number != str(len(self._parts)):
            # A part was lost with a connection: the call is repeated.
            self.fail(ConnectionError("a part of the answer was lost"))
        elif number == count:
            self.answer.set_result(b"".join(self._parts))

    def fail(self, error: Exception) -> None:
        """End the wait for the answer, unless it has been received."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def close(self) -> None:
        """Ignore further parts, and mark an error as retrieved if no caller awaited the answer."""
        if not self.answer.cancel() and not self.answer.cancelled():
            self.answer.exception()


class _RelayChangedError(Exception):
    """Another relay is in charge, or the relay has reconnected to NATS."""
