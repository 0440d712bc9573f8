"""Filters: which events a handler wants, decided in the core before Python hears of them (docs/guide/filters.md).

    from mezon import filters

    @client.on_channel_message(filter=filters.prefix("!") | filters.mentions_me)
    async def command(message): ...

Filters are values: combine them with ``&``, ``|`` and ``~``. One that an event cannot have is an
``InvalidArgumentError`` when the handler is registered.
"""

from __future__ import annotations

from typing import Any, Final

from mezon.constants.enum import ChannelStreamMode, TypeMessage
from mezon.filters._spec import ME, Filter, Spec, ids_at, numbers, place, texts

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


def _text(how: str, words: tuple[str, ...], ignore_case: bool) -> Filter:
    spec: Spec = {"text": how, "words": texts(how, words), "fold": bool(ignore_case)}
    return Filter(lambda event, me: spec, f"{how}({', '.join(map(repr, words))})")


def prefix(*words: str, ignore_case: bool = False) -> Filter:
    """Match a text of a message that begins with one of the words."""
    return _text("prefix", words, ignore_case)


def contains(*words: str, ignore_case: bool = False) -> Filter:
    """Match one of the words anywhere in the text. Thousands of words cost no more than one."""
    return _text("contains", words, ignore_case)


def equals(*words: str, ignore_case: bool = False) -> Filter:
    """Match a text that is one of the words, and nothing else."""
    return _text("equals", words, ignore_case)


def regex(pattern: str, *, ignore_case: bool = False) -> Filter:
    """Match a pattern anywhere in the text: the syntax of Rust's ``regex``, in linear time, without look-around
    and back references."""
    return _text("regex", (pattern,), ignore_case)


def sender(*ids: int | str) -> Filter:
    """Match who did it: the sender of a message or reaction, who typed, who pressed a button."""
    return ids_at("sender", numbers("sender", ids))


def user(*ids: int | str) -> Filter:
    """Match whom it is about: who was added to, or removed from, a channel or clan."""
    return ids_at("user", numbers("user", ids))


def channel(*ids: int | str) -> Filter:
    """Match what is in one of these channels."""
    return ids_at("channel", numbers("channel", ids))


def clan(*ids: int | str) -> Filter:
    """Match what is in one of these clans."""
    return ids_at("clan", numbers("clan", ids))


def topic(*ids: int | str) -> Filter:
    """Match what is in one of these topics; without ids, in any topic."""
    return ids_at("topic", numbers("topic", ids)) if ids else ~ids_at("topic", [0])


def code(*codes: int) -> Filter:
    """Match a message of one of these codes (``TypeMessage``)."""
    return ids_at("code", numbers("code", codes))


def emoji(*names: str) -> Filter:
    """Match a reaction with one of these emoji, by their short names."""
    return _string("emoji", names)


def button(*ids: str) -> Filter:
    """Match a button, or a select box, with one of these ids."""
    return _string("button", ids)


def _string(what: str, values: tuple[str, ...]) -> Filter:
    found = texts(what, values)

    def lower(event: str, me: int) -> Spec:
        return {"str": place(event, what)[0], "in": found}

    return Filter(lower, f"{what}({', '.join(map(repr, values))})")


def _item(list_name: str, field: str, ids: list[Any], shown: str) -> Filter:
    return Filter(
        lambda event, me: {
            "list": list_name,
            "field": field,
            "in": [me if one is ME else one for one in ids],
        },
        shown,
    )


def mentions_user(*ids: int | str) -> Filter:
    """Match a message that mentions one of these users."""
    return _item("mentions", "user_id", numbers("mentions_user", ids), f"mentions_user{ids}")


def mentions_role(*ids: int | str) -> Filter:
    """Match a message that mentions one of these roles."""
    return _item("mentions", "role_id", numbers("mentions_role", ids), f"mentions_role{ids}")


#: The message mentions the bot.
mentions_me: Final = _item("mentions", "user_id", [ME], "mentions_me")
#: The message answers one of the bot's.
reply_to_me: Final = _item("references", "message_sender_id", [ME], "reply_to_me")
#: The bot itself did it.
own: Final = ids_at("sender", [ME], "own")
#: In a direct message of two.
dm: Final = ids_at("mode", [int(ChannelStreamMode.STREAM_MODE_DM)], "dm")
#: In a thread.
thread: Final = ids_at("mode", [int(ChannelStreamMode.STREAM_MODE_THREAD)], "thread")
#: The message is an edit of an earlier one.
edited: Final = ids_at("code", [int(TypeMessage.CHAT_UPDATE)], "edited")
#: The message has attachments.
has_attachments: Final = Filter(lambda event, me: {"list": "attachments"}, "has_attachments")
#: The message has an embed.
has_embed: Final = Filter(lambda event, me: {"key": "embed"}, "has_embed")
