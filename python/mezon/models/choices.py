"""The click on a button, as a type: the protobuf message with what a click can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezon.models._answers import FormAnswers
    from mezon.protobuf.rtapi.realtime_pb2 import MessageButtonClicked

    class ButtonClicked(FormAnswers, MessageButtonClicked):
        """Somebody pressed a button: ``mezon.protobuf.rtapi.realtime_pb2.MessageButtonClicked`` with answers."""


def __getattr__(name: str) -> Any:
    # At run time it is the class of protobuf itself, which is imported when somebody needs it.
    if name == "ButtonClicked":
        from mezon.models._answers import equip
        from mezon.protobuf.rtapi.realtime_pb2 import MessageButtonClicked

        equip(MessageButtonClicked)
        return MessageButtonClicked
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
