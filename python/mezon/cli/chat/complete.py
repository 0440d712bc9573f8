"""Completion at the prompt: commands, people, channels, buttons and fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from mezon.cli.chat.commands import COMMANDS, Room
from mezon.cli.chat.render import options_of, parts_of


class RoomCompleter(Completer):
    """Tab completes the last word."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Give what the word may become."""
        text = document.text_before_cursor
        word = text.rpartition(" ")[2]
        for choice in sorted(set(self._choices(text, word))):
            if choice.startswith(word) and choice != word:
                yield Completion(choice, start_position=-len(word))

    def _choices(self, text: str, word: str) -> Iterator[str]:
        world = self._room.gateway.world
        people = [user.username for user in world.users.values()]
        command, space, _ = text.partition(" ")
        if not text.startswith("/"):
            yield from ("@" + name for name in people)
        elif not space:
            yield from ("/" + name for name in COMMANDS)
        elif command in ("/as", "/dm"):
            yield from people
        elif command == "/in":
            yield from (channel.label for channel in world.channels.values() if channel.clan_id)
        elif command in ("/click", "/fill", "/select"):
            for part in self._parts():
                yield from self._of(command, part)

    def _parts(self) -> Iterator[dict[str, Any]]:
        for message in reversed(self._room.conversation.messages()):
            if parts := parts_of(message["content"]):
                yield from parts
                return

    def _of(self, command: str, part: dict[str, Any]) -> Iterator[str]:
        name = str(part.get("id"))
        if (part.get("type") == 1) is (command == "/click"):
            yield name + ("=" if command == "/fill" else "")
            if command == "/fill":
                yield from (f"{name}={option.get('value')}" for option in options_of(part))
