"""The download example of docs/guide/files.md: whole files, from hosts it trusts, up to a size."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "files.md"


class Http:
    """An aiohttp session whose answers arrive in chunks of 100,000 bytes."""

    def __init__(self, size: int, status: int = 200) -> None:
        self.size = size
        self.status = status
        self.asked: list[tuple[str, bool]] = []
        self.content = self

    @contextlib.asynccontextmanager
    async def get(self, url: str, *, allow_redirects: bool) -> AsyncIterator[Http]:
        self.asked.append((url, allow_redirects))
        yield self

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        left = self.size
        while left > 0:
            yield bytes(min(left, size, 100_000))
            left -= size


@pytest.fixture
def download() -> Any:
    (block,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
        if "download(" in block
    )
    names: dict[str, Any] = {}
    exec(compile(block, str(PAGE), "exec"), names)
    return names["download"]


async def test_download_is_complete(download: Any) -> None:
    http = Http(3_000_000)
    assert len(await download(http, "https://cdn.mezon.ai/a/b.png")) == 3_000_000
    assert http.asked == [("https://cdn.mezon.ai/a/b.png", False)]


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.mezon.ai/a",
        "https://169.254.169.254/latest",
        "https://cdn.mezon.ai.example/a",
        "https://cdn.mezon.ai@localhost/a",
        "file:///etc/passwd",
        "None",
    ],
)
async def test_untrusted_host_is_not_contacted(download: Any, url: str) -> None:
    http = Http(5)
    assert await download(http, url) is None
    assert http.asked == []


@pytest.mark.parametrize(("size", "status"), [(6 * 1024 * 1024, 200), (5, 302), (5, 404)])
async def test_too_large_or_redirected_file_is_not_read(download: Any, size: int, status: int) -> None:
    assert await download(Http(size, status), "https://cdn.mezon.ai/a") is None
