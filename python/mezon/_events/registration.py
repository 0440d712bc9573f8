"""The ways to register a handler on a client.

Each returns the handler, so each is a decorator too. Handlers may be ordinary functions, coroutine functions or
any callable; they get one argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from mezon._events.every_event import EveryEvent
from mezon._events.names import warn_of_slip
from mezon.constants.enum import Events

if TYPE_CHECKING:
    from mezon.models import (
        AIAgentSessionEndedEvent,
        AIAgentSessionStartedEvent,
        AIAgentSessionSummaryDoneEvent,
        ChannelCreatedEvent,
        ChannelDeletedEvent,
        ChannelMessage,
        ChannelUpdatedEvent,
        DropdownBoxSelected,
        GiveCoffeeEvent,
        NotificationEvent,
        StreamingJoinedEvent,
        StreamingLeavedEvent,
        TokenSentEvent,
        UserChannelAddedEvent,
        UserChannelRemoved,
        UserClanRemovedEvent,
        VoiceEndedEvent,
        VoiceJoinedEvent,
        VoiceLeavedEvent,
        VoiceStartedEvent,
    )
    from mezon.models.choices import ButtonClicked
    from mezon.options import Disconnect, Gap
    from mezon.protobuf.api import api_pb2
    from mezon.protobuf.rtapi import realtime_pb2

H = TypeVar("H", bound=Callable[..., Any])
_Message = TypeVar("_Message", bound="Callable[[ChannelMessage], Any]")
_Created = TypeVar("_Created", bound="Callable[[ChannelCreatedEvent], Any]")
_Updated = TypeVar("_Updated", bound="Callable[[ChannelUpdatedEvent], Any]")
_Deleted = TypeVar("_Deleted", bound="Callable[[ChannelDeletedEvent], Any]")
_Token = TypeVar("_Token", bound="Callable[[TokenSentEvent], Any]")
_Reaction = TypeVar("_Reaction", bound="Callable[[api_pb2.MessageReaction], Any]")
_UserRemoved = TypeVar("_UserRemoved", bound="Callable[[UserChannelRemoved], Any]")
_UserAdded = TypeVar("_UserAdded", bound="Callable[[UserChannelAddedEvent], Any]")
_ClanLeft = TypeVar("_ClanLeft", bound="Callable[[UserClanRemovedEvent], Any]")
_Coffee = TypeVar("_Coffee", bound="Callable[[GiveCoffeeEvent], Any]")
_Role = TypeVar("_Role", bound="Callable[[realtime_pb2.RoleEvent], Any]")
_RoleAssign = TypeVar("_RoleAssign", bound="Callable[[realtime_pb2.RoleAssignedEvent], Any]")
_ClanEvent = TypeVar("_ClanEvent", bound="Callable[[api_pb2.CreateEventRequest], Any]")
_Button = TypeVar("_Button", bound="Callable[[ButtonClicked], Any]")
_StreamJoined = TypeVar("_StreamJoined", bound="Callable[[StreamingJoinedEvent], Any]")
_StreamLeaved = TypeVar("_StreamLeaved", bound="Callable[[StreamingLeavedEvent], Any]")
_Dropdown = TypeVar("_Dropdown", bound="Callable[[DropdownBoxSelected], Any]")
_Webrtc = TypeVar("_Webrtc", bound="Callable[[realtime_pb2.WebrtcSignalingFwd], Any]")
_VoiceStarted = TypeVar("_VoiceStarted", bound="Callable[[VoiceStartedEvent], Any]")
_VoiceEnded = TypeVar("_VoiceEnded", bound="Callable[[VoiceEndedEvent], Any]")
_VoiceJoined = TypeVar("_VoiceJoined", bound="Callable[[VoiceJoinedEvent], Any]")
_VoiceLeaved = TypeVar("_VoiceLeaved", bound="Callable[[VoiceLeavedEvent], Any]")
_QuickMenu = TypeVar("_QuickMenu", bound="Callable[[realtime_pb2.QuickMenuDataEvent], Any]")
_AgentEnabled = TypeVar("_AgentEnabled", bound="Callable[[realtime_pb2.AIAgentEnabledEvent], Any]")
_AgentStarted = TypeVar("_AgentStarted", bound="Callable[[AIAgentSessionStartedEvent], Any]")
_AgentEnded = TypeVar("_AgentEnded", bound="Callable[[AIAgentSessionEndedEvent], Any]")
_AgentSummary = TypeVar("_AgentSummary", bound="Callable[[AIAgentSessionSummaryDoneEvent], Any]")
_Notification = TypeVar("_Notification", bound="Callable[[NotificationEvent], Any]")
_ClanUser = TypeVar("_ClanUser", bound="Callable[[realtime_pb2.AddClanUserEvent], Any]")
_Ready = TypeVar("_Ready", bound="Callable[[Any], Any] | Callable[[], Any]")
_Disconnect = TypeVar("_Disconnect", bound="Callable[[Disconnect], Any]")
_Reconnected = TypeVar("_Reconnected", bound="Callable[[Gap], Any]")


class EventRegistration(EveryEvent):
    """Registration of handlers; a part of ``mezon.MezonClient``."""

    @overload
    def on(
        self, event_name: Literal[Events.CHANNEL_MESSAGE, "channel_message"], handler: _Message
    ) -> _Message: ...
    @overload
    def on(self, event_name: str, handler: H) -> H: ...
    @overload
    def on(self, event_name: str, handler: None = None) -> Callable[[H], H]: ...
    def on(self, event_name: str, handler: Any = None) -> Any:
        """Call ``handler`` whenever the event occurs; without a handler, a decorator.

        A name that is nearly one of the protocol's is taken for a slip, and warned of.

        Args:
            event_name: A member of ``Events``, or the name of an envelope field.

        Raises:
            InvalidArgumentError: If the handler cannot be called.
        """
        warn_of_slip(event_name)
        return self.event_manager.on(event_name, handler)

    def off(self, event_name: str, handler: Callable[..., Any] | None = None) -> None:
        """Stop calling ``handler``, or all of the bot's handlers of the event. What the SDK does itself stays."""
        self.event_manager.off(event_name, handler)

    # ---- messages

    def on_channel_message(self, handler: _Message) -> _Message:
        """A message in a channel, thread, group or DM; the bot's own too."""
        return self.event_manager.on(Events.CHANNEL_MESSAGE, handler)

    def on_message_reaction(self, handler: _Reaction) -> _Reaction:
        """A reaction to a message."""
        return self.event_manager.on(Events.MESSAGE_REACTION, handler)

    def on_message_button_clicked(self, handler: _Button) -> _Button:
        """Somebody pressed a button of a message."""
        return self.event_manager.on(Events.MESSAGE_BUTTON_CLICKED, handler)

    def on_dropdown_box_selected(self, handler: _Dropdown) -> _Dropdown:
        """Somebody chose from a select box of a message."""
        return self.event_manager.on(Events.DROPDOWN_BOX_SELECTED, handler)

    def on_quick_menu_event(self, handler: _QuickMenu) -> _QuickMenu:
        """Somebody chose an entry of the bot's quick menu."""
        return self.event_manager.on(Events.QUICK_MENU, handler)

    def on_notification(self, handler: _Notification) -> _Notification:
        """Notifications for the bot, such as friend requests."""
        return self.event_manager.on(Events.NOTIFICATIONS, handler)

    # ---- channels

    def on_channel_created(self, handler: _Created) -> _Created:
        """A channel was created."""
        return self.event_manager.on(Events.CHANNEL_CREATED, handler)

    def on_channel_updated(self, handler: _Updated) -> _Updated:
        """A channel changed."""
        return self.event_manager.on(Events.CHANNEL_UPDATED, handler)

    def on_channel_deleted(self, handler: _Deleted) -> _Deleted:
        """A channel was deleted."""
        return self.event_manager.on(Events.CHANNEL_DELETED, handler)

    def on_channel_user_removed(self, handler: _UserRemoved) -> _UserRemoved:
        """Users were removed from a channel."""
        return self.event_manager.on(Events.USER_CHANNEL_REMOVED, handler)

    #: The name the reference's documents use.
    on_user_channel_removed = on_channel_user_removed

    def on_user_channel_added(self, handler: _UserAdded) -> _UserAdded:
        """Users were added to a channel."""
        return self.event_manager.on(Events.USER_CHANNEL_ADDED, handler)

    # ---- clans and roles

    def on_user_clan_removed(self, handler: _ClanLeft) -> _ClanLeft:
        """Users left a clan."""
        return self.event_manager.on(Events.USER_CLAN_REMOVED, handler)

    def on_add_clan_user(self, handler: _ClanUser) -> _ClanUser:
        """A user joined a clan."""
        return self.event_manager.on(Events.ADD_CLAN_USER, handler)

    def on_clan_event_created(self, handler: _ClanEvent) -> _ClanEvent:
        """An event of a clan was created or changed."""
        return self.event_manager.on(Events.CLAN_EVENT_CREATED, handler)

    def on_role_event(self, handler: _Role) -> _Role:
        """A role was created, changed or deleted."""
        return self.event_manager.on(Events.ROLE_EVENT, handler)

    def on_role_assign(self, handler: _RoleAssign) -> _RoleAssign:
        """A role was given or taken."""
        return self.event_manager.on(Events.ROLE_ASSIGN, handler)

    # ---- tokens

    def on_token_send(self, handler: _Token) -> _Token:
        """Tokens were sent."""
        return self.event_manager.on(Events.TOKEN_SEND, handler)

    def on_give_coffee(self, handler: _Coffee) -> _Coffee:
        """Somebody gave a coffee."""
        return self.event_manager.on(Events.GIVE_COFFEE, handler)

    # ---- voice and streams

    def on_voice_started_event(self, handler: _VoiceStarted) -> _VoiceStarted:
        """A voice channel came to life."""
        return self.event_manager.on(Events.VOICE_STARTED_EVENT, handler)

    def on_voice_ended_event(self, handler: _VoiceEnded) -> _VoiceEnded:
        """A voice channel went quiet."""
        return self.event_manager.on(Events.VOICE_ENDED_EVENT, handler)

    def on_voice_joined_event(self, handler: _VoiceJoined) -> _VoiceJoined:
        """Somebody joined a voice channel."""
        return self.event_manager.on(Events.VOICE_JOINED_EVENT, handler)

    def on_voice_leaved_event(self, handler: _VoiceLeaved) -> _VoiceLeaved:
        """Somebody left a voice channel."""
        return self.event_manager.on(Events.VOICE_LEAVED_EVENT, handler)

    def on_streaming_joined_event(self, handler: _StreamJoined) -> _StreamJoined:
        """Somebody joined a stream."""
        return self.event_manager.on(Events.STREAMING_JOINED_EVENT, handler)

    def on_streaming_leaved_event(self, handler: _StreamLeaved) -> _StreamLeaved:
        """Somebody left a stream."""
        return self.event_manager.on(Events.STREAMING_LEAVED_EVENT, handler)

    def on_webrtc_signaling_fwd(self, handler: _Webrtc) -> _Webrtc:
        """A WebRTC signal for the bot."""
        return self.event_manager.on(Events.WEBRTC_SIGNALING_FWD, handler)

    # ---- AI agents

    def on_ai_agent_enabled_event(self, handler: _AgentEnabled) -> _AgentEnabled:
        """The AI agent of a channel was switched."""
        return self.event_manager.on(Events.AI_AGENT_ENABLE, handler)

    def on_ai_agent_session_started(self, handler: _AgentStarted) -> _AgentStarted:
        """An AI agent's room was opened (server-sent events: ``connect_ai_agent_sse``)."""
        return self.event_manager.on(Events.AI_AGENT_SESSION_STARTED, handler)

    def on_ai_agent_session_ended(self, handler: _AgentEnded) -> _AgentEnded:
        """An AI agent's room was closed."""
        return self.event_manager.on(Events.AI_AGENT_SESSION_ENDED, handler)

    def on_ai_agent_session_summary_done(self, handler: _AgentSummary) -> _AgentSummary:
        """The summary of an AI agent's room is there."""
        return self.event_manager.on(Events.AI_AGENT_SESSION_SUMMARY_DONE, handler)

    # ---- the life of the connection

    def on_ready(self, handler: _Ready) -> _Ready:
        """The login is done; once for each login. The handler may take the client, or nothing."""
        return self.event_manager.on(Events.READY, handler)

    def on_disconnect(self, handler: _Disconnect) -> _Disconnect:
        """The connection was lost, or has ended for good: see ``mezon.Disconnect``."""
        return self.event_manager.on(Events.DISCONNECT, handler)

    def on_reconnected(self, handler: _Reconnected) -> _Reconnected:
        """The connection is back: see ``mezon.Gap``."""
        return self.event_manager.on(Events.RECONNECTED, handler)
