"""The TLS settings of HTTP."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    import ssl

__all__ = ["context_for"]


def context_for(ca_file: str | PathLike[str] | None, insecure: bool) -> ssl.SSLContext | None:
    """Give the settings for a CA file beside the system's, or for any certificate; None for the defaults.

    Raises:
        InvalidArgumentError: The file cannot be read.
    """
    if not insecure and ca_file is None:
        return None
    import ssl

    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise InvalidArgumentError(
            f"ca_file: {ca_file} cannot be read as PEM certificates: {error}"
        ) from error
    return context
