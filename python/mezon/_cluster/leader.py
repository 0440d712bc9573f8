"""Leader election of relays: a lock in a bucket, renewed by its holder, with an epoch that grows with each holder."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from nats import errors as nats_errors
from nats.js import errors

from mezon._cluster.protocol import error_text
from mezon.errors import MezonError
from mezon.utils.log_throttle import LogThrottle
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from mezon._cluster.protocol import Names
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")


class LockLostError(MezonError):
    """This relay no longer holds the lock, or cannot find out whether it does. It must stop at once."""


class LeaderLock:
    """The lock of a bot's relay.

    The server refuses a write that is not based on the last one, so two relays can never hold the lock, and it removes
    the lock of a holder that has not renewed it for ``lock_ttl``. A holder that cannot renew the lock gives up earlier:
    measured by its own clock from before the last successful write, with a ``lock_heartbeat`` left to stop in.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        timing: The lock's time to live and the interval of renewals.
        holder: The id of this relay.
        key: The lock's key in its bucket; see `lock_key`.

    Attributes:
        epoch: The revision of the write that acquired the lock; it grows with each holder.
        on_renewed: Called with the seconds for which the lock is certainly held, at each renewal; 0 when it is lost.
    """

    def __init__(self, client: Client, names: Names, timing: Timing, holder: str, key: str) -> None:
        self._client = client
        self._names = names
        self._timing = timing
        self._holder = holder.encode()
        self._key = key
        self._revision = 0
        self._held_until = 0.0
        self._opened_bucket: Any = None
        self.epoch = 0
        self.on_renewed: Callable[[float], object] = lambda left: None

    async def acquire(self) -> None:
        """Wait until the lock is free, and acquire it."""
        logged, failures = False, LogThrottle(logger)
        while True:
            before = time.monotonic()
            try:
                bucket = await self._bucket()
                self.epoch = self._revision = await bucket.create(self._key, self._holder)
            except errors.KeyWrongLastSequenceError:
                if not logged:
                    logged = True
                    logger.info("Another relay of this bot is in charge; this one stands by")
            except (errors.Error, nats_errors.Error, TimeoutError) as error:
                failures.warning("The relay's lock cannot be acquired now: %s", error_text(error))
            else:
                self._set_held_until(before + self._timing.lock_ttl)
                return
            await asyncio.sleep(self._timing.lock_heartbeat)

    @property
    def held(self) -> bool:
        """Whether this relay certainly holds the lock."""
        return self.left > 0

    @property
    def left(self) -> float:
        """The seconds for which this relay certainly holds the lock."""
        return max(self._held_until - time.monotonic(), 0.0)

    def _set_held_until(self, until: float) -> None:
        self._held_until = until
        self.on_renewed(self.left)

    async def keep_renewed(self) -> None:
        """Renew the lock until that fails.

        Raises:
            LockLostError: Always: the lock is lost, or nobody can tell who holds it.
        """
        interval = self._timing.lock_heartbeat
        while True:
            await asyncio.sleep(interval)
            before = time.monotonic()
            try:
                async with asyncio.timeout(interval):
                    bucket = await self._bucket()
                    self._revision = await bucket.update(self._key, self._holder, last=self._revision)
            except errors.KeyWrongLastSequenceError:
                # A renewal whose answer was lost has succeeded: then the value is still this relay's.
                if not await self._is_holder():
                    self._set_held_until(0.0)
                    raise LockLostError("another relay of this bot has taken over; this one stops") from None
            except (errors.Error, nats_errors.Error, TimeoutError) as error:
                logger.debug("The lock was not renewed: %s", error_text(error))
                # Another attempt would end too late: one interval is needed to stop before another relay may start.
                if self.left < 2 * interval:
                    self._set_held_until(0.0)
                    raise LockLostError("NATS does not say who is in charge, so this relay stops") from None
            else:
                self._set_held_until(before + self._timing.lock_ttl)

    async def release(self) -> None:
        """Release the lock, so that the next relay need not wait for its end."""
        if not self.held:
            return
        self._set_held_until(0.0)
        try:
            async with asyncio.timeout(2.0):
                bucket = await self._bucket()
                await bucket.delete(self._key, last=self._revision)
        except Exception as error:
            logger.debug("The lock was not released: %s", error_text(error))

    async def _is_holder(self) -> bool:
        try:
            async with asyncio.timeout(self._timing.lock_heartbeat):
                entry = await (await self._bucket()).get(self._key)
        except Exception:
            return False
        self._revision = entry.revision or 0
        return bool(entry.value == self._holder)

    async def _bucket(self) -> Any:
        if self._opened_bucket is None:
            stream = self._client.jetstream(timeout=self._timing.lock_heartbeat)
            self._opened_bucket = await stream.key_value(self._names.lock)
        return self._opened_bucket
