"""The open ``ask()`` calls of a bot: an answer belongs to the newest one of its user in its channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mezon.ext._arguments import convert
from mezon.ext._words import text_of
from mezon.ext.errors import ArgumentError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from mezon import ChannelMessage


class Question:
    """A question to a user in a channel."""

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        self._adapter = adapter
        self._answered_by: ChannelMessage | None = None
        self._answer: Any = None

    def read(self, message: ChannelMessage) -> Any:
        """Return the value of a message.

        Raises:
            ArgumentError: If the message is no such value.
        """
        if message is not self._answered_by:
            self._answer = convert(self._adapter, text_of(message).strip(), "The answer")
            self._answered_by = message
        return self._answer


class Questions:
    """The open questions by channel and user, the newest last."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], list[Question]] = {}
        self._last_taken = 0

    @contextmanager
    def ask(self, channel_id: int, user_id: int, adapter: TypeAdapter[Any]) -> Iterator[Question]:
        """Open a question for the time of the block."""
        key = (channel_id, user_id)
        question = Question(adapter)
        self._open.setdefault(key, []).append(question)
        try:
            yield question
        finally:
            self._close(key, question)

    def takes(self, question: Question, message: ChannelMessage) -> bool:
        """Say whether a message belongs to a question. A valid answer closes it: the next message is for another.

        The question is closed here, not when its task runs: a second message may arrive before that.
        """
        key = (message.channel_id, message.sender_id)
        newest = self._open.get(key, [None])[-1]
        if newest is not question or message.message_id == self._last_taken:
            return False
        self._last_taken = message.message_id
        try:
            question.read(message)
        except ArgumentError:
            return True  # the question stays open; its task tells the user what is wrong
        self._close(key, question)
        return True

    def _close(self, key: tuple[int, int], question: Question) -> None:
        known = self._open.get(key, [])
        if question in known:
            known.remove(question)
        if not known:
            self._open.pop(key, None)
