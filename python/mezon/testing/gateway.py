"""The local gateway as a test sees it; what users do stands in people.py, what goes wrong in weather.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from mezon.testing.blast import Blast, BlastResult, build_blast
from mezon.testing.people import People
from mezon.testing.webhooks import WebhookPost

__all__ = ["LocalGateway"]


class LocalGateway(People):
    """A Mezon server on a loopback port, for development and tests.

    ``async with LocalGateway() as gateway: ...`` or ``await gateway.start()`` and ``await gateway.aclose()``.

    Args:
        host: A loopback address.
        port: 0 for a free one; ``gateway.port`` tells which.
        tls: Speak https and wss with a certificate made at start; trust ``gateway.ca_file``.
        websocket: Serve the WebSocket. Both transports share the port; a client of one that is off is turned away
            (404 here, a close without a word on TCP), though sessions still tell its URL.
        tcp: Serve abridged TCP.
        tcp_refusal: What a bad token gets on TCP: ``http``, a 401 as text, or ``silent``, a close.
        frame_limit: The greatest frame taken on TCP, in bytes; a longer one ends the connection.
        silence_limit: Seconds after which a socket that says nothing is closed; None for never.
        wire: In which pieces and forms the gateway writes, see ``WireForm``.
        limits: How much a bot may send, see ``Limits``. Nothing is limited by default, and what the live service
            would have refused is noted in ``breaches``.
        strict: Refuse it: the limits of the live service, and messages to channels the bot has not joined.
        bot_id: The one bot that may log in (``add_bot`` lets in more).
        api_key: Its key.
        bot_username: Its name.
        world: A world of your own; by default one clan, two channels, three users.
        require_join: Refuse messages to channels the bot has not joined.
        joined_only: Deliver messages only to connections that joined the clan or channel. By default every
            connection gets every message, so that a test need not wait for joins.
        echo_own_messages: Send a bot its own messages too, as the real server does.
        token_lifetime: Seconds a session token is good for.
        chunk_size: Raw API answers are cut into chunks of so many bytes.
        chunk_count: Or into so many chunks.
        max_records: How many entries ``sent`` and ``requests`` keep; the oldest go first.
        max_uploads: How many uploaded files are kept.

    Attributes:
        sent: Every envelope the bot sent, as ``Sent``.
        requests: Every HTTP request, as ``Request``.
        uploads: Uploaded files by URL.
        connections: Counts of sockets: ``live``, ``total``, ``max_live``.
        handshakes: Every attempt to open a socket, as ``Handshake``.
        breaches: What the live service would have refused, one sentence each.
        live: The open connections; each says its ``transport``.
        meter: ``meter.busiest_second`` is the most frames a bot sent within one second.
        world: Clans, channels, users, messages.
        mmn: The token node, its accounts and ``transactions``.
        agent_events: Server-sent events: ``await gateway.agent_events.send("room_started")``.
        webhooks: Webhooks of channels and clans: ``gateway.webhooks.channel_url("general")``.
        json_answers: Names of RPCs that answer as JSON over HTTP whatever the request says it takes. The TypeScript SDK
            (2.8.53) says protobuf and reads JSON for ``UpdateRole``, ``AddQuickMenuAccess``, ``DeleteQuickMenuAccess``.
        session_fields: What the next sessions say instead, such as ``{"ws_url": ...}``.
    """

    async def next_webhook(self, *, timeout: float = 5.0) -> WebhookPost:
        """Wait for the next post to a webhook that this method has not returned yet.

        Raises:
            TimeoutError: If none arrives within ``timeout`` seconds.
        """
        return await self.webhooks.next(timeout=timeout)

    # Bursts

    def prepare_blast(self, n: int, **options: Any) -> Blast:
        """Build the frames of a burst without sending them; options as for ``build_blast``."""
        return build_blast(self.world, n, **options)

    async def blast(
        self, burst: int | Blast, *, progress: Callable[[int], None] | None = None, **options: Any
    ) -> BlastResult:
        """Send N prepared messages to every connection as fast as the sockets take them.

        Args:
            burst: How many messages, or what ``prepare_blast`` made (send it as often as you like).
            progress: Called now and then with the number of messages handed to the socket so far.
            options: For ``build_blast``: ``seed``, ``channels``, ``senders``, ``mix``.

        Returns:
            How many messages and bytes went out in which time, and whether no connection was lost meanwhile.
        """
        prepared = self.prepare_blast(burst, **options) if isinstance(burst, int) else burst
        live = [c for c in self.live if c.is_open]
        if not live:
            raise ConnectionError("no bot is connected; await gateway.wait_connected() first")
        start, done = time.perf_counter(), 0
        for chunk, count in prepared.chunks:
            await self.flowing()
            for connection in live:
                connection.write(chunk)
            # One turn for pings and calls of the bot, then the back pressure of the slowest.
            await asyncio.sleep(0)
            for connection in live:
                await connection.drain()
            done += count
            if progress is not None:
                progress(done)
        for connection in live:
            await connection.drain(below=1)
        seconds = time.perf_counter() - start
        return BlastResult(done, prepared.size, seconds, complete=all(c.is_open for c in live))
