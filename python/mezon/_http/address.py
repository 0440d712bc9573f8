"""Addresses that others name: a session's ``api_url``, the place of an upload. None of them is believed."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

__all__ = ["check_address", "host_of", "http_base"]

# A host name, an IPv4 address, or an IPv6 address without its brackets. Names beyond ASCII are for the resolver.
_HOST = re.compile(r"[\w.:%-]+", re.UNICODE)
_LONGEST = 253
_NO_URL_HAS = re.compile(r"[\x00-\x20\x7f]")


def check_address(url: str, schemes: tuple[str, ...]) -> SplitResult:
    """Take a URL apart that can be connected to.

    Raises:
        ValueError: It cannot, and why; the text has no path and no query in it.
    """
    if _NO_URL_HAS.search(url):
        raise ValueError("it has a space or a control character in it")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("it is no URL with a host and a port from 1 to 65535") from None
    if parts.scheme not in schemes:
        raise ValueError(f"it begins with {parts.scheme[:20]!r} and not with {' or '.join(schemes)}")
    if not host:
        raise ValueError("it names no host")
    if port == 0:
        raise ValueError("there is no port 0")
    if len(host) > _LONGEST or not _HOST.fullmatch(host):
        raise ValueError("its host is no name and no address")
    return parts


def http_base(api_url: str, use_ssl: bool) -> str:
    """Scheme, host and port of a session's ``api_url``, with TLS unless ``use_ssl`` is off.

    Without a scheme it is https; the path is dropped.

    Raises:
        ValueError: It cannot be connected to.
    """
    url = api_url if "://" in api_url else f"https://{api_url}"
    parts = check_address(url, ("https", "http"))
    netloc = parts.netloc.rpartition("@")[2]
    return f"{'https' if use_ssl else parts.scheme}://{netloc}"


def host_of(url: str) -> str:
    """Give the host a URL names, for a text; "" when it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
