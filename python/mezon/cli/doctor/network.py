"""The way to the server: name, TLS, login, transports, clock."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from mezon.cli.doctor.check import BAD, OK, SKIPPED, WARNING, Check
from mezon.cli.doctor.files import login_url

_PATIENCE: Final = 10.0
#: Seconds a clock may be off: sessions live for minutes and hours.
_CLOCK: Final = 30.0


def checks(offline: bool) -> Iterator[Check]:
    """Check one after the other: what fails first explains the rest."""
    if offline:
        yield Check("network", SKIPPED, "--offline")
        return
    parts = urlsplit(login_url())
    host, port, tls = parts.hostname or "", parts.port or 443, parts.scheme == "https"
    began = time.monotonic()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        todo = "check the network, the name server, and MEZON_HOST"
        yield Check("dns", BAD, f"{host} is not found: {error.strerror or error}", todo)
        return
    took = time.monotonic() - began
    yield Check("dns", OK, f"{host} is {found[0][4][0]} ({took * 1000:.0f} ms)")
    reached = _reach(host, port, tls)
    yield reached
    if reached.status == BAD:
        return
    yield from asyncio.run(_talk())


def _reach(host: str, port: int, tls: bool) -> Check:
    name = "tls" if tls else "tcp"
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE) as plain:
            if not tls:
                return Check(name, OK, f"{host}:{port} answers, without TLS")
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as line:
                issuer = dict(entry[0] for entry in (line.getpeercert() or {}).get("issuer", ()))  # type: ignore[misc]
                return Check(
                    name,
                    OK,
                    f"{host}:{port}, {line.version()}, issued by {issuer.get('organizationName', '?')}",
                )
    except ssl.SSLCertVerificationError as error:
        todo = "a CA of your own? GatewayOptions(ca_file='ca.pem'), and SSL_CERT_FILE=ca.pem for this check"
        return Check(
            name, BAD, f"{host}:{port} has a certificate that is not trusted: {error.verify_message}", todo
        )
    except ssl.SSLError as error:
        return Check(
            name,
            BAD,
            f"{host}:{port} does not speak TLS: {error.reason}",
            "MEZON_USE_SSL=false for a local server",
        )
    except OSError as error:
        todo = "check MEZON_PORT and the firewall; proxies are not used"
        return Check(name, BAD, f"{host}:{port} cannot be reached: {error.strerror or error}", todo)


async def _talk() -> list[Check]:
    from mezon import MezonClient, MezonError

    bot_id, key = os.environ.get("MEZON_BOT_ID", ""), os.environ.get("MEZON_API_KEY", "")
    done = [await _clock()]
    if not bot_id.isdecimal() or not key:
        return [*done, Check("login", SKIPPED, "no id and key in the environment")]
    client = MezonClient(bot_id, key, message_db=False)
    try:
        async with asyncio.timeout(_PATIENCE * 2):
            session = await client.get_session()
    except MezonError as error:
        return [
            *done,
            Check("login", BAD, str(error), "compare id and key with what Mezon shows for the bot"),
        ]
    except TimeoutError:
        return [
            *done,
            Check("login", BAD, "no answer in time", "try again; if it stays, the server has trouble"),
        ]
    finally:
        await client.disconnect()
    done.append(
        Check("login", OK, f"bot {session.user_id}, for {(session.expires_at or 0) - time.time():.0f} s")
    )
    offered = [name for name, url in (("websocket", session.ws_url), ("tcp", session.tcp_url)) if url]
    status = OK if offered else BAD
    text = f"the server offers {' and '.join(offered) or 'none'}"
    return [
        *done,
        Check("transport", status, text, "" if offered else "it cannot be used; tell its operator"),
    ]


async def _clock() -> Check:
    import aiohttp

    try:
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(login_url()) as answer:
            date: Any = answer.headers.get("Date")
        theirs = parsedate_to_datetime(date).timestamp()
    except (aiohttp.ClientError, TimeoutError, TypeError, ValueError):
        return Check("clock", SKIPPED, "the server tells no time")
    off = time.time() - theirs
    if abs(off) > _CLOCK:
        way = "ahead" if off > 0 else "behind"
        text = f"this clock is {abs(off):.0f} s {way} of the server's"
        return Check("clock", WARNING, text, "set it (ntp): sessions seem to end too early or too late")
    return Check("clock", OK, "within half a minute of the server's")
