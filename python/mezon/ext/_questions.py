"""The open ``ask()`` calls of a bot: a message answers the newest question to its user in its channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mezon.ext._parsing import text_of
from mezon.ext._signatures import convert
from mezon.ext.errors import ArgumentError
from mezon.ext.texts import sentence

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
        """Return the answer in a message.

        Raises:
            ArgumentError: If the message is not a valid answer.
        """
        if message is not self._answered_by:
            self._answer = convert(self._adapter, text_of(message).strip(), sentence("the_answer"))
            self._answered_by = message
        return self._answer


class Questions:
    """The open questions by channel and user, the newest last."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], list[Question]] = {}
        self._last_taken = 0

    @contextmanager
    def ask(self, channel_id: int, user_id: int, adapter: TypeAdapter[Any]) -> Iterator[Question]:
        """Open a question for the duration of the block."""
        key = (channel_id, user_id)
        question = Question(adapter)
        self._open.setdefault(key, []).append(question)
        try:
            yield question
        finally:
            self._close(key, question)

    def takes(self, question: Question, message: ChannelMessage) -> bool:
        """Return whether a message answers a question; a valid answer closes the question.

        The question is closed here rather than by the waiting task: the next message, which belongs to the next
        question, can arrive before that task runs.
        """
        key = (message.channel_id, message.sender_id)
        newest = self._open.get(key, [None])[-1]
        if newest is not question or message.message_id == self._last_taken:
            return False
        self._last_taken = message.message_id
        try:
            question.read(message)
        except ArgumentError:
            return True  # the question stays open, and the waiting task reports the problem to the user
        self._close(key, question)
        return True

    def concerns(self, message: ChannelMessage) -> bool:
        """Return whether a message answers a question, or its user has an open question in the channel."""
        return message.message_id == self._last_taken or (message.channel_id, message.sender_id) in self._open

    def _close(self, key: tuple[int, int], question: Question) -> None:
        questions = self._open.get(key, [])
        if question in questions:
            questions.remove(question)
        if not questions:
            self._open.pop(key, None)
