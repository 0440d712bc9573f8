"""The connection to NATS with its credentials, and requests to JetStream's API that nats-py has no method for."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import ssl
from typing import TYPE_CHECKING, Any, Final

from nats import errors

from mezon._cluster.direct_client import DirectClient
from mezon._cluster.protocol import error_text
from mezon._cluster.tls_client import NoTlsError, TlsClient, check_overrides
from mezon.errors import MezonConnectionError, MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.settings import Broker

logger = get_logger("mezon.cluster")

#: JetStream's error codes for a missing consumer, stream or message.
_NOT_FOUND: Final = frozenset({10014, 10059, 10037})

#: Seconds for one request to the API.
_API_TIMEOUT: Final = 5.0

#: Seconds for the first connection: a base, and more for each server.
_CONNECT_TIMEOUT: Final = 4.0
_CONNECT_TIMEOUT_PER_SERVER: Final = 4.0

#: The number of errors of the first connection that are kept to explain its failure.
_MAX_ERRORS: Final = 8

#: Size of the client's write buffer in bytes.
_WRITE_BUFFER: Final = 64 * 1024 * 1024

_JWT_MARK: Final = "BEGIN NATS USER JWT"
_SEED_MARK: Final = "BEGIN USER NKEY SEED"


class BrokerError(MezonError):
    """NATS refused a request, or its configuration does not fit.

    Attributes:
        code: JetStream's error code; 0 if there is none.
    """

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class CredentialsError(MezonError):
    """A file with credentials for NATS cannot be used."""


# ---- connection


async def connect(
    broker: Broker,
    *,
    reconnect: bool = True,
    on_disconnect: Callable[[], None] | None = None,
    on_reconnect: Callable[[], None] | None = None,
) -> DirectClient:
    """Connect to NATS.

    Args:
        broker: Address and credentials.
        reconnect: Reconnect without limit and buffer what is published meanwhile. Otherwise a lost connection is final.
        on_disconnect: Called when the connection is lost.
        on_reconnect: Called when it is restored.

    Raises:
        MezonConnectionError: No server can be reached.
        BrokerError: The server refuses the credentials, or TLS is required and not offered.
        CredentialsError: A credentials file cannot be used.
    """

    async def disconnected(*_: object) -> None:
        if on_disconnect is not None:
            on_disconnect()

    async def reconnected(*_: object) -> None:
        if on_reconnect is not None:
            on_reconnect()

    seen: list[Exception] = []

    async def failed(error: Exception) -> None:
        if len(seen) < _MAX_ERRORS:
            seen.append(error)
        level = logging.WARNING if isinstance(error, NoTlsError) else logging.DEBUG
        logger.log(level, "NATS: %s", error_text(error))

    options: dict[str, Any] = {
        "name": broker.name,
        "allow_reconnect": reconnect,
        # Only the first connection is limited: its failure is reported to the caller.
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0.5,
        "connect_timeout": 3,
        "ping_interval": 5,
        "max_outstanding_pings": 2,
        "pending_size": _WRITE_BUFFER,
        "disconnected_cb": disconnected,
        "closed_cb": disconnected,
        "reconnected_cb": reconnected,
        "error_cb": failed,
    }
    if broker.inbox:
        options["inbox_prefix"] = broker.inbox
    options.update(credential_options(broker))
    client: DirectClient
    if broker.tls:
        options["tls"] = _tls_context(broker)
        try:
            check_overrides()
        except NotImplementedError as error:
            raise BrokerError(f"TLS cannot be enforced with this version of nats-py: {error}") from None
        client = TlsClient()
    else:
        client = DirectClient()
    try:
        # Without this limit nats-py would wait forever for a connection whose TLS handshake failed.
        async with asyncio.timeout(_CONNECT_TIMEOUT + _CONNECT_TIMEOUT_PER_SERVER * len(broker.servers)):
            await client.connect(broker.servers, **options)
    except asyncio.CancelledError:
        await disconnect(client)
        raise
    except (errors.Error, OSError, TimeoutError) as error:
        await disconnect(client)
        seen.append(error)
        # A server that refuses the credentials then closes the connection: the first of the two errors explains it.
        for cause in seen:
            if isinstance(cause, NoTlsError):
                text = f"NATS at {broker.shown}: TLS is requested (tls:// or a TLS file), but {cause}"
                raise BrokerError(
                    f"{text}; enable TLS on the server, or use nats:// without TLS files"
                ) from None
            if "authorization" in str(cause).lower() or isinstance(cause, errors.AuthorizationError):
                text = f"NATS at {broker.shown} refuses the connection: {cause}; check the credentials"
                raise BrokerError(text) from None
        text = f"NATS cannot be reached at {broker.shown} ({error_text(seen[0])})"
        raise MezonConnectionError(f"{text}: is the server running?") from None
    if reconnect:
        client.options["max_reconnect_attempts"] = -1
    return client


async def disconnect(client: Client) -> None:
    """Close a connection in any state."""
    try:
        async with asyncio.timeout(2.0):
            await client.close()
    except Exception as error:
        logger.debug("Closing the connection to NATS failed: %s", error_text(error))


def _tls_context(broker: Broker) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if broker.ca_file is not None:
            context.load_verify_locations(cafile=broker.ca_file)
        if broker.certificate is not None and broker.key is not None:
            context.load_cert_chain(broker.certificate, broker.key)
    except OSError as error:
        raise BrokerError(f"a TLS file for NATS cannot be read: {error}") from None
    return context


# ---- credentials
#
# nats-py reads credentials files as well, but never returns from a malformed one, and fails with a traceback on a
# malformed seed. Here both raise an error that names the file, before a connection is opened.


def credential_options(broker: Broker) -> dict[str, Any]:
    """Return the credentials of the settings as options of nats-py.

    Raises:
        CredentialsError: A file cannot be read or is malformed.
    """
    if broker.credentials is not None:
        return _options_of_credentials_file(broker.credentials)
    if broker.nkey_seed is not None:
        _sign(broker.nkey_seed, _read_text(broker.nkey_seed), "")
        return {"nkeys_seed": str(broker.nkey_seed)}
    return {}


def _options_of_credentials_file(file: Path) -> dict[str, Any]:
    def read() -> tuple[str, str]:
        text = _read_text(file)
        token, seed = _block(file, text, _JWT_MARK), _block(file, text, _SEED_MARK)
        _sign(file, seed, "")
        return token, seed

    current = read()

    # nats-py asks for the signature first, then for the token. Reading the file at each connection lets it be renewed
    # without a restart; a file that is being written at that moment is ignored until the next connection.
    def signature(nonce: str) -> bytes:
        nonlocal current
        try:
            current = read()
        except CredentialsError as error:
            logger.warning("NATS gets the credentials that were read before: %s", error)
        return _sign(file, current[1], nonce)

    def token() -> bytes:
        return current[0].encode()

    return {"user_jwt_cb": token, "signature_cb": signature}


def _read_text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise CredentialsError(f"the credentials {file} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise CredentialsError(f"{file} holds no credentials for NATS: it is no text") from None


def _block(file: Path, text: str, mark: str) -> str:
    """Return the line after a mark."""
    lines = iter(text.splitlines())
    for line in lines:
        if mark in line:
            return next(lines, "").strip()
    raise CredentialsError(
        f"{file} is no credentials file of NATS: it has no line with {mark}; create one with nsc, or pass a seed with "
        "--nats-nkey"
    )


def _sign(file: Path, seed: str, nonce: str) -> bytes:
    try:
        import nkeys  # type: ignore[import-untyped]
    except ImportError:
        raise CredentialsError('nkeys need another package: pip install "mezon-rs[nats]"') from None
    try:
        pair = nkeys.from_seed(bytearray(seed.strip().encode()))
        signed = pair.sign(nonce.encode())
        pair.wipe()
    except Exception:
        # The text of the error may contain the seed.
        raise CredentialsError(f"{file} holds no seed of an nkey: a seed begins with SU") from None
    return base64.b64encode(signed)


# ---- JetStream's API and messages


async def jetstream_api(
    client: Client, subject: str, body: Any = None, *, missing_ok: bool = False
) -> dict[str, Any] | None:
    """Send a request to JetStream's API and return the answer.

    Args:
        client: The connection.
        subject: The subject after ``$JS.API.``.
        body: The request, encoded as JSON.
        missing_ok: Return None for a missing stream, consumer or message instead of raising.

    Raises:
        MezonConnectionError: NATS does not answer.
        BrokerError: NATS refuses the request.
    """
    data = b"" if body is None else json.dumps(body).encode()
    try:
        answer = await client.request(f"$JS.API.{subject}", data, timeout=_API_TIMEOUT)
    except errors.NoRespondersError:
        raise BrokerError(
            "this NATS server has no JetStream, or the user has no permission for it: start it with -js"
        ) from None
    except (errors.Error, TimeoutError) as error:
        raise MezonConnectionError(f"NATS does not answer ({type(error).__name__})") from None
    found: dict[str, Any] = json.loads(answer.data)
    refusal = found.get("error")
    if refusal is None:
        return found
    code = int(refusal.get("err_code", 0))
    if missing_ok and (code in _NOT_FOUND or refusal.get("code") == 404):
        return None
    raise BrokerError(
        f"NATS refuses {subject.partition('.MEZON')[0]}: {refusal.get('description', refusal)}", code
    )


async def last_value(client: Client, bucket: str, key: str) -> bytes | None:
    """Return the value of a key in a bucket; None if there is none."""
    request = {"last_by_subj": f"$KV.{bucket}.{key}"}
    found = await jetstream_api(client, f"STREAM.MSG.GET.KV_{bucket}", request, missing_ok=True)
    return None if found is None else base64.b64decode(found["message"].get("data", ""))


def message_size(body: bytes, headers: Mapping[str, str] | None = None) -> int:
    """Return the size of a message that counts against the server's ``max_payload``: body and headers."""
    if not headers:
        return len(body)
    lines = sum(len(name.encode()) + len(value.encode()) + 4 for name, value in headers.items())
    return len(body) + lines + len("NATS/1.0\r\n\r\n")


def message_status(message: Msg) -> int:
    """Return the status code of a message that the server sends in place of a real one; 0 for a real one."""
    headers = message.headers
    if not headers or message.reply or message.data:
        return 0
    try:
        return int(headers.get("Status", "0"))
    except ValueError:
        return 0
