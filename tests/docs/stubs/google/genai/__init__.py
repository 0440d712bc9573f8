"""The part of the package `google-genai` that docs/guide/ai.md uses, with an answer of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass
class Response:
    text: str | None


class Models:
    async def generate_content_stream(self, *, model: str, contents: str) -> AsyncIterator[Response]:
        assert contents == "why?"
        return responses()


async def responses() -> AsyncIterator[Response]:
    for text in ("Be", None, "cause."):
        yield Response(text)


class AsyncClient:
    models = Models()


class Client:
    aio = AsyncClient()

    def __init__(self, *, api_key: str) -> None: ...
