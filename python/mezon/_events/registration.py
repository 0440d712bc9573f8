"""The ways to register a handler on a client.

Each returns the handler, so each is a decorator too. Handlers may be ordinary functions, coroutine functions or
any callable; they get one argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from mezon._events.every_event import EveryEvent
from mezon._events.membership import MembershipRegistration
from mezon.constants.enum import Events
from mezon.errors import InvalidArgumentError
from mezon.filters._program import compile_filter
from mezon.managers.event import check_handler
from mezon.managers.event import event_name as name_of

if TYPE_CHECKING:
    from mezon._events.dispatcher import Dispatcher
    from mezon.filters import Filter
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
        VoiceEndedEvent,
        VoiceJoinedEvent,
        VoiceLeavedEvent,
        VoiceStartedEvent,
    )
    from mezon.models._answers import ButtonClicked
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
_Ready = TypeVar("_Ready", bound="Callable[[Any], Any] | Callable[[], Any]")
_Disconnect = TypeVar("_Disconnect", bound="Callable[[Disconnect], Any]")
_Reconnected = TypeVar("_Reconnected", bound="Callable[[Gap], Any]")


class EventRegistration(EveryEvent, MembershipRegistration):
    """Registration of handlers; a part of ``mezon.MezonClient``."""

    _dispatcher: Dispatcher

    @overload
    def on(
        self, event_name: Literal[Events.CHANNEL_MESSAGE, "channel_message"], handler: _Message
    ) -> _Message: ...
    @overload
    def on(self, event_name: str, handler: H, *, filter: Filter | None = None) -> H: ...
    @overload
    def on(
        self, event_name: str, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[H], H]: ...
    def on(self, event_name: str, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Call ``handler`` whenever the event occurs; without a handler, a decorator.

        A name that is nearly one of the protocol's is taken for a slip, and warned of.

        ```python
        @client.on("channel_deleted_event")
        async def gone(event):
            print("channel", event.channel_id, "is gone")
        ```

        Args:
            event_name: A member of ``Events``, or the name of an envelope field.
            filter: Which of the events it wants, from ``mezon.filters``; None for all.

        Raises:
            InvalidArgumentError: If the handler cannot be called, or the event has nothing such a filter could ask for.
        """
        return self._listen(event_name, handler, filter)

    @overload
    def on_batch(
        self,
        event_name: str,
        handler: H,
        *,
        max_size: int = 256,
        max_wait: float = 0.005,
        filter: Filter | None = None,
    ) -> H: ...
    @overload
    def on_batch(
        self,
        event_name: str,
        handler: None = None,
        *,
        max_size: int = 256,
        max_wait: float = 0.005,
        filter: Filter | None = None,
    ) -> Callable[[H], H]: ...
    def on_batch(
        self,
        event_name: str,
        handler: Any = None,
        *,
        max_size: int = 256,
        max_wait: float = 0.005,
        filter: Filter | None = None,
    ) -> Any:
        """Call ``handler`` with a list of events, for bots that log, count, index or moderate; also a decorator.

        One list at a time, in the order of the wire, none empty. While the handler is busy, events gather; with 16
        lists waiting, the connection waits too. What is left at the end is handed over before the client closes.

        Args:
            event_name: A member of ``Events``, or the name of an envelope field.
            handler: Called with a list; an ordinary function or a coroutine function.
            max_size: The longest list.
            max_wait: Seconds the first event of a list waits for the others, at most, while the handler is idle.
            filter: Which of the events it wants, from ``mezon.filters``; None for all.

        Raises:
            InvalidArgumentError: If the handler cannot be called, or a bound is none.
        """
        if isinstance(max_size, bool) or not isinstance(max_size, int) or max_size < 1:
            raise InvalidArgumentError(f"max_size is at least 1 event, not {max_size!r}")
        if isinstance(max_wait, bool) or not isinstance(max_wait, int | float) or not 0 <= max_wait <= 3600:
            raise InvalidArgumentError(f"max_wait is a number of seconds, 0 to 3600, not {max_wait!r}")
        name = name_of(event_name)
        spec = None if filter is None else compile_filter(filter, name, self.client_id)

        def add(handler: Any) -> Any:
            check_handler(name, handler)
            self.event_manager.on(name, self._dispatcher.batch(name, handler, max_size, max_wait, spec))
            return handler

        return add if handler is None else add(handler)

    def off(self, event_name: str, handler: Callable[..., Any] | None = None) -> None:
        """Stop calling ``handler``, or all of the bot's handlers of the event. What the SDK does itself stays."""
        self.event_manager.off(event_name, handler)

    # ---- messages

    @overload
    def on_channel_message(self, handler: _Message, *, filter: Filter | None = None) -> _Message: ...
    @overload
    def on_channel_message(
        self, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[_Message], _Message]: ...
    def on_channel_message(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Handle a message in a channel, thread, group or DM; the bot's own too. With a filter, those it matches.

        ```python
        from mezon import ChannelMessage

        @client.on_channel_message
        async def greet(message: ChannelMessage) -> None:
            if message.content.get("t") == "!hello":
                await message.reply("Hello!")
        ```
        """
        return self._listen(Events.CHANNEL_MESSAGE, handler, filter)

    @overload
    def on_message_reaction(self, handler: _Reaction, *, filter: Filter | None = None) -> _Reaction: ...
    @overload
    def on_message_reaction(
        self, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[_Reaction], _Reaction]: ...
    def on_message_reaction(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Handle a reaction to a message."""
        return self._listen(Events.MESSAGE_REACTION, handler, filter)

    @overload
    def on_message_button_clicked(self, handler: _Button, *, filter: Filter | None = None) -> _Button: ...
    @overload
    def on_message_button_clicked(
        self, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[_Button], _Button]: ...
    def on_message_button_clicked(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Handle a press of a button of a message.

        ```python
        from mezon import ButtonClicked

        @client.on_message_button_clicked
        async def pressed(click: ButtonClicked) -> None:
            print(click.user_id, "pressed", click.button_id, "with", click.values)
        ```
        """
        return self._listen(Events.MESSAGE_BUTTON_CLICKED, handler, filter)

    @overload
    def on_dropdown_box_selected(self, handler: _Dropdown, *, filter: Filter | None = None) -> _Dropdown: ...
    @overload
    def on_dropdown_box_selected(
        self, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[_Dropdown], _Dropdown]: ...
    def on_dropdown_box_selected(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Handle a choice from a select box of a message."""
        return self._listen(Events.DROPDOWN_BOX_SELECTED, handler, filter)

    def on_quick_menu_event(self, handler: _QuickMenu) -> _QuickMenu:
        """Handle a choice from the bot's quick menu."""
        return self.event_manager.on(Events.QUICK_MENU, handler)

    def on_notification(self, handler: _Notification) -> _Notification:
        """Handle notifications for the bot, such as friend requests."""
        return self.event_manager.on(Events.NOTIFICATIONS, handler)

    # ---- channels

    def on_channel_created(self, handler: _Created) -> _Created:
        """Handle a channel that was created."""
        return self.event_manager.on(Events.CHANNEL_CREATED, handler)

    def on_channel_updated(self, handler: _Updated) -> _Updated:
        """Handle a change of a channel."""
        return self.event_manager.on(Events.CHANNEL_UPDATED, handler)

    def on_channel_deleted(self, handler: _Deleted) -> _Deleted:
        """Handle the end of a channel."""
        return self.event_manager.on(Events.CHANNEL_DELETED, handler)

    # ---- clans and roles

    def on_clan_event_created(self, handler: _ClanEvent) -> _ClanEvent:
        """Handle an event of a clan that was created or changed."""
        return self.event_manager.on(Events.CLAN_EVENT_CREATED, handler)

    def on_role_event(self, handler: _Role) -> _Role:
        """Handle a role that was created, changed or deleted."""
        return self.event_manager.on(Events.ROLE_EVENT, handler)

    def on_role_assign(self, handler: _RoleAssign) -> _RoleAssign:
        """Handle a role that was given or taken."""
        return self.event_manager.on(Events.ROLE_ASSIGN, handler)

    # ---- tokens

    def on_token_send(self, handler: _Token) -> _Token:
        """Handle tokens that were sent."""
        return self.event_manager.on(Events.TOKEN_SEND, handler)

    def on_give_coffee(self, handler: _Coffee) -> _Coffee:
        """Handle a coffee that somebody gave."""
        return self.event_manager.on(Events.GIVE_COFFEE, handler)

    # ---- voice and streams

    def on_voice_started_event(self, handler: _VoiceStarted) -> _VoiceStarted:
        """Handle a voice channel that came to life."""
        return self.event_manager.on(Events.VOICE_STARTED_EVENT, handler)

    def on_voice_ended_event(self, handler: _VoiceEnded) -> _VoiceEnded:
        """Handle a voice channel that went quiet."""
        return self.event_manager.on(Events.VOICE_ENDED_EVENT, handler)

    def on_voice_joined_event(self, handler: _VoiceJoined) -> _VoiceJoined:
        """Handle somebody's joining of a voice channel."""
        return self.event_manager.on(Events.VOICE_JOINED_EVENT, handler)

    def on_voice_leaved_event(self, handler: _VoiceLeaved) -> _VoiceLeaved:
        """Handle somebody's leaving of a voice channel."""
        return self.event_manager.on(Events.VOICE_LEAVED_EVENT, handler)

    def on_streaming_joined_event(self, handler: _StreamJoined) -> _StreamJoined:
        """Handle somebody's joining of a stream."""
        return self.event_manager.on(Events.STREAMING_JOINED_EVENT, handler)

    def on_streaming_leaved_event(self, handler: _StreamLeaved) -> _StreamLeaved:
        """Handle somebody's leaving of a stream."""
        return self.event_manager.on(Events.STREAMING_LEAVED_EVENT, handler)

    def on_webrtc_signaling_fwd(self, handler: _Webrtc) -> _Webrtc:
        """Handle a WebRTC signal for the bot."""
        return self.event_manager.on(Events.WEBRTC_SIGNALING_FWD, handler)

    # ---- AI agents

    def on_ai_agent_enabled_event(self, handler: _AgentEnabled) -> _AgentEnabled:
        """Handle the switch of a channel's AI agent."""
        return self.event_manager.on(Events.AI_AGENT_ENABLE, handler)

    def on_ai_agent_session_started(self, handler: _AgentStarted) -> _AgentStarted:
        """Handle the opening of an AI agent's room (server-sent events: ``connect_ai_agent_sse``)."""
        return self.event_manager.on(Events.AI_AGENT_SESSION_STARTED, handler)

    def on_ai_agent_session_ended(self, handler: _AgentEnded) -> _AgentEnded:
        """Handle the close of an AI agent's room."""
        return self.event_manager.on(Events.AI_AGENT_SESSION_ENDED, handler)

    def on_ai_agent_session_summary_done(self, handler: _AgentSummary) -> _AgentSummary:
        """Handle the summary of an AI agent's room."""
        return self.event_manager.on(Events.AI_AGENT_SESSION_SUMMARY_DONE, handler)

    # ---- the life of the connection

    def on_ready(self, handler: _Ready) -> _Ready:
        """Handle the end of the login; once for each login. The handler may take the client, or nothing."""
        return self.event_manager.on(Events.READY, handler)

    def on_disconnect(self, handler: _Disconnect) -> _Disconnect:
        """Handle a connection that was lost, or has ended for good: see ``mezon.Disconnect``."""
        return self.event_manager.on(Events.DISCONNECT, handler)

    def on_reconnected(self, handler: _Reconnected) -> _Reconnected:
        """Handle a connection that is back: see ``mezon.Gap``."""
        return self.event_manager.on(Events.RECONNECTED, handler)
