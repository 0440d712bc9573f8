"""The content of a message: text, markup, embeds, components."""

import warnings
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from pydantic import AliasChoices, ConfigDict, Field

from mezon.errors import InvalidArgumentError
from mezon.models._base import ByName, Model
from mezon.models.interactive import InteractiveMessageProps, MessageActionRow


class StartEndIndex(ByName, Model):
    """A span of the text, from ``s`` to ``e`` (exclusive)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(populate_by_name=True)

    start: int | None = Field(default=None, alias="s")
    end: int | None = Field(default=None, alias="e")


class HashtagOnMessage(StartEndIndex):
    """A channel in the text."""

    channel_id: int | None = Field(
        default=None,
        alias="channelid",
        validation_alias=AliasChoices("channelId", "channelid"),
        serialization_alias="channelId",
    )


class EmojiOnMessage(StartEndIndex):
    """A custom emoji in the text."""

    emoji_id: int | None = Field(default=None, alias="emojiid")


class LinkOnMessage(StartEndIndex):
    """A link in the text. It is sent as a span of ``markdown``: the web client does not draw the list of links."""


class EMarkdownType(str, Enum):  # noqa: UP042 (keeps str() of a member)
    """The kinds of markup."""

    TRIPLE = "t"
    SINGLE = "s"
    PRE = "pre"
    CODE = "c"
    BOLD = "b"
    LINK = "lk"
    VOICE_LINK = "vk"
    LINK_YOUTUBE = "lk_yt"
    LINK_FACEBOOK = "lk_fb"
    LINK_TIKTOK = "lk_tt"
    LINK_PREVIEW = "lk_ogp"


class MarkdownOnMessage(StartEndIndex):
    """A span with markup. ``language`` is that of a code block."""

    type: EMarkdownType | None = None
    language: str | None = None


class LinkVoiceRoomOnMessage(StartEndIndex):
    """A link to a voice room in the text."""


if TYPE_CHECKING:
    #: A dict is accepted in place of a model.
    _Entry: TypeAlias = Mapping[str, Any]


#: Parameters of a send that are not part of the content, by all their names in mezon-sdk and on the wire.
_SEND_PARAMETERS: Final = frozenset(
    {
        "anonymous_message",
        "attachments",
        "code",
        "files",
        "mention_everyone",
        "mentions",
        "references",
        "topic_id",
    }
)


def _refuse_or_warn(known: Mapping[str, Any], given: Set[str], wrong: list[str]) -> None:
    """Warn about unknown fields, which mezon-sdk ignores silently.

    Raises:
        InvalidArgumentError: If all fields are unknown: the message would be empty.
    """
    misplaced = [name for name in wrong if name in _SEND_PARAMETERS]
    hint = f"; pass {', '.join(misplaced)} to send() or reply() beside the content" if misplaced else ""
    names = ", ".join(field.alias or name for name, field in known.items())
    sentence = f"a message's content has no {', '.join(wrong)}; it has {names}{hint}"
    if len(wrong) == len(given):
        raise InvalidArgumentError(sentence)
    warnings.warn(f"ignored: {sentence}", UserWarning, stacklevel=3)


class ChannelMessageContent(ByName, Model):
    """The content of a message. Each field can be given by its name, such as ``text``, or its wire name, such as ``t``.

    ```python
    from mezon import ChannelMessageContent

    await channel.send(ChannelMessageContent(text="hello", embed=[{"title": "A card", "description": "Below it"}]))
    ```
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(populate_by_name=True)

    text: str | None = Field(default=None, alias="t")
    content_thread: str | None = Field(default=None, alias="contentThread")
    hashtags: list[HashtagOnMessage] | None = Field(default=None, alias="hg")
    emojis: list[EmojiOnMessage] | None = Field(default=None, alias="ej")
    links: list[LinkOnMessage] | None = Field(default=None, alias="lk")
    markdown: list[MarkdownOnMessage] | None = Field(default=None, alias="mk")
    voice_links: list[LinkVoiceRoomOnMessage] | None = Field(default=None, alias="vk")
    embed: list[InteractiveMessageProps] | None = None
    components: list[MessageActionRow] | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            t: str | None = ...,
            text: str | None = ...,
            contentThread: str | None = ...,
            content_thread: str | None = ...,
            hg: Sequence[HashtagOnMessage | _Entry] | None = ...,
            hashtags: Sequence[HashtagOnMessage | _Entry] | None = ...,
            ej: Sequence[EmojiOnMessage | _Entry] | None = ...,
            emojis: Sequence[EmojiOnMessage | _Entry] | None = ...,
            lk: Sequence[LinkOnMessage | _Entry] | None = ...,
            links: Sequence[LinkOnMessage | _Entry] | None = ...,
            mk: Sequence[MarkdownOnMessage | _Entry] | None = ...,
            markdown: Sequence[MarkdownOnMessage | _Entry] | None = ...,
            vk: Sequence[LinkVoiceRoomOnMessage | _Entry] | None = ...,
            voice_links: Sequence[LinkVoiceRoomOnMessage | _Entry] | None = ...,
            embed: Sequence[InteractiveMessageProps | _Entry] | None = ...,
            components: Sequence[MessageActionRow | _Entry] | None = ...,
        ) -> None: ...
    else:

        def __init__(self, /, **fields: Any) -> None:
            known = type(self).model_fields
            wrong = fields.keys() - known.keys() - {field.alias for field in known.values()}
            if wrong:
                _refuse_or_warn(known, fields.keys(), sorted(wrong))
            super().__init__(**fields)

        # model_validate does not call this constructor, and still ignores unknown fields.
        __init__.__pydantic_base_init__ = True
