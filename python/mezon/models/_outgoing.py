"""A message on its way out, as one value.

Everything that a bot's author can say of a message when it is sent stands here once. The methods that are public by
the reference's contract repeat it in their signatures, and ``tests/unit/test_outgoing.py`` holds them to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mezon.models._body import encode_content, mentions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.models._body import Content
    from mezon.models.parts import ApiMessageAttachment, ApiMessageMention, ApiMessageRef


@dataclass
class OutgoingMessage:
    """What ``Socket.write_chat_message`` takes, by the same names and in the same order.

    Every name is that of a field of the schema's ``ChannelMessageSend``. ``vars(message)`` are the keywords of such
    a method.
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
        """Give the fields of the schema, with the content as its JSON and the mentions that a ``Text`` brings.

        Raises:
            InvalidArgumentError: If the content is nothing that can be sent.
        """
        return {
            **vars(self),
            "content": encode_content(self.content),
            "mentions": mentions_of(self.content, self.mentions),
        }
