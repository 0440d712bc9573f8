"""Messages that the bot sends: their content as JSON, their fields, and their limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from json.encoder import encode_basestring
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from mezon.errors import InvalidArgumentError
from mezon.utils.bounds import check_fields
from mezon.utils.text import TextBody, utf16_length
from mezon.utils.user_code import warn_of_coroutine

if TYPE_CHECKING:
    from mezon.models.parts import ApiMessageAttachment, ApiMessageMention, ApiMessageRef

#: The content of a message: text, a ``Text``, a dict, or a model such as ``ChannelMessageContent``.
Content: TypeAlias = "str | TextBody | Mapping[str, Any] | BaseModel"

#: A file to upload: a path, bytes, or a pair of a name and bytes.
File: TypeAlias = "str | PathLike[str] | bytes | tuple[str, bytes]"


class SendOptions(TypedDict, total=False):
    """The keyword arguments of ``TextChannel.send``, ``Message.reply`` and the methods that call them.

    ```python
    from typing import Unpack

    from mezon import ChannelMessageAck, SendOptions
    from mezon.ext.commands import Context

    async def answer(ctx: Context, text: str, **options: Unpack[SendOptions]) -> ChannelMessageAck:
        return await ctx.reply(f"Answer: {text}", **options)
    ```

    Attributes:
        mentions: The mentions.
        attachments: Files that are already uploaded.
        mention_everyone: Mention all members of the channel.
        anonymous_message: Hide the sender.
        topic_id: The id of the topic.
        code: The code of the message.
        files: Files to upload and attach: paths, bytes, or pairs of a name and bytes.
    """

    mentions: list[ApiMessageMention] | None
    attachments: list[ApiMessageAttachment] | None
    mention_everyone: bool | None
    anonymous_message: bool | None
    topic_id: int | None
    code: int | None
    files: Sequence[File] | None


class EditOptions(TypedDict, total=False):
    """The keyword arguments of ``Message.update`` and the methods that call it.

    Attributes:
        mentions: The new mentions.
        attachments: The new attachments.
        hide_edited: Do not mark the message as edited. Has no effect on a message that only its receivers see.
    """

    mentions: list[ApiMessageMention] | None
    attachments: list[ApiMessageAttachment] | None
    hide_edited: bool


class ReactOptions(TypedDict, total=False):
    """The keyword arguments of ``Message.react`` and the methods that call it.

    Attributes:
        id: The id of an existing reaction.
        action_delete: Remove the reaction.
    """

    id: int | None
    action_delete: bool


class DirectOptions(TypedDict, total=False):
    """The keyword arguments of ``User.send_dm_message`` and the methods that call it.

    Attributes:
        code: The code of the message.
        attachments: Files that are already uploaded.
        files: Files to upload and attach: paths, bytes, or pairs of a name and bytes.
    """

    code: int
    attachments: list[ApiMessageAttachment] | None
    files: Sequence[File] | None


class EphemeralOptions(TypedDict, total=False):
    """The keyword arguments of ``TextChannel.send_ephemeral`` and the methods that call it.

    Attributes:
        reference_message_id: The id of the message to reply to.
        mentions: The mentions.
        attachments: Files that are already uploaded.
        mention_everyone: Mention all members of the channel.
        anonymous_message: Hide the sender.
        topic_id: The id of the topic.
        code: The code of the message.
    """

    reference_message_id: int | str | None
    mentions: list[ApiMessageMention] | None
    attachments: list[ApiMessageAttachment] | None
    mention_everyone: bool | None
    anonymous_message: bool | None
    topic_id: int | None
    code: int


@dataclass
class OutgoingMessage:
    """The arguments of ``Socket.write_chat_message``, by the same names and in the same order.

    Each name is a field of ``ChannelMessageSend`` in the schema. ``vars(message)`` are the keyword arguments. The
    methods whose signatures the reference fixes repeat these fields, which ``tests/unit/test_outgoing.py`` checks.
    """

    clan_id: int
    channel_id: int
    mode: int
    is_public: bool
    content: Content
    mentions: Sequence[ApiMessageMention] | None = None
    attachments: Sequence[ApiMessageAttachment] | None = None
    references: Sequence[ApiMessageRef] | None = None
    anonymous_message: bool | None = None
    mention_everyone: bool | None = None
    avatar: str | None = None
    code: int | None = None
    topic_id: int | None = None

    def fields(self) -> dict[str, Any]:
        """Return the fields of the schema, with the content as JSON and the mentions of a ``Text`` included.

        Raises:
            InvalidArgumentError: If the content cannot be sent.
        """
        return {
            **vars(self),
            "content": encode_content(self.content),
            "mentions": mentions_of(self.content, self.mentions),
        }


def mentions_of(
    content: Content | None, mentions: Sequence[ApiMessageMention] | None
) -> Sequence[ApiMessageMention] | None:
    """Return the mentions to send: those in a ``Text`` and those that were passed.

    Raises:
        InvalidArgumentError: If one of them is not a mention.
    """
    for mention in mentions or ():
        if not isinstance(mention, BaseModel | Mapping):
            raise InvalidArgumentError(
                f"a mention must be an ApiMessageMention(user_id=..., s=0, e=5) or such a dict, not {mention!r}: "
                "a name alone identifies neither the user nor the position in the text"
            )
    if not isinstance(content, TextBody) or not (contained := content.mentions):
        return mentions
    return [*contained, *(mentions or ())]


def require_content(content: Content | None) -> None:
    """Refuse a message without content, and warn of a text with a coroutine in place of its result.

    Raises:
        InvalidArgumentError: If ``content`` is None.
    """
    if content is None:
        raise InvalidArgumentError(
            "there is nothing to send: the content is None. Does a function lack a return statement?"
        )
    if isinstance(content, str) and "<coroutine object " in content:
        warn_of_coroutine(content)


# ---- JSON


def encode_content(content: Content | None) -> str:
    """Return the compact JSON text of ``content``: a str becomes ``{"t": ...}``, None becomes ``{}``.

    Entries that are None are omitted, also in nested dicts and models. Ids are strings, links are spans of ``mk``, and
    sizes of images are numbers, whatever ``content`` has: Mezon's apps read nothing else.

    Raises:
        InvalidArgumentError: If ``content`` has another type or contains a value that JSON cannot represent.
    """
    try:
        if isinstance(content, str):
            content.encode()  # a lone surrogate fails here
            return f'{{"t":{encode_basestring(content)}}}'
        text = str(to_json(_as_dict(content), inf_nan_mode="null"), "utf-8")
    except (PydanticSerializationError, UnicodeEncodeError):
        return _encode_escaped(_as_dict(content))
    # Neither serializer omits the None entries of a dict, and both write null for NaN and infinity.
    return _encode_without_nulls(_as_dict(content)) if "null" in text else text


def received_content(content: Content | None) -> dict[str, Any]:
    """Return ``content`` as a receiver gets it: plain JSON values only.

    Raises:
        InvalidArgumentError: As for ``encode_content``.
    """
    if isinstance(content, str):
        return {"t": str(content)}
    received: dict[str, Any] = json.loads(encode_content(content))
    return received


def _as_dict(content: Content | None) -> dict[str, Any]:
    """Return ``content`` as a dict by wire names; its values can still be models."""
    if isinstance(content, str):
        return {"t": str(content)}
    if isinstance(content, BaseModel):
        return _for_apps(content.model_dump(by_alias=True, exclude_none=True))
    if isinstance(content, TextBody):
        return _for_apps(content.content)
    if isinstance(content, Mapping):
        return _for_apps(dict(content))
    if content is None:
        return {}
    raise InvalidArgumentError(
        "the content of a message must be a str, a Text, a dict or a ChannelMessageContent, "
        f"not {type(content).__name__}"
    )


#: Lists of links, which the web client does not draw -> the type of their spans in ``mk``, which it does.
_LINKS: Final = {"lk": "lk", "lky": "lk_yt"}

_REWRITTEN: Final = frozenset({"hg", "ej", "embed", *_LINKS})


def _for_apps(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content in the form that all of Mezon's apps read (docs/protocol.md, "Message content")."""
    if _REWRITTEN.isdisjoint(content):
        return content
    for key in ("hg", "ej"):
        if isinstance(spans := content.get(key), list | tuple):
            content[key] = [_with_text_ids(span) for span in spans]
    for key, kind in _LINKS.items():
        if (spans := content.get(key)) and isinstance(spans, list | tuple):
            del content[key]
            links = [{"type": kind, **span} if isinstance(span, Mapping) else span for span in _plain(spans)]
            content["mk"] = [*(content.get("mk") or ()), *links]
    if isinstance(embeds := content.get("embed"), list | tuple):
        content["embed"] = [_with_numeric_sizes(embed) for embed in embeds]
    return content


