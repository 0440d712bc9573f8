"""A helper for each member of the envelope that the reference has none for; written from the schema.

They are for what a bot seldom listens to, so they say no more than the protocol does: the field and its message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from mezon.constants.enum import Events

if TYPE_CHECKING:
    from mezon.managers.event import EventManager
    from mezon.models.events import (
        ClanNameExistedEvent,
        ClanProfileUpdatedEvent,
        ClanUpdatedEvent,
        CustomStatusEvent,
        LastPinMessageEvent,
        LastSeenMessageEvent,
        MessageTypingEvent,
        UserProfileUpdatedEvent,
    )
    from mezon.models.realtime import (
        ChannelJoin,
        ChannelLeave,
        ChannelMessageAck,
        ChannelMessageRemove,
        ChannelMessageSend,
        ChannelMessageUpdate,
        ClanJoin,
        Ping,
        Pong,
        Rpc,
    )
    from mezon.protobuf.api import api_pb2 as api
    from mezon.protobuf.rtapi import realtime_pb2 as rt

E = TypeVar("E")
R = TypeVar("R")

#: A handler of an event.
On: TypeAlias = Callable[[E], R]


class EveryEvent:
    """The rest of the events by name; a part of ``mezon.MezonClient``."""

    event_manager: EventManager

    def on_channel(self, handler: On[rt.Channel, R]) -> On[rt.Channel, R]:
        """``channel``: a ``realtime_pb2.Channel``."""
        return self.event_manager.on(Events.CHANNEL, handler)

    def on_clan_join(self, handler: On[ClanJoin, R]) -> On[ClanJoin, R]:
        """``clan_join``: a ``ClanJoin``."""
        return self.event_manager.on(Events.CLAN_JOIN, handler)

    def on_channel_join(self, handler: On[ChannelJoin, R]) -> On[ChannelJoin, R]:
        """``channel_join``: a ``ChannelJoin``."""
        return self.event_manager.on(Events.CHANNEL_JOIN, handler)

    def on_channel_leave(self, handler: On[ChannelLeave, R]) -> On[ChannelLeave, R]:
        """``channel_leave``: a ``ChannelLeave``."""
        return self.event_manager.on(Events.CHANNEL_LEAVE, handler)

    def on_channel_message_ack(self, handler: On[ChannelMessageAck, R]) -> On[ChannelMessageAck, R]:
        """``channel_message_ack``: a ``ChannelMessageAck``."""
        return self.event_manager.on(Events.CHANNEL_MESSAGE_ACK, handler)

    def on_channel_message_send(self, handler: On[ChannelMessageSend, R]) -> On[ChannelMessageSend, R]:
        """``channel_message_send``: a ``ChannelMessageSend``."""
        return self.event_manager.on(Events.CHANNEL_MESSAGE_SEND, handler)

    def on_channel_message_update(self, handler: On[ChannelMessageUpdate, R]) -> On[ChannelMessageUpdate, R]:
        """``channel_message_update``: a ``ChannelMessageUpdate``."""
        return self.event_manager.on(Events.CHANNEL_MESSAGE_UPDATE, handler)

    def on_channel_message_remove(self, handler: On[ChannelMessageRemove, R]) -> On[ChannelMessageRemove, R]:
        """``channel_message_remove``: a ``ChannelMessageRemove``."""
        return self.event_manager.on(Events.CHANNEL_MESSAGE_REMOVE, handler)

    def on_channel_presence_event(
        self, handler: On[rt.ChannelPresenceEvent, R]
    ) -> On[rt.ChannelPresenceEvent, R]:
        """``channel_presence_event``: a ``realtime_pb2.ChannelPresenceEvent``."""
        return self.event_manager.on(Events.CHANNEL_PRESENCE_EVENT, handler)

    def on_rpc(self, handler: On[Rpc, R]) -> On[Rpc, R]:
        """``rpc``: a ``Rpc``."""
        return self.event_manager.on(Events.RPC, handler)

    def on_status(self, handler: On[rt.Status, R]) -> On[rt.Status, R]:
        """``status``: a ``realtime_pb2.Status``."""
        return self.event_manager.on(Events.STATUS, handler)

    def on_status_follow(self, handler: On[rt.StatusFollow, R]) -> On[rt.StatusFollow, R]:
        """``status_follow``: a ``realtime_pb2.StatusFollow``."""
        return self.event_manager.on(Events.STATUS_FOLLOW, handler)

    def on_status_presence_event(
        self, handler: On[rt.StatusPresenceEvent, R]
    ) -> On[rt.StatusPresenceEvent, R]:
        """``status_presence_event``: a ``realtime_pb2.StatusPresenceEvent``."""
        return self.event_manager.on(Events.STATUS_PRESENCE_EVENT, handler)

    def on_status_unfollow(self, handler: On[rt.StatusUnfollow, R]) -> On[rt.StatusUnfollow, R]:
        """``status_unfollow``: a ``realtime_pb2.StatusUnfollow``."""
        return self.event_manager.on(Events.STATUS_UNFOLLOW, handler)

    def on_status_update(self, handler: On[rt.StatusUpdate, R]) -> On[rt.StatusUpdate, R]:
        """``status_update``: a ``realtime_pb2.StatusUpdate``."""
        return self.event_manager.on(Events.STATUS_UPDATE, handler)

    def on_stream_data(self, handler: On[rt.StreamData, R]) -> On[rt.StreamData, R]:
        """``stream_data``: a ``realtime_pb2.StreamData``."""
        return self.event_manager.on(Events.STREAM_DATA, handler)

    def on_stream_presence_event(
        self, handler: On[rt.StreamPresenceEvent, R]
    ) -> On[rt.StreamPresenceEvent, R]:
        """``stream_presence_event``: a ``realtime_pb2.StreamPresenceEvent``."""
        return self.event_manager.on(Events.STREAM_PRESENCE_EVENT, handler)

    def on_ping(self, handler: On[Ping, R]) -> On[Ping, R]:
        """``ping``: a ``Ping``."""
        return self.event_manager.on(Events.PING, handler)

    def on_pong(self, handler: On[Pong, R]) -> On[Pong, R]:
        """``pong``: a ``Pong``."""
        return self.event_manager.on(Events.PONG, handler)

    def on_message_typing_event(self, handler: On[MessageTypingEvent, R]) -> On[MessageTypingEvent, R]:
        """``message_typing_event``: a ``MessageTypingEvent``."""
        return self.event_manager.on(Events.MESSAGE_TYPING_EVENT, handler)

    def on_last_seen_message_event(self, handler: On[LastSeenMessageEvent, R]) -> On[LastSeenMessageEvent, R]:
        """``last_seen_message_event``: a ``LastSeenMessageEvent``."""
        return self.event_manager.on(Events.LAST_SEEN_MESSAGE_EVENT, handler)

    def on_last_pin_message_event(self, handler: On[LastPinMessageEvent, R]) -> On[LastPinMessageEvent, R]:
        """``last_pin_message_event``: a ``LastPinMessageEvent``."""
        return self.event_manager.on(Events.LAST_PIN_MESSAGE_EVENT, handler)

    def on_custom_status_event(self, handler: On[CustomStatusEvent, R]) -> On[CustomStatusEvent, R]:
        """``custom_status_event``: a ``CustomStatusEvent``."""
        return self.event_manager.on(Events.CUSTOM_STATUS_EVENT, handler)

    def on_clan_updated_event(self, handler: On[ClanUpdatedEvent, R]) -> On[ClanUpdatedEvent, R]:
        """``clan_updated_event``: a ``ClanUpdatedEvent``."""
        return self.event_manager.on(Events.CLAN_UPDATED_EVENT, handler)

    def on_clan_profile_updated_event(
        self, handler: On[ClanProfileUpdatedEvent, R]
    ) -> On[ClanProfileUpdatedEvent, R]:
        """``clan_profile_updated_event``: a ``ClanProfileUpdatedEvent``."""
        return self.event_manager.on(Events.CLAN_PROFILE_UPDATED_EVENT, handler)

    def on_check_name_existed_event(
        self, handler: On[ClanNameExistedEvent, R]
    ) -> On[ClanNameExistedEvent, R]:
        """``check_name_existed_event``: a ``ClanNameExistedEvent``."""
        return self.event_manager.on(Events.CHECK_NAME_EXISTED_EVENT, handler)

    def on_user_profile_updated_event(
        self, handler: On[UserProfileUpdatedEvent, R]
    ) -> On[UserProfileUpdatedEvent, R]:
        """``user_profile_updated_event``: a ``UserProfileUpdatedEvent``."""
        return self.event_manager.on(Events.USER_PROFILE_UPDATED_EVENT, handler)

    def on_clan_deleted_event(self, handler: On[rt.ClanDeletedEvent, R]) -> On[rt.ClanDeletedEvent, R]:
        """``clan_deleted_event``: a ``realtime_pb2.ClanDeletedEvent``."""
        return self.event_manager.on(Events.CLAN_DELETED_EVENT, handler)

    def on_sticker_create_event(self, handler: On[rt.StickerCreateEvent, R]) -> On[rt.StickerCreateEvent, R]:
        """``sticker_create_event``: a ``realtime_pb2.StickerCreateEvent``."""
        return self.event_manager.on(Events.STICKER_CREATE_EVENT, handler)

    def on_sticker_update_event(self, handler: On[rt.StickerUpdateEvent, R]) -> On[rt.StickerUpdateEvent, R]:
        """``sticker_update_event``: a ``realtime_pb2.StickerUpdateEvent``."""
        return self.event_manager.on(Events.STICKER_UPDATE_EVENT, handler)

    def on_sticker_delete_event(self, handler: On[rt.StickerDeleteEvent, R]) -> On[rt.StickerDeleteEvent, R]:
        """``sticker_delete_event``: a ``realtime_pb2.StickerDeleteEvent``."""
        return self.event_manager.on(Events.STICKER_DELETE_EVENT, handler)

    def on_event_emoji(self, handler: On[rt.EventEmoji, R]) -> On[rt.EventEmoji, R]:
        """``event_emoji``: a ``realtime_pb2.EventEmoji``."""
        return self.event_manager.on(Events.EVENT_EMOJI, handler)

    def on_streaming_started_event(
        self, handler: On[rt.StreamingStartedEvent, R]
    ) -> On[rt.StreamingStartedEvent, R]:
        """``streaming_started_event``: a ``realtime_pb2.StreamingStartedEvent``."""
        return self.event_manager.on(Events.STREAMING_STARTED_EVENT, handler)

    def on_streaming_ended_event(
        self, handler: On[rt.StreamingEndedEvent, R]
    ) -> On[rt.StreamingEndedEvent, R]:
        """``streaming_ended_event``: a ``realtime_pb2.StreamingEndedEvent``."""
        return self.event_manager.on(Events.STREAMING_ENDED_EVENT, handler)

    def on_permission_set_event(self, handler: On[rt.PermissionSetEvent, R]) -> On[rt.PermissionSetEvent, R]:
        """``permission_set_event``: a ``realtime_pb2.PermissionSetEvent``."""
        return self.event_manager.on(Events.PERMISSION_SET_EVENT, handler)

    def on_permission_changed_event(
        self, handler: On[rt.PermissionChangedEvent, R]
    ) -> On[rt.PermissionChangedEvent, R]:
        """``permission_changed_event``: a ``realtime_pb2.PermissionChangedEvent``."""
        return self.event_manager.on(Events.PERMISSION_CHANGED_EVENT, handler)

    def on_unmute_event(self, handler: On[rt.UnmuteEvent, R]) -> On[rt.UnmuteEvent, R]:
        """``unmute_event``: a ``realtime_pb2.UnmuteEvent``."""
        return self.event_manager.on(Events.UNMUTE_EVENT, handler)

    def on_list_activity(self, handler: On[rt.ListActivity, R]) -> On[rt.ListActivity, R]:
        """``list_activity``: a ``realtime_pb2.ListActivity``."""
        return self.event_manager.on(Events.LIST_ACTIVITY, handler)

    def on_incoming_call_push(self, handler: On[rt.IncomingCallPush, R]) -> On[rt.IncomingCallPush, R]:
        """``incoming_call_push``: a ``realtime_pb2.IncomingCallPush``."""
        return self.event_manager.on(Events.INCOMING_CALL_PUSH, handler)

    def on_sd_topic_event(self, handler: On[rt.SdTopicEvent, R]) -> On[rt.SdTopicEvent, R]:
        """``sd_topic_event``: a ``realtime_pb2.SdTopicEvent``."""
        return self.event_manager.on(Events.SD_TOPIC_EVENT, handler)

    def on_follow_event(self, handler: On[rt.FollowEvent, R]) -> On[rt.FollowEvent, R]:
        """``follow_event``: a ``realtime_pb2.FollowEvent``."""
        return self.event_manager.on(Events.FOLLOW_EVENT, handler)

    def on_channel_app_event(self, handler: On[rt.ChannelAppEvent, R]) -> On[rt.ChannelAppEvent, R]:
        """``channel_app_event``: a ``realtime_pb2.ChannelAppEvent``."""
        return self.event_manager.on(Events.CHANNEL_APP_EVENT, handler)

    def on_user_status_event(self, handler: On[rt.UserStatusEvent, R]) -> On[rt.UserStatusEvent, R]:
        """``user_status_event``: a ``realtime_pb2.UserStatusEvent``."""
        return self.event_manager.on(Events.USER_STATUS_EVENT, handler)

    def on_remove_friend(self, handler: On[rt.RemoveFriend, R]) -> On[rt.RemoveFriend, R]:
        """``remove_friend``: a ``realtime_pb2.RemoveFriend``."""
        return self.event_manager.on(Events.REMOVE_FRIEND, handler)

    def on_webhook_event(self, handler: On[api.Webhook, R]) -> On[api.Webhook, R]:
        """``webhook_event``: a ``api_pb2.Webhook``."""
        return self.event_manager.on(Events.WEBHOOK_EVENT, handler)

    def on_noti_user_channel(
        self, handler: On[api.NotificationUserChannel, R]
    ) -> On[api.NotificationUserChannel, R]:
        """``noti_user_channel``: a ``api_pb2.NotificationUserChannel``."""
        return self.event_manager.on(Events.NOTI_USER_CHANNEL, handler)

    def on_join_channel_app_data(self, handler: On[rt.JoinChannelAppData, R]) -> On[rt.JoinChannelAppData, R]:
        """``join_channel_app_data``: a ``realtime_pb2.JoinChannelAppData``."""
        return self.event_manager.on(Events.JOIN_CHANNEL_APP_DATA, handler)

    def on_canvas_event(self, handler: On[rt.ChannelCanvas, R]) -> On[rt.ChannelCanvas, R]:
        """``canvas_event``: a ``realtime_pb2.ChannelCanvas``."""
        return self.event_manager.on(Events.CANVAS_EVENT, handler)

    def on_unpin_message_event(self, handler: On[rt.UnpinMessageEvent, R]) -> On[rt.UnpinMessageEvent, R]:
        """``unpin_message_event``: a ``realtime_pb2.UnpinMessageEvent``."""
        return self.event_manager.on(Events.UNPIN_MESSAGE_EVENT, handler)

    def on_category_event(self, handler: On[rt.CategoryEvent, R]) -> On[rt.CategoryEvent, R]:
        """``category_event``: a ``realtime_pb2.CategoryEvent``."""
        return self.event_manager.on(Events.CATEGORY_EVENT, handler)

    def on_handle_participant_meet_state_event(
        self, handler: On[rt.HandleParticipantMeetStateEvent, R]
    ) -> On[rt.HandleParticipantMeetStateEvent, R]:
        """``handle_participant_meet_state_event``: a ``realtime_pb2.HandleParticipantMeetStateEvent``."""
        return self.event_manager.on(Events.HANDLE_PARTICIPANT_MEET_STATE_EVENT, handler)

    def on_delete_account_event(self, handler: On[rt.DeleteAccountEvent, R]) -> On[rt.DeleteAccountEvent, R]:
        """``delete_account_event``: a ``realtime_pb2.DeleteAccountEvent``."""
        return self.event_manager.on(Events.DELETE_ACCOUNT_EVENT, handler)

    def on_ephemeral_message_send(
        self, handler: On[rt.EphemeralMessageSend, R]
    ) -> On[rt.EphemeralMessageSend, R]:
        """``ephemeral_message_send``: a ``realtime_pb2.EphemeralMessageSend``."""
        return self.event_manager.on(Events.EPHEMERAL_MESSAGE_SEND, handler)

    def on_block_friend(self, handler: On[rt.BlockFriend, R]) -> On[rt.BlockFriend, R]:
        """``block_friend``: a ``realtime_pb2.BlockFriend``."""
        return self.event_manager.on(Events.BLOCK_FRIEND, handler)

    def on_voice_reaction_send(self, handler: On[rt.VoiceReactionSend, R]) -> On[rt.VoiceReactionSend, R]:
        """``voice_reaction_send``: a ``realtime_pb2.VoiceReactionSend``."""
        return self.event_manager.on(Events.VOICE_REACTION_SEND, handler)

    def on_mark_as_read(self, handler: On[rt.MarkAsRead, R]) -> On[rt.MarkAsRead, R]:
        """``mark_as_read``: a ``realtime_pb2.MarkAsRead``."""
        return self.event_manager.on(Events.MARK_AS_READ, handler)

    def on_list_data_socket(self, handler: On[rt.ListDataSocket, R]) -> On[rt.ListDataSocket, R]:
        """``list_data_socket``: a ``realtime_pb2.ListDataSocket``."""
        return self.event_manager.on(Events.LIST_DATA_SOCKET, handler)

    def on_un_block_friend(self, handler: On[rt.UnblockFriend, R]) -> On[rt.UnblockFriend, R]:
        """``un_block_friend``: a ``realtime_pb2.UnblockFriend``."""
        return self.event_manager.on(Events.UN_BLOCK_FRIEND, handler)

    def on_meet_participant_event(
        self, handler: On[rt.MeetParticipantEvent, R]
    ) -> On[rt.MeetParticipantEvent, R]:
        """``meet_participant_event``: a ``realtime_pb2.MeetParticipantEvent``."""
        return self.event_manager.on(Events.MEET_PARTICIPANT_EVENT, handler)

    def on_transfer_ownership_event(
        self, handler: On[rt.TransferOwnershipEvent, R]
    ) -> On[rt.TransferOwnershipEvent, R]:
        """``transfer_ownership_event``: a ``realtime_pb2.TransferOwnershipEvent``."""
        return self.event_manager.on(Events.TRANSFER_OWNERSHIP_EVENT, handler)

    def on_add_friend(self, handler: On[rt.AddFriend, R]) -> On[rt.AddFriend, R]:
        """``add_friend``: a ``realtime_pb2.AddFriend``."""
        return self.event_manager.on(Events.ADD_FRIEND, handler)

    def on_ban_user_event(self, handler: On[rt.BannedUserEvent, R]) -> On[rt.BannedUserEvent, R]:
        """``ban_user_event``: a ``realtime_pb2.BannedUserEvent``."""
        return self.event_manager.on(Events.BAN_USER_EVENT, handler)

    def on_active_archived_thread(
        self, handler: On[rt.ActiveArchivedThread, R]
    ) -> On[rt.ActiveArchivedThread, R]:
        """``active_archived_thread``: a ``realtime_pb2.ActiveArchivedThread``."""
        return self.event_manager.on(Events.ACTIVE_ARCHIVED_THREAD, handler)

    def on_allow_anonymous_event(
        self, handler: On[rt.AllowAnonymousEvent, R]
    ) -> On[rt.AllowAnonymousEvent, R]:
        """``allow_anonymous_event``: a ``realtime_pb2.AllowAnonymousEvent``."""
        return self.event_manager.on(Events.ALLOW_ANONYMOUS_EVENT, handler)

    def on_api_request_event(self, handler: On[rt.ApiRequestEvent, R]) -> On[rt.ApiRequestEvent, R]:
        """``api_request_event``: a ``realtime_pb2.ApiRequestEvent``."""
        return self.event_manager.on(Events.API_REQUEST_EVENT, handler)

    def on_clan_created_event(self, handler: On[rt.ClanCreatedEvent, R]) -> On[rt.ClanCreatedEvent, R]:
        """``clan_created_event``: a ``realtime_pb2.ClanCreatedEvent``."""
        return self.event_manager.on(Events.CLAN_CREATED_EVENT, handler)

    def on_list_channel_users_banned_event(
        self, handler: On[rt.ListChannelUsersBannedEvent, R]
    ) -> On[rt.ListChannelUsersBannedEvent, R]:
        """``list_channel_users_banned_event``: a ``realtime_pb2.ListChannelUsersBannedEvent``."""
        return self.event_manager.on(Events.LIST_CHANNEL_USERS_BANNED_EVENT, handler)

    def on_refresh_session_event(self, handler: On[api.Session, R]) -> On[api.Session, R]:
        """``refresh_session_event``: a ``api_pb2.Session``."""
        return self.event_manager.on(Events.REFRESH_SESSION_EVENT, handler)

    def on_channel_archive_event(
        self, handler: On[rt.ChannelArchiveEvent, R]
    ) -> On[rt.ChannelArchiveEvent, R]:
        """``channel_archive_event``: a ``realtime_pb2.ChannelArchiveEvent``."""
        return self.event_manager.on(Events.CHANNEL_ARCHIVE_EVENT, handler)

    def on_topic_in_message_event(
        self, handler: On[rt.TopicInMessageEvent, R]
    ) -> On[rt.TopicInMessageEvent, R]:
        """``topic_in_message_event``: a ``realtime_pb2.TopicInMessageEvent``."""
        return self.event_manager.on(Events.TOPIC_IN_MESSAGE_EVENT, handler)

    def on_screen_share_event(self, handler: On[rt.ScreenShareEvent, R]) -> On[rt.ScreenShareEvent, R]:
        """``screen_share_event``: a ``realtime_pb2.ScreenShareEvent``."""
        return self.event_manager.on(Events.SCREEN_SHARE_EVENT, handler)

    def on_voice_interactive_event(
        self, handler: On[rt.VoiceInteractiveEvent, R]
    ) -> On[rt.VoiceInteractiveEvent, R]:
        """``voice_interactive_event``: a ``realtime_pb2.VoiceInteractiveEvent``."""
        return self.event_manager.on(Events.VOICE_INTERACTIVE_EVENT, handler)
