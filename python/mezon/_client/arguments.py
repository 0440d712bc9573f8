"""What is wrong with the arguments of a client, said when it is made and not when something is lost."""

from __future__ import annotations

import os
from typing import Any

from mezon.errors import InvalidArgumentError
from mezon.options import GatewayOptions

_HERE = "such as host='gw.mezon.ai', port='443', use_ssl=True"


def check_arguments(
    *,
    api_key: Any,
    host: Any,
    use_ssl: Any,
    timeout: Any,
    message_db: Any,
    gateway: Any,
) -> None:
    """Refuse what can only be a mistake, with a sentence each.

    Raises:
        InvalidArgumentError: The first that is wrong. No key is in the text.
    """
    if not isinstance(api_key, str) or not api_key.strip():
        given = "empty" if isinstance(api_key, str) else f"a {type(api_key).__name__}"
        raise InvalidArgumentError(
            f"api_key is the bot's key, a text; here it is {given}. Is its environment variable set? (os.environ[...] "
            "says so, os.getenv(...) gives None)"
        )
    if not isinstance(host, str) or not host.strip():
        raise InvalidArgumentError(f"host is the name of a server, {_HERE}, not {host!r}")
    if "/" in host or "@" in host:
        raise InvalidArgumentError(
            f"host is a name alone, without scheme and path, {_HERE}: http:// or https:// is what use_ssl says"
        )
    # A flag from the environment is an int already checked.
    if not isinstance(use_ssl, bool):
        raise InvalidArgumentError(
            f"use_ssl is True or False, not {use_ssl!r}; every text would count as True"
        )
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise InvalidArgumentError(f"timeout is a number of milliseconds, such as 7000, not {timeout!r}")
    if message_db is True or (isinstance(message_db, int | float) and message_db is not False):
        raise InvalidArgumentError(
            f"message_db is a MessageDB, a path, False for none, or None for the default file, not {message_db!r}"
        )
    if message_db == "" or (isinstance(message_db, os.PathLike) and not os.fspath(message_db)):
        raise InvalidArgumentError(
            "message_db is an empty path; leave it out for the default file, or pass False"
        )
    if gateway is not None and not isinstance(gateway, GatewayOptions):
        raise InvalidArgumentError(
            "gateway takes GatewayOptions(...), such as GatewayOptions(ca_file='ca.pem'), "
            f"not a {type(gateway).__name__}"
        )
