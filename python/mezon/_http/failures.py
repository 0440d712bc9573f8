"""What an exception out of aiohttp means, in words that hold no header, no query and no body."""

from __future__ import annotations

import aiohttp

from mezon._http.address import host_of
from mezon.errors import InvalidArgumentError, MezonError, MezonTimeoutError
from mezon.ports import HttpFailure, HttpRequest

__all__ = ["failure_of", "wrong_address"]


def failure_of(
    error: Exception, request: HttpRequest, *, closed: bool = False, reading: bool = False
) -> MezonError:
    """Make the failure to raise for an exception of aiohttp or of the system.

    Args:
        closed: The session was closed meanwhile.
        reading: The answer had begun.
    """
    name, host = request.name, host_of(request.url) or "the server"
    if isinstance(error, TimeoutError):
        return _timeout(request, host, reading)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        detail = str(error.certificate_error)
        return HttpFailure(
            f"{name}: the certificate of {host} is not trusted ({detail}); for a server"
            # Must match the advice of src/gateway/transport/tls.rs.
            " with a certificate of its own name its CA: GatewayOptions(ca_file=...), or take any"
            " certificate: GatewayOptions(insecure=True)",
            reason=f"the certificate of {host} is not trusted ({detail})",
            sent=False,
            lasting=True,
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        # Its own text names host and port, and nothing else.
        return HttpFailure(
            f"{name}: cannot connect to {host} ({error.strerror or error}); check host, port, use_ssl and"
            " the network",
            reason=str(error),
            sent=False,
        )
    if isinstance(error, aiohttp.InvalidURL):
        return wrong_address(request, "it is no URL")
    if isinstance(error, aiohttp.ClientResponseError):
        return HttpFailure(
            f"{name}: what answers at {host} speaks no HTTP, or broken HTTP; check host, port and use_ssl",
            reason=f"no HTTP answer from {host}",
            sent=True,
            lasting=True,
        )
    if closed and type(error) is RuntimeError:
        return HttpFailure(
            f"{name}: the HTTP client was closed; log in again",
            reason="the HTTP client was closed",
            sent=False,
            lasting=True,
        )
    if isinstance(error, TypeError):
        return InvalidArgumentError(
            f"{name}: a header, a parameter or the body is of a type HTTP cannot carry"
        )
    # Their own texts may hold headers or the URL.
    kind = type(error).__name__
    what = f"{kind}: {error.strerror}" if isinstance(error, OSError) and error.strerror else kind
    return HttpFailure(
        f"{name}: the connection to {host} was lost ({what}); try again",
        reason=f"connection lost ({what})",
        sent=True,
    )


def _timeout(request: HttpRequest, host: str, reading: bool) -> MezonTimeoutError:
    if reading:
        return MezonTimeoutError(f"{request.name}: nothing from {host} for {request.read_timeout or 0:g} s")
    # Without a limit of ours it is the operating system that gave up.
    seconds = request.named_timeout or request.timeout
    within = "" if request.timeout is None else f" within {seconds:g} s"
    return MezonTimeoutError(
        f"{request.name}: no answer from {host}{within}; try again, or raise the client's timeout"
        " (milliseconds) if the network is slow"
    )


def wrong_address(request: HttpRequest, why: str) -> HttpFailure:
    """Make the failure of a request whose URL nobody can be asked at."""
    return HttpFailure(
        f"{request.name}: the server's address cannot be used ({why}); check host and port",
        reason=f"not a URL that can be used: {why}",
        sent=False,
        lasting=True,
    )