def _with_text_ids(span: Any) -> Any:
    span = _plain(span)
    if not isinstance(span, dict):
        return span
    if (channel_id := span.pop("channelid", None)) is not None:
        span.setdefault("channelId", channel_id)
    # JavaScript rounds large numbers.
    ids = {key: str(span[key]) for key in ("channelId", "emojiid") if isinstance(span.get(key), int)}
    return {**span, **ids}


def _with_numeric_sizes(embed: Any) -> Any:
    if isinstance(embed, BaseModel):
        embed = _plain(embed)
    if not isinstance(embed, Mapping):
        return embed
    changed = {}
    for name in ("image", "thumbnail"):
        media = _plain(embed.get(name))
        if isinstance(media, Mapping) and any(
            isinstance(media.get(side), str) for side in ("width", "height")
        ):
            sizes = {side: pixels(media.get(side)) for side in ("width", "height")}
            changed[name] = {**media, **sizes}
    return {**embed, **changed} if changed else embed


def pixels(size: float | str | None) -> float | None:
    """Return the size of an image in pixels: a number, or a text such as ``10`` or ``10px``. None for other texts."""
    if not isinstance(size, str):
        return size
    number = size.strip().removesuffix("px")
    return int(number) if len(number) <= 6 and number.isascii() and number.isdigit() else None


