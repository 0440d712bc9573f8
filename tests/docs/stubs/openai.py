"""The part of the package `openai` that docs/guide/ai.md uses, with an answer of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Delta:
    content: str | None


@dataclass
class Choice:
    delta: Delta


@dataclass
class Chunk:
    choices: list[Choice]


class Completions:
    async def create(
        self, *, model: str, messages: list[dict[str, Any]], stream: bool
    ) -> AsyncIterator[Chunk]:
        assert stream
        assert messages[-1]["content"].endswith("why?")
        return chunks()


async def chunks() -> AsyncIterator[Chunk]:
    for text in ("Be", None, "cause."):
        yield Chunk([Choice(Delta(text))])
    yield Chunk([])


class Chat:
    completions = Completions()


class AsyncOpenAI:
    chat = Chat()

    def __init__(self, *, base_url: str | None = None, api_key: str | None = None) -> None: ...
