"""The acknowledgements of messages, with what the server leaves out of them."""

from __future__ import annotations

from typing import Any

from mezon.models.realtime import ChannelMessageAck


def complete(ack: Any, sent: dict[str, Any]) -> ChannelMessageAck:
    """Complete an acknowledgement with what the server leaves out of it: it was in the call."""
    if not isinstance(ack, ChannelMessageAck):
        # A server that answers with something else has taken the message all the same.
        ack = ChannelMessageAck(code=sent.get("code") or 0)
    answer: ChannelMessageAck = ack
    values = answer.__dict__
    values["channel_id"] = values["channel_id"] or int(sent["channel_id"])
    values["clan_id"] = values["clan_id"] or int(sent["clan_id"] or 0)
    values["mode"] = values["mode"] or sent["mode"]
    values["is_public"] = bool(sent["is_public"])
    return answer


def api_ack(sent: dict[str, Any], code: int) -> ChannelMessageAck:
    """Make the acknowledgement of a change over the API, which has no answer of its own."""
    return ChannelMessageAck(
        channel_id=int(sent["channel_id"]),
        mode=sent["mode"],
        message_id=int(sent["message_id"]),
        code=code,
        username="",
        clan_id=int(sent["clan_id"] or 0),
        is_public=bool(sent["is_public"]),
    )
