"""One relay at a time: a lock in a bucket, renewed by its holder, with an epoch that grows with each holder."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from mezon._cluster.names import Names
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")


class LockLostError(MezonError):
    """Another relay is in charge, or nobody can say who is: this one must stop at once."""


class Lock:
    """The lock of one bot's relay.

    The server refuses a write that does not know the last one, so two can never hold it; and it forgets a holder that
    has given no sign for ``lock_life``. A holder that cannot renew in time gives up before that: by its own clock,
    counted from before the write that succeeded, and with a ``lock_beat`` left to stop in.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        timing: How long it lives, and how often it is renewed.
        holder: What identifies this relay.
        key: The lock's key in its bucket; see `lock_key`.

    Attributes:
        epoch: The number of the write that took the lock; a later holder has a greater one.
        on_held: Told for how many seconds more it is held, with each renewal; 0 when it is lost.
    """

    def __init__(self, client: Client, names: Names, timing: Timing, holder: str, key: str) -> None:
        self._client = client
        self._names = names
        self._timing = timing
        self._holder = holder.encode()
        self._key = key
        self._revision = 0
        self._safe_until = 0.0
        self._known_bucket: Any = None
        self.epoch = 0
        self.on_held: Callable[[float], object] = lambda left: None

    async def take(self) -> None:
        """Wait until the lock is free, and take it."""
        from nats import errors as nats_errors
        from nats.js import errors

        said = False
        while True:
            before = time.monotonic()
            try:
                bucket = await self._bucket()
                self.epoch = self._revision = await bucket.create(self._key, self._holder)
            except errors.KeyWrongLastSequenceError:
                if not said:
                    said = True
                    logger.info("Another relay of this bot is in charge; this one stands by")
            except (errors.Error, nats_errors.Error, TimeoutError) as error:
                logger.warning("The lock of the relay cannot be had now: %s", error or type(error).__name__)
            else:
                self._hold(before + self._timing.lock_life)
                return
            await asyncio.sleep(self._timing.lock_beat)

    @property
    def held(self) -> bool:
        """Is it certain that nobody else has it?"""
        return self.left > 0

    @property
    def left(self) -> float:
        """For how many seconds more is that certain?"""
        return max(self._safe_until - time.monotonic(), 0.0)

    def _hold(self, until: float) -> None:
        self._safe_until = until
        self.on_held(self.left)

    async def keep(self) -> None:
        """Renew it until that is impossible.

        Raises:
            LockLostError: Always, when it is lost or can no longer be known to be held.
        """
        from nats import errors as nats_errors
        from nats.js import errors

        beat = self._timing.lock_beat
        while True:
            await asyncio.sleep(beat)
            before = time.monotonic()
            try:
                async with asyncio.timeout(beat):
                    bucket = await self._bucket()
                    self._revision = await bucket.update(self._key, self._holder, last=self._revision)
            except errors.KeyWrongLastSequenceError:
                # A renewal whose answer was lost has been done all the same: then the value is still ours.
                if not await self._still_ours():
                    self._hold(0.0)
                    raise LockLostError(
                        "another relay of this bot has taken over; this one ends its work"
                    ) from None
            except (errors.Error, nats_errors.Error, TimeoutError) as error:
                logger.debug("The lock was not renewed: %s", error or type(error).__name__)
                # Another try would end too late: a beat is left to stop in before somebody else may begin.
                if self.left < 2 * beat:
                    self._hold(0.0)
                    raise LockLostError(
                        "NATS does not say who is in charge, so this relay ends its work"
                    ) from None
            else:
                self._hold(before + self._timing.lock_life)

    async def release(self) -> None:
        """Give it back, so that the next one need not wait."""
        if not self.held:
            return
        self._hold(0.0)
        try:
            async with asyncio.timeout(2.0):
                bucket = await self._bucket()
                await bucket.delete(self._key, last=self._revision)
        except Exception as error:
            logger.debug("The lock was not given back: %s", error or type(error).__name__)

    async def _still_ours(self) -> bool:
        try:
            async with asyncio.timeout(self._timing.lock_beat):
                entry = await (await self._bucket()).get(self._key)
        except Exception:
            return False
        self._revision = entry.revision or 0
        return bool(entry.value == self._holder)

    async def _bucket(self) -> Any:
        if self._known_bucket is None:
            stream = self._client.jetstream(timeout=self._timing.lock_beat)
            self._known_bucket = await stream.key_value(self._names.lock)
        return self._known_bucket
