"""The panel State: lists, changes and deletes the bot's stored records."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from mezon.ext._state_backends import Entry, encode_fields, stored_fields
from mezon.ext.state import DEFAULT_FILE, StateStore

#: Seconds to wait for an edit of the bot.
_TIMEOUT: Final = 5.0


class Records:
    """The stored records of the bot, in its file or in Redis.

    Attributes:
        address: The path of the file, or the URL of Redis; None if the state of the bot is in its process only.
    """

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id
        self.address: str | None = None

    def use_default_file(self) -> None:
        """Show the file of a bot that was started in another shell: it does not know the file of the gateway."""
        self.address = str(DEFAULT_FILE)

    async def list(self) -> dict[str, Any]:
        """Return the records by key, and where they are."""
        async with self._open() as store:
            found = [] if store is None else await store.keys()
        return {"place": self._place(), "records": [_view(key, entry) for key, entry in found]}

    async def set(self, key: str, text: str, revision: int) -> None:
        """Store the fields of a record, given as JSON.

        Raises:
            ValueError: If the text is no JSON object, or the record was changed or deleted meanwhile.
        """
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise ValueError(f"this is not valid JSON: {error}") from None
        if not isinstance(fields, dict):
            raise ValueError("a record is a JSON object of fields, such as {}")
        async with self._open() as store:
            if store is None:
                raise _changed(key)
            async with store.lease(key, timeout=_TIMEOUT):
                entry = await store.get(key)
                stored = stored_fields(entry.value) if entry is not None else None
                if entry is None or stored is None or entry.revision != revision:
                    raise _changed(key)
                ttl = None if entry.expires is None else entry.expires - time.time()
                if await store.put(key, encode_fields(stored["v"], fields), revision, ttl) is None:
                    raise _changed(key)

    async def delete(self, key: str, revision: int) -> None:
        """Delete a record.

        Raises:
            ValueError: If the record was changed or deleted meanwhile.
        """
        async with self._open() as store:
            if store is None:
                raise _changed(key)
            async with store.lease(key, timeout=_TIMEOUT):
                if not await store.delete(key, revision):
                    raise _changed(key)

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[StateStore | None]:
        """Open the records; None if nothing has been stored yet, since a look must not create the file."""
        address = self.address
        if address is None or ("://" not in address and not Path(address).is_file()):  # noqa: ASYNC240 (one stat)
            yield None
            return
        async with StateStore(self._bot_id, address) as store:
            yield store

    def _place(self) -> str | None:
        """Return the address without a password."""
        if self.address is None or "://" not in self.address:
            return self.address
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _view(key: str, entry: Entry) -> dict[str, Any]:
    kind, _, rest = key.partition(".")
    scope, _, ids = rest.partition(".")
    stored = stored_fields(entry.value)
    return {
        "key": key,
        "type": kind,
        "scope": scope,
        "ids": ids.split(".") if ids else [],
        "version": stored["v"] if stored is not None else None,
        # As text, because numbers in JavaScript are less precise.
        "text": json.dumps(stored["d"], ensure_ascii=False, indent=2)
        if stored is not None
        else entry.value.decode(errors="replace"),
        "expires": entry.expires,
        "revision": entry.revision,
    }


def _changed(key: str) -> ValueError:
    return ValueError(f"{key} was changed or deleted meanwhile: look at it again")
