"""Filters select the events of a handler. The core evaluates them before it passes an event to Python.

    from mezon import filters

    @client.on_channel_message(filter=filters.prefix("!") | filters.mentions_me)
    async def command(message): ...

Combine filters with ``&``, ``|`` and ``~``. A filter that does not apply to the event raises ``InvalidArgumentError``
when the handler is registered. See docs/guide/filters.md.
"""

from __future__ import annotations

from typing import Final

from mezon.constants.enum import ChannelStreamMode, TypeMessage
from mezon.filters._program import ME, Filter, check_ids, has_id, has_item, has_string, has_text

__all__ = [
    "Filter",
    "button",
    "channel",
    "clan",
    "code",
    "contains",
    "dm",
    "edited",
    "emoji",
    "equals",
    "has_attachments",
    "has_embed",
    "mentions_me",
    "mentions_role",
    "mentions_user",
    "own",
    "prefix",
    "regex",
    "reply_to_me",
    "sender",
    "thread",
    "topic",
    "user",
]


def prefix(*words: str, ignore_case: bool = False) -> Filter:
    """Match messages whose text begins with one of the words."""
    return has_text("prefix", words, ignore_case)


def contains(*words: str, ignore_case: bool = False) -> Filter:
    """Match messages whose text contains one of the words. Thousands of words cost no more than one."""
    return has_text("contains", words, ignore_case)


def equals(*words: str, ignore_case: bool = False) -> Filter:
    """Match messages whose whole text is one of the words."""
    return has_text("equals", words, ignore_case)


def regex(pattern: str, *, ignore_case: bool = False) -> Filter:
    """Match messages whose text contains a match of a regular expression.

    The syntax is that of Rust's ``regex`` crate: linear time, without look-around and backreferences.
    """
    return has_text("regex", (pattern,), ignore_case)


def sender(*ids: int | str) -> Filter:
    """Match events caused by one of these users: who sent a message or reaction, typed, or clicked a button."""
    return has_id("sender", check_ids("sender", ids))


def user(*ids: int | str) -> Filter:
    """Match events about one of these users: who was added to, or removed from, a channel or clan."""
    return has_id("user", check_ids("user", ids))


def channel(*ids: int | str) -> Filter:
    """Match events in one of these channels."""
    return has_id("channel", check_ids("channel", ids))


def clan(*ids: int | str) -> Filter:
    """Match events in one of these clans."""
    return has_id("clan", check_ids("clan", ids))


def topic(*ids: int | str) -> Filter:
    """Match events in one of these topics; without ids, in any topic."""
    return has_id("topic", check_ids("topic", ids)) if ids else ~has_id("topic", [0])


def code(*codes: int) -> Filter:
    """Match messages with one of these codes (``TypeMessage``)."""
    return has_id("code", check_ids("code", codes))


def emoji(*names: str) -> Filter:
    """Match reactions with one of these emoji, by their short names."""
    return has_string("emoji", names)


def button(*ids: str) -> Filter:
    """Match clicks on a button, and selections in a select box, with one of these ids."""
    return has_string("button", ids)


def mentions_user(*ids: int | str) -> Filter:
    """Match messages that mention one of these users."""
    return has_item("mentions", "user_id", check_ids("mentions_user", ids), f"mentions_user{ids}")


def mentions_role(*ids: int | str) -> Filter:
    """Match messages that mention one of these roles."""
    return has_item("mentions", "role_id", check_ids("mentions_role", ids), f"mentions_role{ids}")


#: Match messages that mention the bot.
mentions_me: Final = has_item("mentions", "user_id", [ME], "mentions_me")
#: Match messages that reply to a message of the bot.
reply_to_me: Final = has_item("references", "message_sender_id", [ME], "reply_to_me")
#: Match events caused by the bot itself.
own: Final = has_id("sender", [ME], "own")
#: Match events in a direct message channel of two users.
dm: Final = has_id("mode", [int(ChannelStreamMode.STREAM_MODE_DM)], "dm")
#: Match events in a thread.
thread: Final = has_id("mode", [int(ChannelStreamMode.STREAM_MODE_THREAD)], "thread")
#: Match messages that are edits of earlier messages.
edited: Final = has_id("code", [int(TypeMessage.CHAT_UPDATE)], "edited")
#: Match messages with attachments.
has_attachments: Final = Filter(lambda event, me: {"list": "attachments"}, "has_attachments")
#: Match messages with an embed.
has_embed: Final = Filter(lambda event, me: {"key": "embed"}, "has_embed")
