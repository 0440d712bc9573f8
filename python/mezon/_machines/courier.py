"""Brings a worker's calls to the relay and the answers back, also over the death of a relay."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final

from mezon._machines.delivery import SCOPE
from mezon._machines.names import CALL_KEY, DEADLINE
from mezon._machines.packets import Packet, error_of
from mezon.errors import DeliveryUnknownError, MezonConnectionError, MezonTimeoutError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._machines.names import Names

logger = get_logger("mezon.machines")

#: Who calls; the relay is fair between them.
WORKER: Final = "Mezon-Worker"

#: The call may have been made before: look whether its answer is remembered.
REPEATED: Final = "Mezon-Repeated"

#: Seconds between two tries while no relay is there, and between two looks at the relay's epoch.
_PAUSE: Final = 0.2

#: Seconds that the relay's own time limit comes before the caller's.
_MARGIN: Final = 0.25


class Courier:
    """The way to the relay for one worker.

    A call waits up to its deadline when no relay is there. When another relay takes over, what was asked of the old one
    is asked again, by its key: what was done is not done twice as far as its answer was remembered. The same when this
    worker or the relay had lost the connection to NATS: the question or the answer may be lost with it.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        worker: The worker's name.
    """

    def __init__(self, client: Client, names: Names, worker: str) -> None:
        self._client = client
        self._names = names
        self._worker = worker
        #: The relay in charge, and how often it has lost and found NATS.
        self._relay = (0, 0)
        self._changed = asyncio.Event()
        self._subscription: Any = None
        self._number = 0
        self._alone = False

    async def start(self) -> None:
        """Follow which relay is in charge."""
        self._subscription = await self._client.subscribe(self._names.state, cb=self._state)

    async def stop(self) -> None:
        """Follow it no more."""
        if self._subscription is not None and not self._client.is_closed:
            await self._subscription.unsubscribe()
        self._subscription = None

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
        """
        from nats import errors

        seconds = 300.0 if timeout is None else timeout
        until = time.monotonic() + seconds + 2 * _MARGIN
        headers = {WORKER: self._worker, DEADLINE: f"{time.time() + seconds:.3f}"}
        scope = SCOPE.get()
        if not harmless:
            headers[CALL_KEY] = self._own_key() if scope is None else scope.next_key()
            if scope is not None and scope.delivery.times > 1:
                headers[REPEATED] = "1"
        data, asked = packet.encode(), False
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise self._late(name, asked, harmless)
            try:
                answer = Packet.decode((await self._once(what, data, headers, left)).data)
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

    async def _once(self, what: str, data: bytes, headers: dict[str, str], left: float) -> Msg:
        """Ask the relay that is in charge now; a new one, or a new line to it, ends the wait.

        So does the first word of any, for it need not be of the relay that was asked. The one that was finds the call
        by its key when it is asked again.
        """
        asking = asyncio.ensure_future(
            self._client.request(self._names.call(what), data, timeout=left, headers=headers)
        )
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait([asking, changing], return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            raise _RelayChangedError
        finally:
            changing.cancel()
            if not asking.done():
                asking.cancel()

    async def tell(self, what: str, packet: Packet) -> None:
        """Make a call whose answer nobody needs; it is lost when no relay is there."""
        headers = {WORKER: self._worker, DEADLINE: f"{time.time() + 30:.3f}"}
        await self._client.publish(self._names.call(what), packet.encode(), headers=headers)

    def _own_key(self) -> str:
        """Give the key of a call that no event has caused: a repetition of it can only come from this process."""
        self._number += 1
        return f"{self._worker}/{self._number}"

    def _late(self, name: str, asked: bool, harmless: bool) -> Exception:
        if not asked:
            return MezonConnectionError(
                f"{name} was not sent: no relay of this bot is there; start `mezon relay`"
            )
        if harmless:
            return MezonTimeoutError(f"no answer to {name} in time; the relay may be busy or gone")
        return DeliveryUnknownError(
            f"the relay went away with {name}: it may or may not have been carried out"
        )


class _RelayChangedError(Exception):
    """Another relay is in charge, or the line to it is a new one."""
