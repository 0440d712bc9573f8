"""Validation of URLs from outside: the ``api_url`` of a session, the target of an upload."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

__all__ = ["check_address", "host_of", "http_base", "server_of"]

# A host name, an IPv4 address, or an IPv6 address without brackets. The resolver handles non-ASCII names.
_HOST = re.compile(r"[\w.:%-]+", re.UNICODE)
_MAX_HOST = 253
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")


def check_address(url: str, schemes: tuple[str, ...]) -> SplitResult:
    """Split a URL and validate its scheme, host and port.

    Raises:
        ValueError: If the URL is invalid. The text contains neither its path nor its query.
    """
    if _FORBIDDEN.search(url):
        raise ValueError("it contains a space or a control character")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("it is not a URL with a host and a port from 1 to 65535") from None
    if parts.scheme not in schemes:
        raise ValueError(f"its scheme is {parts.scheme[:20]!r}, not {' or '.join(schemes)}")
    if not host:
        raise ValueError("it has no host")
    if port == 0:
        raise ValueError("port 0 is invalid")
    if len(host) > _MAX_HOST or not _HOST.fullmatch(host):
        raise ValueError("its host is neither a name nor an address")
    return parts


_PORTS: Final = {"http": 80, "https": 443}


def http_base(api_url: str, use_ssl: bool) -> str:
    """Return scheme, host and port of the ``api_url`` of a session, with TLS unless ``use_ssl`` is off.

    The default scheme is https. The path is dropped.

    Raises:
        ValueError: If the URL is invalid.
    """
    url = api_url if "://" in api_url else f"https://{api_url}"
    parts = check_address(url, ("https", "http"))
    netloc = parts.netloc.rpartition("@")[2]
    return f"{'https' if use_ssl else parts.scheme}://{netloc}"


def server_of(url: str) -> str:
    """Return the host and port of a URL for error messages; "" if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ""
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{port}" if host and port else host


def host_of(url: str) -> str:
    """Return the host of a URL for error messages; "" if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