def _plain(value: Any) -> Any:
    """Return ``value`` with models as dicts and without entries that are None."""
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True, exclude_none=True)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _encode_without_nulls(value: dict[str, Any]) -> str:
    plain = _plain(value)
    text = str(to_json(plain, inf_nan_mode="constants"), "utf-8")
    return _encode_escaped(plain) if "NaN" in text or "Infinity" in text else text


def _encode_escaped(value: dict[str, Any]) -> str:
    """Encode with the standard library: it escapes lone surrogates and is strict about everything else."""
    try:
        return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"the content of a message must be JSON: {error}") from error


# ---- limits


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLimits:
    """The limits of one message; None for no limit.

    The limit of the content is that of the official TypeScript SDK. The server's limits of attachments and mentions are
    unknown: the defaults are far above normal use, and stop a message that a faulty loop has filled.

    ```python
    from mezon import MessageLimits, MezonClient

    client = MezonClient(bot_id, key, limits=MessageLimits(attachments=10))
    ```

    Attributes:
        content: UTF-16 units of the content as JSON: text, markup, embeds and components together.
        attachments: Number of attachments.
        mentions: Number of mentions.

    Raises:
        InvalidArgumentError: If a limit is negative or not an int.
    """

    content: int | None = 4000
    attachments: int | None = 50
    mentions: int | None = 100

    def __post_init__(self) -> None:
        check_fields(self, {"content", "attachments", "mentions"})

    def check(self, content: str, mentions: Sized | None, attachments: Sized | None) -> None:
        """Refuse a message that exceeds a limit. ``content`` is the encoded content.

        Raises:
            InvalidArgumentError: With the limit that is exceeded.
        """
        # A text of n characters has at least n and at most 2n UTF-16 units.
        if self.content is not None and 2 * len(content) > self.content:
            length = utf16_length(content)
            if length > self.content:
                raise InvalidArgumentError(
                    f"the content of a message may take {self.content} UTF-16 units as JSON, this takes {length}: "
                    "split it with mezon.split_text, or send it with channel.send_long (the limit is "
                    "MessageLimits.content)"
                )
        _check_count("attachments", attachments, self.attachments)
        _check_count("mentions", mentions, self.mentions)


def _check_count(what: str, items: Any, limit: int | None) -> None:
    if limit is not None and items is not None and len(items) > limit:
        raise InvalidArgumentError(
            f"a message may have {limit} {what}, this has {len(items)}: send several messages (the limit is "
            f"MessageLimits.{what})"
        )
