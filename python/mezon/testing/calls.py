"""What the gateway does with an envelope of a bot: record, check limits, apply faults, answer.

The answers follow the table in docs/protocol.md, "Envelopes and cids".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import rpc
from mezon.testing.connection import Connection, ConnectionRegistry
from mezon.testing.limits import BAD_INPUT, AnswerLoops, Limits, Meter
from mezon.testing.records import Sent

__all__ = ["MUST_JOIN", "CallHandler"]

UNRECOGNIZED_PAYLOAD: Final = 1
MISSING_PAYLOAD: Final = 2

MUST_JOIN: Final = "Must join channel before sending messages"

# Answered with an unchanged copy.
_ECHOED: Final = frozenset(
    {
        "clan_join",
        "message_reaction_event",
        "message_typing_event",
        "last_seen_message_event",
        "last_pin_message_event",
        "custom_status_event",
        "voice_joined_event",
        "voice_leaved_event",
    }
)

_SERVICE: Final = Limits.of_the_service()

_Error = tuple[int, str, Mapping[str, str]]


class CallHandler:
    """Handle the envelopes of all connections, whatever their transport.

    Attributes:
        meter: Counts the frames of each bot.
    """

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._state = registry.state
        self._world = registry.state.world
        self._recorder = registry.recorder
        self._faults = registry.faults
        self.meter: Meter = Meter()
        self._loops = AnswerLoops()

    def handle(self, connection: Connection, sent: Sent) -> None:
        """Handle an envelope; implements ``EnvelopeHandler``."""
        self._recorder.record_sent(sent)
        self.meter.count(connection.user_id, sent.time)
        if self._answers_itself(connection, sent) or self._exceeds_limits(connection, sent):
            return
        seconds, fault = self._faults.for_socket(sent)
        if fault is not None and fault.silent:
            return
        error = fault.error if fault is not None else None
        if seconds > 0:
            connection.spawn(self._answer_later(connection, seconds, sent, error))
        else:
            self._answer(connection, sent, error)

    def _answers_itself(self, connection: Connection, sent: Sent) -> bool:
        """Refuse a message of a bot that has answered its own messages too often, and record that."""
        last = self._world.last_message(sent.channel_id)
        bot_id, limits = connection.user_id, self._state.settings.limits
        refusal = self._loops.check(bot_id, sent, limits, last.sender_id if last is not None else None)
        if refusal is None:
            return False
        self._recorder.record_breach(f"{self._recorder.describe(sent)}: {refusal.text}")
        self._refuse(connection, sent, refusal.code, refusal.text)
        return True

    def _exceeds_limits(self, connection: Connection, sent: Sent) -> bool:
        """Refuse an envelope that exceeds the gateway's limits. Record one that exceeds those of the live service."""
        refusal = connection.enforcer.check(sent, self._state.settings.limits)
        if refusal is not None:
            self._refuse(connection, sent, refusal.code, refusal.text)
            return True
        breach = connection.service_enforcer.check(sent, _SERVICE)
        if breach is not None:
            self._recorder.record_breach(f"{self._recorder.describe(sent)}: {breach.text}")
        return False

    def _refuse(
        self,
        connection: Connection,
        sent: Sent,
        code: int,
        text: str,
        context: Mapping[str, str] | None = None,
    ) -> None:
        if sent.kind == "api_request_event":
            connection.send_api_answer(sent.cid, text.encode(), code)
        else:
            connection.send_error(sent.cid, code, text, context)

    async def _answer_later(
        self, connection: Connection, seconds: float, sent: Sent, error: _Error | None
    ) -> None:
        await asyncio.sleep(seconds)
        await connection.flowing()
        self._answer(connection, sent, error)

    def _answer(self, connection: Connection, sent: Sent, error: _Error | None) -> None:
        if error is not None:
            self._refuse(connection, sent, *error)
            return
        if sent.kind == "pong":  # the answer to a ping that a test has pushed
            return
        handler = getattr(self, f"_on_{sent.kind}", None)
        if handler is not None:
            handler(connection, sent)
        elif sent.kind in _ECHOED:
            connection.send(sent.cid, **{sent.kind: sent.message})
        elif not sent.kind:
            connection.send_error(sent.cid, MISSING_PAYLOAD, "Missing payload")
        else:
            connection.send_error(sent.cid, UNRECOGNIZED_PAYLOAD, "Unrecognized payload")

    # One method for each kind of envelope that is not echoed

    def _on_ping(self, connection: Connection, sent: Sent) -> None:
        connection.send_pong(sent)

    def _on_clan_join(self, connection: Connection, sent: Sent) -> None:
        clan_id = sent.message.clan_id
        if clan_id and clan_id not in self._world.clans:
            connection.send_error(sent.cid, BAD_INPUT, "Clan not found")
            return
        connection.clans.add(clan_id)
        connection.send(sent.cid, clan_join=sent.message)
        self._recorder.notify()

    def _on_channel_join(self, connection: Connection, sent: Sent) -> None:
        channel = self._world.channels.get(sent.message.channel_id)
        if channel is None:
            connection.send_error(sent.cid, BAD_INPUT, "Channel not found")
            return
        connection.channels.add(channel.id)
        bot = self._world.users[connection.user_id]
        presence = realtime_pb2.UserPresence(
            user_id=bot.id, session_id=connection.number, username=bot.username
        )
        clan = self._world.clans.get(channel.clan_id)
        connection.send(
            sent.cid,
            channel=realtime_pb2.Channel(
                id=channel.id,
                presences=[presence],
                self=presence,
                chanel_label=channel.label,
                clan_logo=clan.logo if clan is not None else "",
                category_name=channel.category_name,
            ),
        )
        self._recorder.notify()

    def _on_channel_leave(self, connection: Connection, sent: Sent) -> None:
        connection.channels.discard(sent.message.channel_id)
        connection.send(sent.cid, channel_leave=sent.message)
        self._recorder.notify()

    def _on_channel_message_send(self, connection: Connection, sent: Sent) -> None:
        request: realtime_pb2.ChannelMessageSend = sent.message
        if not self._may_send(connection, sent.cid, request.channel_id):
            return
        ack, message = self._state.accept_message(connection.user_id, request)
        self._recorder.record_made(sent, message.message_id)
        connection.send(sent.cid, channel_message_ack=ack)
        self._registry.broadcast(channel_message=message)

    def _on_ephemeral_message_send(self, connection: Connection, sent: Sent) -> None:
        request: realtime_pb2.ChannelMessageSend = sent.message.message
        if not self._may_send(connection, sent.cid, request.channel_id):
            return
        # Visible only to its receivers: neither broadcast nor part of the history.
        _, message = self._state.accept_message(connection.user_id, request, remember=False)
        self._recorder.record_made(sent, message.message_id)
        connection.send(sent.cid, channel_message=message)
        receivers = list(sent.message.receiver_ids)
        self._recorder.record_published(realtime_pb2.Envelope(channel_message=message), receivers)

    def _on_message_reaction_event(self, connection: Connection, sent: Sent) -> None:
        reaction = api_pb2.MessageReaction()
        reaction.CopyFrom(sent.message)
        reaction.id = reaction.id or self._world.next_id()
        reaction.sender_id = reaction.sender_id or connection.user_id
        connection.send(sent.cid, message_reaction_event=reaction)
        self._registry.broadcast(message_reaction_event=reaction)

    def _on_check_name_existed_event(self, connection: Connection, sent: Sent) -> None:
        event = realtime_pb2.CheckNameExistedEvent()
        event.CopyFrom(sent.message)
        event.exist = any(clan.name == event.name for clan in self._world.clans.values())
        connection.send(sent.cid, check_name_existed_event=event)

    def _on_api_request_event(self, connection: Connection, sent: Sent) -> None:
        event: realtime_pb2.ApiRequestEvent = sent.message
        caller = rpc.Caller(self._registry, connection.user_id)
        try:
            _, answer = rpc.call(caller, event.api_name, event.body)
        except rpc.RpcError as refusal:
            connection.send_api_answer(sent.cid, refusal.message.encode(), refusal.code)
        else:
            connection.send_api_answer(sent.cid, answer.SerializeToString())

    def _may_send(self, connection: Connection, cid: int, channel_id: int) -> bool:
        if channel_id not in self._world.channels:
            connection.send_error(cid, BAD_INPUT, "Channel not found")
        elif self._state.settings.require_join and channel_id not in connection.channels:
            connection.send_error(cid, BAD_INPUT, MUST_JOIN)
        else:
            return True
        return False
