"""A file that is written next to its final path and renamed when it is complete."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from os import PathLike
from types import TracebackType
from typing import IO, Self

__all__ = ["PartialFile"]


class PartialFile:
    """``async with PartialFile(path) as file: await file.write(part)``. An error removes what was written.

    Attributes:
        size: The number of written bytes.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._file: IO[bytes]
        self.size = 0

    async def __aenter__(self) -> Self:
        folder, name = os.path.split(self._path)
        self._file = await asyncio.to_thread(
            tempfile.NamedTemporaryFile, dir=folder or ".", prefix=f".{name[:64]}.", delete=False
        )
        return self

    async def write(self, part: bytes) -> None:
        """Append bytes, in a thread."""
        await asyncio.to_thread(self._file.write, part)
        self.size += len(part)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not in a thread: a cancelled download must not leave the file behind.
        try:
            self._file.close()
            if kind is None:
                os.replace(self._file.name, self._path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._file.name)
