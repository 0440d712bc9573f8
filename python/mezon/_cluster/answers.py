"""Remembers what calls were answered, so that a handler that runs again does not answer the chat again."""

from __future__ import annotations

import asyncio
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.packets import Packet, was_sent
from mezon.errors import MezonConnectionError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client

    from mezon._cluster.names import Names

logger = get_logger("mezon.cluster")

#: Answers in memory; the oldest go first. The bucket has them longer.
_IN_MEMORY: Final = 50_000

#: A longer answer is not remembered: what changes something answers with little.
_LONGEST: Final = 64 * 1024

#: Seconds the bucket has to answer one question, and between two.
_LOOK: Final = 2.0
_PAUSE: Final = 0.3

#: Answers on their way to the bucket; above it, the next call waits.
_ON_THEIR_WAY: Final = 1_000


class Answers:
    """Makes each keyed call once.

    What was answered is in memory at once, and in the bucket a moment later, where the next relay finds it. What
    remains is a relay that is killed between the wire and the bucket: then a repeated call is made again.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        life: Seconds an answer is remembered.
    """

    def __init__(self, client: Client, names: Names, life: float) -> None:
        self._client = client
        self._prefix = f"$KV.{names.answers}."
        self._names = names
        self._life = life
        #: By call, since when it is known and its answer; None if the call was not made after all.
        self._known: dict[str, tuple[float, asyncio.Future[Packet | None]]] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_ON_THEIR_WAY)
        self._bucket: Any = None
        #: Calls that were answered from what was remembered.
        self.remembered = 0

    async def once(
        self, key: str, repeated: bool, make: Callable[[], Awaitable[Packet]], patience: float = 30.0
    ) -> Packet:
        """Return the answer of a call, which is made unless it was made before.

        A duplicate of a call that is under way waits for its answer. A call that was not sent leaves nothing to
        remember: a duplicate that waited is made instead.

        Args:
            key: The call's key.
            repeated: It may have been made before, by an earlier relay too.
            make: Makes it; never raises.
            patience: Seconds the bucket has to say whether it was made before.

        Raises:
            MezonConnectionError: If the bucket does not say so: then it is not made.
        """
        short = blake2b(key.encode(), digest_size=16).hexdigest()
        while (known := self._known.get(short)) is not None:
            shared = await asyncio.shield(known[1])
            if shared is not None:
                self.remembered += 1
                return shared
        future: asyncio.Future[Packet | None] = asyncio.get_running_loop().create_future()
        self._known[short] = (time.monotonic(), future)
        self._forget_old()
        try:
            answer = await self._from_bucket(short, patience) if repeated else None
            if answer is not None:
                self.remembered += 1
            else:
                answer = await make()
                if not was_sent(answer):
                    self._forget(short, future)
                    return answer
                await self._keep(short, answer)
        except Exception:
            self._forget(short, future)
            raise
        except BaseException:
            # The relay ends. Duplicates end unanswered as well: their workers ask the next relay.
            self._known.pop(short, None)
            future.cancel()
            raise
        future.set_result(answer)
        return answer

    def _forget(self, short: str, future: asyncio.Future[Packet | None]) -> None:
        """Let the next duplicate of a call that was not made make it."""
        self._known.pop(short, None)
        future.set_result(None)

    async def _from_bucket(self, short: str, patience: float) -> Packet | None:
        """Look for an answer. While NATS is away nobody knows, and to make the call might be to make it twice."""
        from nats import errors as nats_errors
        from nats.js import errors

        until = time.monotonic() + patience
        while True:
            try:
                if self._bucket is None:
                    stream = self._client.jetstream(timeout=_LOOK)
                    self._bucket = await stream.key_value(self._names.answers)
                entry = await self._bucket.get(short)
            except errors.KeyNotFoundError:
                return None
            except (errors.Error, nats_errors.Error, OSError, TimeoutError) as error:
                if time.monotonic() > until:
                    raise MezonConnectionError(
                        "not sent: NATS does not say whether this call of a repeated event was made before"
                    ) from None
                logger.debug("Nobody says yet what was answered: %s", error or type(error).__name__)
                await asyncio.sleep(_PAUSE)
            else:
                return Packet.decode(entry.value)

    async def _keep(self, short: str, answer: Packet) -> None:
        data = answer.encode()
        if len(data) > _LONGEST:
            return
        await self._room.acquire()
        task = asyncio.ensure_future(self._write(short, data))
        self._writing.add(task)
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        self._room.release()

    async def _write(self, short: str, data: bytes) -> None:
        try:
            await self._client.request(f"{self._prefix}{short}", data, timeout=5)
        except Exception as error:
            logger.warning(
                "An answer could not be put away for a later relay: %s", error or type(error).__name__
            )

    async def flush(self) -> None:
        """Wait until what is on its way has arrived."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=5)

    def _forget_old(self) -> None:
        limit = time.monotonic() - self._life
        while self._known:
            oldest = next(iter(self._known))
            at, future = self._known[oldest]
            if (at >= limit and len(self._known) <= _IN_MEMORY) or not future.done():
                break
            del self._known[oldest]
