"""The body of a message: text, marks, embeds, components."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pydantic import ConfigDict, Field

from mezon.errors import InvalidArgumentError
from mezon.models._base import ByName, Model
from mezon.models.interactive import InteractiveMessageProps, MessageActionRow


class StartEndIndex(ByName, Model):
    """A stretch of the text, from ``s`` to ``e`` (exclusive)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(populate_by_name=True)

    start: int | None = Field(default=None, alias="s")
    end: int | None = Field(default=None, alias="e")


class HashtagOnMessage(StartEndIndex):
    """A channel named in the text."""

    channel_id: int | None = Field(default=None, alias="channelid")


class EmojiOnMessage(StartEndIndex):
    """A custom emoji in the text."""

    emoji_id: int | None = Field(default=None, alias="emojiid")


class LinkOnMessage(StartEndIndex):
    """A link in the text."""


class EMarkdownType(str, Enum):  # noqa: UP042 (str() of a member stays as it was)
    """The kinds of marked text."""

    TRIPLE = "t"
    SINGLE = "s"
    PRE = "pre"
    CODE = "c"
    BOLD = "b"
    LINK = "lk"
    VOICE_LINK = "vk"
    LINK_YOUTUBE = "lk_yt"


class MarkdownOnMessage(StartEndIndex):
    """A stretch of marked text."""

    type: EMarkdownType | None = None


class LinkVoiceRoomOnMessage(StartEndIndex):
    """A link to a voice room in the text."""


if TYPE_CHECKING:
    #: A dict works wherever a model does.
    _Entry: TypeAlias = Mapping[str, Any]


class ChannelMessageContent(ByName, Model):
    """The body of a message. ``text`` or its wire name ``t`` may be used, and so for the other fields.

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
                # A name that is misspelt would be a message without its text.
                names = ", ".join(f"{field.alias or name}" for name, field in known.items())
                raise InvalidArgumentError(
                    f"a message's content has no {', '.join(sorted(wrong))}; it has {names}"
                )
            super().__init__(**fields)

        # What comes from elsewhere (model_validate) is taken as ever: what is unknown is left out.
        __init__.__pydantic_base_init__ = True
