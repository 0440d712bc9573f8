"""The connection to NATS, and calls of JetStream's API for which the Python client has no field."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.credentials import credentials_of
from mezon.errors import MezonConnectionError, MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.settings import Broker

logger = get_logger("mezon.cluster")

#: JetStream's error codes.
NOT_FOUND: Final = frozenset({10014, 10059, 10037})

#: Seconds one call of the API may take.
_PATIENCE: Final = 5.0

#: Seconds a first connection may take, and more for each server there is to try.
_FIRST: Final = 4.0
_EACH: Final = 4.0

#: Troubles of a first connection that are kept, to say why there is none.
_TOLD: Final = 8

#: Bytes that may wait to be written.
_PENDING: Final = 64 * 1024 * 1024


class BrokerError(MezonError):
    """NATS refused something, or is set up otherwise than needed.

    Attributes:
        code: JetStream's code of the error; 0 when it has none.
    """

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


def missing() -> MezonError:
    """Make the error for an environment without the extra."""
    return MezonError('many machines need the NATS client: pip install "mezon-rs[nats]"')


async def connect(
    broker: Broker,
    *,
    reconnect: bool = True,
    on_lost: Callable[[], None] | None = None,
    on_back: Callable[[], None] | None = None,
) -> Client:
    """Connect to NATS.

    Args:
        broker: Where and how.
        reconnect: Connect again by itself, for ever; what is published meanwhile waits. Without, a connection that is
            lost is over.
        on_lost: Called when the connection is lost.
        on_back: Called when it is back.

    Raises:
        MezonConnectionError: If no server can be reached.
        BrokerError: If it refuses the credentials, or TLS is requested and the server offers none.
        CredentialsError: If a file with credentials cannot be used.
    """
    try:
        from nats import errors
        from nats.aio.client import Client as PlainClient

        from mezon._cluster.tls_client import NoTlsError, TlsClient, check_overrides
    except ImportError:
        raise missing() from None

    async def lost(*_: object) -> None:
        if on_lost is not None:
            on_lost()

    async def back(*_: object) -> None:
        if on_back is not None:
            on_back()

    told: list[Exception] = []

    async def trouble(error: Exception) -> None:
        if len(told) < _TOLD:
            told.append(error)
        level = logging.WARNING if isinstance(error, NoTlsError) else logging.DEBUG
        logger.log(level, "NATS: %s", error or type(error).__name__)

    options: dict[str, Any] = {
        "name": broker.name,
        "allow_reconnect": reconnect,
        # For ever is for later: a first connection that is refused, or that nobody answers, is told.
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0.5,
        "connect_timeout": 3,
        "ping_interval": 5,
        "max_outstanding_pings": 2,
        "pending_size": _PENDING,
        "disconnected_cb": lost,
        "closed_cb": lost,
        "reconnected_cb": back,
        "error_cb": trouble,
    }
    if broker.inbox:
        options["inbox_prefix"] = broker.inbox
    options.update(credentials_of(broker))
    client: Client
    if broker.tls:
        options["tls"] = _tls(broker)
        try:
            check_overrides()
        except NotImplementedError as error:
            raise BrokerError(f"TLS cannot be enforced with this version of nats-py: {error}") from None
        client = TlsClient()
    else:
        client = PlainClient()
    try:
        # The client would wait for ever for the end of a connection whose TLS handshake failed.
        async with asyncio.timeout(_FIRST + _EACH * len(broker.servers)):
            await client.connect(broker.servers, **options)
    except asyncio.CancelledError:
        await gone(client)
        raise
    except (errors.Error, OSError, TimeoutError) as error:
        await gone(client)
        told.append(error)
        # A server that refuses the credentials hangs up: what it said before that counts.
        for why in told:
            if isinstance(why, NoTlsError):
                text = f"NATS at {broker.shown}: TLS is requested (tls:// or a TLS file), but {why}"
                raise BrokerError(
                    f"{text}; enable TLS on the server, or use nats:// without TLS files"
                ) from None
            if "authorization" in str(why).lower() or isinstance(why, errors.AuthorizationError):
                text = f"NATS at {broker.shown} refuses the connection: {why}; check the credentials"
                raise BrokerError(text) from None
        text = f"NATS cannot be reached at {broker.shown} ({told[0] or type(told[0]).__name__})"
        raise MezonConnectionError(f"{text}: is the server running?") from None
    if reconnect:
        client.options["max_reconnect_attempts"] = -1
    return client


def _tls(broker: Broker) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if broker.ca_file is not None:
            context.load_verify_locations(cafile=broker.ca_file)
        if broker.certificate is not None and broker.key is not None:
            context.load_cert_chain(broker.certificate, broker.key)
    except OSError as error:
        raise BrokerError(f"a TLS file for NATS cannot be read: {error}") from None
    return context


async def api(
    client: Client, subject: str, body: Any = None, *, absent_is_none: bool = False
) -> dict[str, Any] | None:
    """Make a call of JetStream's API.

    Args:
        client: The connection.
        subject: What stands behind ``$JS.API.``.
        body: The request, as JSON.
        absent_is_none: Give None for what is not there, instead of an error.

    Raises:
        MezonConnectionError: If there is no answer.
        BrokerError: If it is refused.
    """
    from nats import errors

    data = b"" if body is None else json.dumps(body).encode()
    try:
        answer = await client.request(f"$JS.API.{subject}", data, timeout=_PATIENCE)
    except errors.NoRespondersError:
        raise BrokerError("this NATS server has no JetStream, or no right to it: start it with -js") from None
    except (errors.Error, TimeoutError) as error:
        raise MezonConnectionError(f"NATS does not answer ({type(error).__name__})") from None
    found: dict[str, Any] = json.loads(answer.data)
    wrong = found.get("error")
    if wrong is None:
        return found
    code = int(wrong.get("err_code", 0))
    if absent_is_none and (code in NOT_FOUND or wrong.get("code") == 404):
        return None
    raise BrokerError(
        f"NATS refuses {subject.partition('.MEZON')[0]}: {wrong.get('description', wrong)}", code
    )


def message_size(body: bytes, headers: Mapping[str, str] | None = None) -> int:
    """Return the bytes of a message that count against the server's ``max_payload``: body and headers."""
    if not headers:
        return len(body)
    lines = sum(len(name.encode()) + len(value.encode()) + 4 for name, value in headers.items())
    return len(body) + lines + len("NATS/1.0\r\n\r\n")


def status_of(message: Msg) -> int:
    """Give the status a server puts in place of a message; 0 for a real one."""
    headers = message.headers
    if not headers or message.reply or message.data:
        return 0
    try:
        return int(headers.get("Status", "0"))
    except ValueError:
        return 0


async def gone(client: Client) -> None:
    """Close a connection, whatever state it is in."""
    try:
        async with asyncio.timeout(2.0):
            await client.close()
    except Exception as error:
        logger.debug("Closing the connection to NATS: %s", error or type(error).__name__)
