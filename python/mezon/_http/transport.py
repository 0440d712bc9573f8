"""One pooled aiohttp session per event loop, and one attempt at a request. Imported with the first call."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncGenerator, Mapping
from os import PathLike
from typing import Any

import aiohttp
from yarl import URL

from mezon._http.errors import ApiConnectionError, ApiResponseError
from mezon._http.reply import MAX_BODY, Reply
from mezon.errors import InvalidArgumentError, MezonTimeoutError

__all__ = ["Transport"]


class NotSentError(ApiConnectionError):
    """The connection could not be made, so the call never reached the server.

    Attributes:
        lasting: Trying again will not help (a wrong address, an untrusted certificate, a closed client).
    """

    def __init__(self, text: str, *, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting


async def _keep(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    # An event loop closes its open async generators when it shuts down (asyncio.run does that at its end).
    # So this one closes the session even for a program that never calls close().
    try:
        yield
    finally:
        await session.close()


class _Pool:
    """The session of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ssl_context: ssl.SSLContext | None) -> None:
        self.loop = loop
        connector = aiohttp.TCPConnector(ssl=True if ssl_context is None else ssl_context)
        self.session = aiohttp.ClientSession(connector=connector)
        self._keeper = _keep(self.session)

    async def open(self) -> None:
        await anext(self._keeper)

    async def close(self) -> None:
        await self.session.close()
        with contextlib.suppress(RuntimeError):  # the loop is just closing it
            await self._keeper.aclose()

    def drop(self) -> None:
        """Close without the loop, which is closed already."""
        if self.session.closed:
            return
        closing = self.session.close()
        with contextlib.suppress(StopIteration, RuntimeError):
            for _ in range(10):  # nothing in it waits once the loop is closed
                closing.send(None)
        closing.close()

    def __del__(self) -> None:
        if self.loop.is_closed():
            self.drop()


class Transport:
    """Sends requests. Follows no redirect, since that could carry the token to another host.

    Args:
        ca_file: A file of CA certificates to trust beside the system's.
        ssl_context: The TLS settings to use instead.
        insecure: Take any certificate.
    """

    def __init__(
        self,
        *,
        ca_file: str | PathLike[str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        insecure: bool = False,
    ) -> None:
        if ssl_context is None and insecure:
            ssl_context = ssl.create_default_context()
            ssl_context.check_hostname = False
            ssl_context.verify_mode = ssl.CERT_NONE
        elif ssl_context is None and ca_file is not None:
            ssl_context = ssl.create_default_context()
            try:
                ssl_context.load_verify_locations(cafile=ca_file)
            except OSError as error:
                raise InvalidArgumentError(
                    f"ca_file: {ca_file} cannot be read as PEM certificates: {error}"
                ) from error
        self._ssl = ssl_context
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}
        self._lock = threading.Lock()

    async def session(self) -> aiohttp.ClientSession:
        """The session of the running loop, opened on first use."""
        loop = asyncio.get_running_loop()
        with self._lock:
            pool = self._pools.get(loop)
            if pool is not None and not pool.session.closed:
                return pool.session
            dead = [self._pools.pop(old) for old in list(self._pools) if old.is_closed()]
            pool = self._pools[loop] = _Pool(loop, self._ssl)
        for old_pool in dead:
            old_pool.drop()
        await pool.open()
        return pool.session

    async def close(self) -> None:
        """Close the sessions of every loop. The next request opens a new one."""
        loop = asyncio.get_running_loop()
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            if pool.loop is loop:
                await pool.close()
            elif pool.loop.is_closed():
                pool.drop()
            else:
                with contextlib.suppress(RuntimeError):  # closed this very moment
                    asyncio.run_coroutine_threadsafe(pool.close(), pool.loop)

    async def send(
        self,
        call: str,
        method: str,
        url: str | URL,
        *,
        timeout: float | None,
        limit: float | None = None,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
        max_body: int = MAX_BODY,
    ) -> Reply:
        """Make one attempt and read the answer whole, whatever its status.

        Args:
            call: The name of the call, for error texts.
            timeout: Seconds for the attempt as a whole, None for no limit.
            limit: The seconds to name when they are over, if not ``timeout``.

        Raises:
            MezonTimeoutError: No whole answer within the timeout.
            NotSentError: No connection; the server has not seen the call.
            ApiConnectionError: The connection was lost after the call was (or may have been) sent.
            ApiResponseError: The answer is longer than ``max_body`` bytes.
        """
        session = await self.session()
        host = "the server"
        try:
            url = url if isinstance(url, URL) else URL(url)
            host = url.host or host
            async with session.request(
                method,
                url,
                params=params or None,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=False,
            ) as resp:
                return await Reply.read(resp, max_body)
        except ApiResponseError:
            raise
        except TimeoutError:
            # Without a limit of ours it is the operating system that gave up.
            within = "" if timeout is None else f" within {limit or timeout:g} s"
            raise MezonTimeoutError(
                f"{call}: no answer from {host}{within}; try again, or raise the client's timeout"
                " (milliseconds) if the network is slow"
            ) from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise NotSentError(
                f"{call}: the certificate of {host} is not trusted ({error.certificate_error}); for a server"
                # Must match the advice of src/gateway/transport/tls.rs.
                " with a certificate of its own name its CA: GatewayOptions(ca_file=...), or take any"
                " certificate: GatewayOptions(insecure=True)",
                lasting=True,
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise NotSentError(
                f"{call}: cannot connect to {host} ({error.strerror or error}); check host, port, use_ssl and"
                " the network"
            ) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            raise ApiConnectionError(
                f"{call}: the connection to {host} was lost ({type(error).__name__}: {error}); try again"
            ) from error
        # After the certificate error, which is a ValueError too.
        except (aiohttp.InvalidURL, ValueError):
            text = f"{call}: the server's address cannot be used; check host and port"
            raise NotSentError(text, lasting=True) from None
        except RuntimeError as error:
            if session.closed:
                text = f"{call}: the HTTP client was closed; log in again"
                raise NotSentError(text, lasting=True) from error
            raise
