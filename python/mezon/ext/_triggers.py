"""Which messages can call a command: the one place that will tell the core what commands need."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

from mezon import InvalidArgumentError, TypeMessage, filters
from mezon.ext._words import marks_of

if TYPE_CHECKING:
    from mezon import ChannelMessage

#: What users write; other codes are notices of the service.
_WRITTEN: Final = frozenset({TypeMessage.CHAT, TypeMessage.TOPIC, TypeMessage.MESSAGE_BUZZ})


class Triggers:
    """What a message begins with to be a command.

    Attributes:
        prefixes: Texts; the longest that fits counts.
        mention: Whether a mention of the bot does as well.
        own_messages: Whether the bot's own messages count.
        edits: Whether edits count.
    """

    def __init__(
        self, bot_id: int, prefix: str | Sequence[str], mention: bool, own_messages: bool, edits: bool
    ) -> None:
        given = [prefix] if isinstance(prefix, str) else list(prefix or ())
        if any(not isinstance(one, str) for one in given) or not (any(given) or mention):
            raise InvalidArgumentError(
                f"the prefix of commands is a text such as '!', or several, not {prefix!r}"
            )
        self.prefixes: list[str] = [one for one in given if one]
        self.mention = mention
        self.own_messages = own_messages
        self.edits = edits
        self._bot_id = bot_id
        self._by_length = sorted(self.prefixes, key=len, reverse=True)

    def check_names(self, names: Sequence[str]) -> None:
        """Refuse a command that is named with its prefix: nobody would type it twice.

        Raises:
            InvalidArgumentError: With how it is named.
        """
        for prefix in self.prefixes:
            for name in names:
                if not prefix.isalnum() and name.startswith(prefix):
                    raise InvalidArgumentError(
                        f"a command is named without the prefix: {name.removeprefix(prefix)!r}, not {name!r}"
                    )

    def filter(self) -> filters.Filter:
        """Describe the messages that can call a command, for the core; `start_of` says which of them do."""
        codes = _WRITTEN | ({TypeMessage.CHAT_UPDATE} if self.edits else frozenset())
        begins = [filters.prefix(*self.prefixes)] if self.prefixes else []
        mentions = [filters.mentions_me] if self.mention else []
        wanted = reduce(or_, begins + mentions) & filters.code(*codes)
        return wanted if self.own_messages else wanted & ~filters.own

    def start_of(self, message: ChannelMessage, text: str) -> int | None:
        """Say where the name of a command begins in the text of a message; None if it calls none."""
        place = next((len(one) for one in self._by_length if text.startswith(one)), None)
        if place is None and self.mention and message.mentions:
            place = self._after_mention(message, text)
        if place is None or place >= len(text) or text[place:].isspace():
            return None
        code = message.code or 0
        if code not in _WRITTEN and not (self.edits and code == TypeMessage.CHAT_UPDATE):
            return None
        if message.sender_id == self._bot_id and not self.own_messages:
            return None
        return place

    def _after_mention(self, message: ChannelMessage, text: str) -> int | None:
        if not any(one.user_id == self._bot_id for one in message.mentions):
            return None
        start = len(text) - len(text.lstrip())
        for mark in marks_of(message, text):
            if mark.start == start and mark.kind == "user" and mark.id == self._bot_id:
                return mark.end
        return None
