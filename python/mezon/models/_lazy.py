"""Messages that are decoded when they are read: the core's half is src/py/codec/lazy.rs.

A message from the socket has the fields of `AT_ONCE` in its ``__dict__``, and the bytes of the others. It is the class
that knows how to go on: a field that is not there yet is found on the class, and the ``__dict__`` is whole for whoever
asks. pydantic does all it does by either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mezon import _core

if TYPE_CHECKING:
    from pydantic import BaseModel

#: The ``__dict__`` of a class whose instances may be decoded later.
LazyDict = _core.LazyDict

#: What messages have shown of their senders.
Senders = _core.Senders

#: What one message shows of its sender.
sender_looks = _core.sender_looks

#: The fields of a message that are decoded at once: nearly every handler reads some, and they cost next to nothing.
AT_ONCE: Final = (
    "message_id",
    "clan_id",
    "channel_id",
    "sender_id",
    "create_time_seconds",
    "topic_id",
    "code",
)

#: The field that is decoded by itself, as each of the sender's looks is. The first other read decodes the rest.
ALONE: Final = "content"


def read_later(model: type[BaseModel]) -> None:
    """Let the core leave the fields of a class undecoded; its ``__dict__`` has to be a `LazyDict`."""
    for name in model.model_fields:
        if name not in AT_ONCE:
            setattr(model, name, _core.LazyField(name, alone=name == ALONE))
