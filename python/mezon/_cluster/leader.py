"""Leader election of relays: a lock in a bucket, renewed by its holder, with an epoch that grows with each holder."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from nats import errors as nats_errors
from nats.js import errors

from mezon._cluster.broker import jetstream_api
from mezon._cluster.log_throttle import LogThrottle
from mezon._cluster.protocol import error_text
from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client

    from mezon._cluster.protocol import Names
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")


class LockLostError(MezonError):
    """Another relay holds the lock, or may have held it since. This relay must stop at once."""


class LeaderLock:
    """The lock of a bot's relay.

    The server refuses a write that is not based on the last one, so two relays can never hold the lock, and it removes
    the lock of a holder that has not renewed it for ``lock_ttl``. For its holder the lock expires earlier: measured by
    its own clock from before the last successful write, and a ``lock_heartbeat`` sooner.

    A lock that has expired is not lost. While NATS is away nobody can acquire it, and a relay that was merely slow may
    have no rival. Its holder renews it then, and continues, if no relay has been in charge in between. The sequence of
    the bucket shows that: an acquisition consists of two writes, a renewal of one.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        timing: The lock's time to live and the interval of renewals.
        holder: The id of this relay.
        key: The lock's key in its bucket; see `lock_key`.

    Attributes:
        epoch: The revision of the write that acquired the lock; it grows with each holder.
        on_renewed: Called with the seconds for which the lock is certainly held, at each renewal; 0 when it is lost.
        on_resumed: Called after a renewal of a lock that had expired.
    """

    def __init__(self, client: Client, names: Names, timing: Timing, holder: str, key: str) -> None:
        self._client = client
        self._names = names
        self._timing = timing
        self._holder = holder.encode()
        self._key = key
        self._revision = 0
        #: 1 if a renewal since the last confirmed write may have succeeded: all are based on that write.
        self._unconfirmed = 0
        self._held_until = 0.0
        self._opened_bucket: Any = None
        self.epoch = 0
        self.on_renewed: Callable[[float], object] = lambda left: None
        self.on_resumed: Callable[[], object] = lambda: None

    async def acquire(self) -> None:
        """Wait until the lock is free, and acquire it."""
        logged, failures = False, LogThrottle(logger)
        interrupted, reconnects, wait_until = False, self._reconnects, 0.0
        while True:
            before = time.monotonic()
            if reconnects != self._reconnects:
                interrupted, reconnects = True, self._reconnects
            try:
                bucket = await self._bucket()
                if interrupted:
                    # The relay in charge was cut off as well, and its lock may have expired: let it renew first.
                    with contextlib.suppress(errors.KeyNotFoundError):
                        await bucket.get(self._key)
                    interrupted, wait_until = False, time.monotonic() + self._timing.lock_ttl
                elif before >= wait_until:
                    epoch = await bucket.create(self._key, self._holder)
                    self._revision = await bucket.update(self._key, self._holder, last=epoch)
                    self.epoch = epoch
                    self._set_held_until(before + self._lifetime)
                    return
            except errors.KeyWrongLastSequenceError:
                if not logged:
                    logged = True
                    logger.info("Another relay of this bot is in charge; this one stands by")
            except (errors.Error, nats_errors.Error, TimeoutError) as error:
                interrupted = True
                failures.warning("The relay's lock cannot be acquired now: %s", error_text(error))
            await asyncio.sleep(self._timing.lock_heartbeat)

    @property
    def held(self) -> bool:
        """Whether this relay certainly holds the lock."""
        return self.left > 0

    @property
    def left(self) -> float:
        """The seconds for which this relay certainly holds the lock."""
        return max(self._held_until - time.monotonic(), 0.0)

    @property
    def _lifetime(self) -> float:
        return max(self._timing.lock_ttl - self._timing.lock_heartbeat, 0.0)

    @property
    def _reconnects(self) -> int:
        return int(self._client.stats["reconnects"])

    def _set_held_until(self, until: float) -> None:
        self._held_until = until
        self.on_renewed(self.left)

    async def keep_renewed(self) -> None:
        """Renew the lock until another relay has acquired it.

        Raises:
            LockLostError: Always: another relay is in charge, or may have been.
        """
        interval, expired = self._timing.lock_heartbeat, False
        while True:
            await asyncio.sleep(interval)
            before, was_held = time.monotonic(), self.held
            try:
                async with asyncio.timeout(interval):
                    await self._renew()
            except LockLostError:
                self._set_held_until(0.0)
                raise
            except (errors.Error, nats_errors.Error, MezonError, TimeoutError) as error:
                logger.debug("The lock was not renewed: %s", error_text(error))
                if not self.held and not expired:
                    expired = True
                    logger.warning(
                        "NATS does not confirm that this relay is in charge (%s): it holds events and calls until then",
                        error_text(error),
                    )
            else:
                self._set_held_until(before + self._lifetime)
                if not was_held:
                    expired = False
                    logger.info("This relay is still in charge (epoch %d) and continues", self.epoch)
                    self.on_resumed()

    async def _renew(self) -> None:
        bucket = await self._bucket()
        try:
            revision = await self._write(bucket.update(self._key, self._holder, last=self._revision))
        except errors.KeyWrongLastSequenceError:
            revision = await self._renew_after_other_write(bucket)
        except errors.NoStreamResponseError:
            if (
                await jetstream_api(self._client, f"STREAM.INFO.KV_{self._names.lock}", missing_ok=True)
                is None
            ):
                raise LockLostError("the bucket of the lock was deleted; this relay stops") from None
            raise
        self._revision, self._unconfirmed = revision, 0

    async def _renew_after_other_write(self, bucket: Any) -> int:
        """Renew a lock whose last write is not the last confirmed one of this relay."""
        try:
            entry = await bucket.get(self._key)
        except errors.KeyNotFoundError:
            # Expired, or acquired and released by another relay.
            return self._check(await self._write(bucket.create(self._key, self._holder)))
        if entry.value != self._holder:
            raise LockLostError("another relay of this bot has taken over; this one stops")
        # A renewal whose answer was lost has succeeded, some time ago.
        self._revision, self._unconfirmed = self._check(entry.revision), 0
        return await self._write(bucket.update(self._key, self._holder, last=self._revision))

    def _check(self, revision: int) -> int:
        """Return the revision of a write of this relay, if no other relay has been in charge before it."""
        if revision > self._revision + 1 + self._unconfirmed:
            raise LockLostError("another relay of this bot may have been in charge; this one stops")
        return revision

    async def _write(self, write: Awaitable[int]) -> int:
        try:
            return await write
        except errors.KeyWrongLastSequenceError:
            raise
        except BaseException:
            self._unconfirmed = 1
            raise

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

    async def _bucket(self) -> Any:
        if not self._client.is_connected:
            # nats-py would send the request after a reconnect, when nobody waits for the answer any more.
            raise nats_errors.ConnectionClosedError
        if self._opened_bucket is None:
            stream = self._client.jetstream(timeout=self._timing.lock_heartbeat)
            self._opened_bucket = await stream.key_value(self._names.lock)
        return self._opened_bucket
