from google.protobuf import wrappers_pb2 as _wrappers_pb2
from mezon.protobuf.api import api_pb2 as _api_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import Any as _Any, ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Envelope(_message.Message):
    __slots__ = ("cid", "channel", "clan_join", "channel_join", "channel_leave", "channel_message", "channel_message_ack", "channel_message_send", "channel_message_update", "channel_message_remove", "channel_presence_event", "error", "notifications", "rpc", "status", "status_follow", "status_presence_event", "status_unfollow", "status_update", "stream_data", "stream_presence_event", "ping", "pong", "message_typing_event", "last_seen_message_event", "message_reaction_event", "voice_joined_event", "voice_leaved_event", "voice_started_event", "voice_ended_event", "channel_created_event", "channel_deleted_event", "channel_updated_event", "last_pin_message_event", "custom_status_event", "user_channel_added_event", "user_channel_removed_event", "user_clan_removed_event", "clan_updated_event", "clan_profile_updated_event", "check_name_existed_event", "user_profile_updated_event", "add_clan_user_event", "clan_event_created", "role_assign_event", "clan_deleted_event", "give_coffee_event", "sticker_create_event", "sticker_update_event", "sticker_delete_event", "role_event", "event_emoji", "streaming_joined_event", "streaming_leaved_event", "streaming_started_event", "streaming_ended_event", "permission_set_event", "permission_changed_event", "token_sent_event", "message_button_clicked", "unmute_event", "webrtc_signaling_fwd", "list_activity", "dropdown_box_selected", "incoming_call_push", "sd_topic_event", "follow_event", "channel_app_event", "user_status_event", "remove_friend", "webhook_event", "noti_user_channel", "join_channel_app_data", "canvas_event", "unpin_message_event", "category_event", "handle_participant_meet_state_event", "delete_account_event", "ephemeral_message_send", "block_friend", "voice_reaction_send", "mark_as_read", "list_data_socket", "quick_menu_event", "un_block_friend", "meet_participant_event", "transfer_ownership_event", "add_friend", "ban_user_event", "active_archived_thread", "allow_anonymous_event", "api_request_event", "clan_created_event", "aiagent_enabled_event", "list_channel_users_banned_event", "refresh_session_event", "channel_archive_event", "topic_in_message_event", "screen_share_event", "voice_interactive_event")
    CID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CLAN_JOIN_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_JOIN_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LEAVE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MESSAGE_ACK_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MESSAGE_SEND_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MESSAGE_UPDATE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MESSAGE_REMOVE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRESENCE_EVENT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    RPC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FOLLOW_FIELD_NUMBER: _ClassVar[int]
    STATUS_PRESENCE_EVENT_FIELD_NUMBER: _ClassVar[int]
    STATUS_UNFOLLOW_FIELD_NUMBER: _ClassVar[int]
    STATUS_UPDATE_FIELD_NUMBER: _ClassVar[int]
    STREAM_DATA_FIELD_NUMBER: _ClassVar[int]
    STREAM_PRESENCE_EVENT_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_TYPING_EVENT_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_MESSAGE_EVENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_REACTION_EVENT_FIELD_NUMBER: _ClassVar[int]
    VOICE_JOINED_EVENT_FIELD_NUMBER: _ClassVar[int]
    VOICE_LEAVED_EVENT_FIELD_NUMBER: _ClassVar[int]
    VOICE_STARTED_EVENT_FIELD_NUMBER: _ClassVar[int]
    VOICE_ENDED_EVENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_CREATED_EVENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_DELETED_EVENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_UPDATED_EVENT_FIELD_NUMBER: _ClassVar[int]
    LAST_PIN_MESSAGE_EVENT_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_STATUS_EVENT_FIELD_NUMBER: _ClassVar[int]
    USER_CHANNEL_ADDED_EVENT_FIELD_NUMBER: _ClassVar[int]
    USER_CHANNEL_REMOVED_EVENT_FIELD_NUMBER: _ClassVar[int]
    USER_CLAN_REMOVED_EVENT_FIELD_NUMBER: _ClassVar[int]
    CLAN_UPDATED_EVENT_FIELD_NUMBER: _ClassVar[int]
    CLAN_PROFILE_UPDATED_EVENT_FIELD_NUMBER: _ClassVar[int]
    CHECK_NAME_EXISTED_EVENT_FIELD_NUMBER: _ClassVar[int]
    USER_PROFILE_UPDATED_EVENT_FIELD_NUMBER: _ClassVar[int]
    ADD_CLAN_USER_EVENT_FIELD_NUMBER: _ClassVar[int]
    CLAN_EVENT_CREATED_FIELD_NUMBER: _ClassVar[int]
    ROLE_ASSIGN_EVENT_FIELD_NUMBER: _ClassVar[int]
    CLAN_DELETED_EVENT_FIELD_NUMBER: _ClassVar[int]
    GIVE_COFFEE_EVENT_FIELD_NUMBER: _ClassVar[int]
    STICKER_CREATE_EVENT_FIELD_NUMBER: _ClassVar[int]
    STICKER_UPDATE_EVENT_FIELD_NUMBER: _ClassVar[int]
    STICKER_DELETE_EVENT_FIELD_NUMBER: _ClassVar[int]
    ROLE_EVENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_EMOJI_FIELD_NUMBER: _ClassVar[int]
    STREAMING_JOINED_EVENT_FIELD_NUMBER: _ClassVar[int]
    STREAMING_LEAVED_EVENT_FIELD_NUMBER: _ClassVar[int]
    STREAMING_STARTED_EVENT_FIELD_NUMBER: _ClassVar[int]
    STREAMING_ENDED_EVENT_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_SET_EVENT_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_CHANGED_EVENT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_SENT_EVENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BUTTON_CLICKED_FIELD_NUMBER: _ClassVar[int]
    UNMUTE_EVENT_FIELD_NUMBER: _ClassVar[int]
    WEBRTC_SIGNALING_FWD_FIELD_NUMBER: _ClassVar[int]
    LIST_ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    DROPDOWN_BOX_SELECTED_FIELD_NUMBER: _ClassVar[int]
    INCOMING_CALL_PUSH_FIELD_NUMBER: _ClassVar[int]
    SD_TOPIC_EVENT_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_EVENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_APP_EVENT_FIELD_NUMBER: _ClassVar[int]
    USER_STATUS_EVENT_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FRIEND_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_EVENT_FIELD_NUMBER: _ClassVar[int]
    NOTI_USER_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    JOIN_CHANNEL_APP_DATA_FIELD_NUMBER: _ClassVar[int]
    CANVAS_EVENT_FIELD_NUMBER: _ClassVar[int]
    UNPIN_MESSAGE_EVENT_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_EVENT_FIELD_NUMBER: _ClassVar[int]
    HANDLE_PARTICIPANT_MEET_STATE_EVENT_FIELD_NUMBER: _ClassVar[int]
    DELETE_ACCOUNT_EVENT_FIELD_NUMBER: _ClassVar[int]
    EPHEMERAL_MESSAGE_SEND_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FRIEND_FIELD_NUMBER: _ClassVar[int]
    VOICE_REACTION_SEND_FIELD_NUMBER: _ClassVar[int]
    MARK_AS_READ_FIELD_NUMBER: _ClassVar[int]
    LIST_DATA_SOCKET_FIELD_NUMBER: _ClassVar[int]
    QUICK_MENU_EVENT_FIELD_NUMBER: _ClassVar[int]
    UN_BLOCK_FRIEND_FIELD_NUMBER: _ClassVar[int]
    MEET_PARTICIPANT_EVENT_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_OWNERSHIP_EVENT_FIELD_NUMBER: _ClassVar[int]
    ADD_FRIEND_FIELD_NUMBER: _ClassVar[int]
    BAN_USER_EVENT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_ARCHIVED_THREAD_FIELD_NUMBER: _ClassVar[int]
    ALLOW_ANONYMOUS_EVENT_FIELD_NUMBER: _ClassVar[int]
    API_REQUEST_EVENT_FIELD_NUMBER: _ClassVar[int]
    CLAN_CREATED_EVENT_FIELD_NUMBER: _ClassVar[int]
    AIAGENT_ENABLED_EVENT_FIELD_NUMBER: _ClassVar[int]
    LIST_CHANNEL_USERS_BANNED_EVENT_FIELD_NUMBER: _ClassVar[int]
    REFRESH_SESSION_EVENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ARCHIVE_EVENT_FIELD_NUMBER: _ClassVar[int]
    TOPIC_IN_MESSAGE_EVENT_FIELD_NUMBER: _ClassVar[int]
    SCREEN_SHARE_EVENT_FIELD_NUMBER: _ClassVar[int]
    VOICE_INTERACTIVE_EVENT_FIELD_NUMBER: _ClassVar[int]
    cid: int
    channel: Channel
    clan_join: ClanJoin
    channel_join: ChannelJoin
    channel_leave: ChannelLeave
    channel_message: _api_pb2.ChannelMessage
    channel_message_ack: ChannelMessageAck
    channel_message_send: ChannelMessageSend
    channel_message_update: ChannelMessageUpdate
    channel_message_remove: ChannelMessageRemove
    channel_presence_event: ChannelPresenceEvent
    error: Error
    notifications: Notifications
    rpc: _api_pb2.Rpc
    status: Status
    status_follow: StatusFollow
    status_presence_event: StatusPresenceEvent
    status_unfollow: StatusUnfollow
    status_update: StatusUpdate
    stream_data: StreamData
    stream_presence_event: StreamPresenceEvent
    ping: Ping
    pong: Pong
    message_typing_event: MessageTypingEvent
    last_seen_message_event: LastSeenMessageEvent
    message_reaction_event: _api_pb2.MessageReaction
    voice_joined_event: VoiceJoinedEvent
    voice_leaved_event: VoiceLeavedEvent
    voice_started_event: VoiceStartedEvent
    voice_ended_event: VoiceEndedEvent
    channel_created_event: ChannelCreatedEvent
    channel_deleted_event: ChannelDeletedEvent
    channel_updated_event: ChannelUpdatedEvent
    last_pin_message_event: LastPinMessageEvent
    custom_status_event: CustomStatusEvent
    user_channel_added_event: UserChannelAdded
    user_channel_removed_event: UserChannelRemoved
    user_clan_removed_event: UserClanRemoved
    clan_updated_event: ClanUpdatedEvent
    clan_profile_updated_event: ClanProfileUpdatedEvent
    check_name_existed_event: CheckNameExistedEvent
    user_profile_updated_event: UserProfileUpdatedEvent
    add_clan_user_event: AddClanUserEvent
    clan_event_created: _api_pb2.CreateEventRequest
    role_assign_event: RoleAssignedEvent
    clan_deleted_event: ClanDeletedEvent
    give_coffee_event: _api_pb2.GiveCoffeeEvent
    sticker_create_event: StickerCreateEvent
    sticker_update_event: StickerUpdateEvent
    sticker_delete_event: StickerDeleteEvent
    role_event: RoleEvent
    event_emoji: EventEmoji
    streaming_joined_event: StreamingJoinedEvent
    streaming_leaved_event: StreamingLeavedEvent
    streaming_started_event: StreamingStartedEvent
    streaming_ended_event: StreamingEndedEvent
    permission_set_event: PermissionSetEvent
    permission_changed_event: PermissionChangedEvent
    token_sent_event: _api_pb2.TokenSentEvent
    message_button_clicked: MessageButtonClicked
    unmute_event: UnmuteEvent
    webrtc_signaling_fwd: WebrtcSignalingFwd
    list_activity: ListActivity
    dropdown_box_selected: DropdownBoxSelected
    incoming_call_push: IncomingCallPush
    sd_topic_event: SdTopicEvent
    follow_event: FollowEvent
    channel_app_event: ChannelAppEvent
    user_status_event: UserStatusEvent
    remove_friend: RemoveFriend
    webhook_event: _api_pb2.Webhook
    noti_user_channel: _api_pb2.NotificationUserChannel
    join_channel_app_data: JoinChannelAppData
    canvas_event: ChannelCanvas
    unpin_message_event: UnpinMessageEvent
    category_event: CategoryEvent
    handle_participant_meet_state_event: HandleParticipantMeetStateEvent
    delete_account_event: DeleteAccountEvent
    ephemeral_message_send: EphemeralMessageSend
    block_friend: BlockFriend
    voice_reaction_send: VoiceReactionSend
    mark_as_read: MarkAsRead
    list_data_socket: ListDataSocket
    quick_menu_event: QuickMenuDataEvent
    un_block_friend: UnblockFriend
    meet_participant_event: MeetParticipantEvent
    transfer_ownership_event: TransferOwnershipEvent
    add_friend: AddFriend
    ban_user_event: BannedUserEvent
    active_archived_thread: ActiveArchivedThread
    allow_anonymous_event: AllowAnonymousEvent
    api_request_event: ApiRequestEvent
    clan_created_event: ClanCreatedEvent
    aiagent_enabled_event: AIAgentEnabledEvent
    list_channel_users_banned_event: ListChannelUsersBannedEvent
    refresh_session_event: _api_pb2.Session
    channel_archive_event: ChannelArchiveEvent
    topic_in_message_event: TopicInMessageEvent
    screen_share_event: ScreenShareEvent
    voice_interactive_event: VoiceInteractiveEvent
    def __init__(self, cid: _Optional[int] = ..., channel: _Optional[_Union[Channel, _Mapping[str, _Any]]] = ..., clan_join: _Optional[_Union[ClanJoin, _Mapping[str, _Any]]] = ..., channel_join: _Optional[_Union[ChannelJoin, _Mapping[str, _Any]]] = ..., channel_leave: _Optional[_Union[ChannelLeave, _Mapping[str, _Any]]] = ..., channel_message: _Optional[_Union[_api_pb2.ChannelMessage, _Mapping[str, _Any]]] = ..., channel_message_ack: _Optional[_Union[ChannelMessageAck, _Mapping[str, _Any]]] = ..., channel_message_send: _Optional[_Union[ChannelMessageSend, _Mapping[str, _Any]]] = ..., channel_message_update: _Optional[_Union[ChannelMessageUpdate, _Mapping[str, _Any]]] = ..., channel_message_remove: _Optional[_Union[ChannelMessageRemove, _Mapping[str, _Any]]] = ..., channel_presence_event: _Optional[_Union[ChannelPresenceEvent, _Mapping[str, _Any]]] = ..., error: _Optional[_Union[Error, _Mapping[str, _Any]]] = ..., notifications: _Optional[_Union[Notifications, _Mapping[str, _Any]]] = ..., rpc: _Optional[_Union[_api_pb2.Rpc, _Mapping[str, _Any]]] = ..., status: _Optional[_Union[Status, _Mapping[str, _Any]]] = ..., status_follow: _Optional[_Union[StatusFollow, _Mapping[str, _Any]]] = ..., status_presence_event: _Optional[_Union[StatusPresenceEvent, _Mapping[str, _Any]]] = ..., status_unfollow: _Optional[_Union[StatusUnfollow, _Mapping[str, _Any]]] = ..., status_update: _Optional[_Union[StatusUpdate, _Mapping[str, _Any]]] = ..., stream_data: _Optional[_Union[StreamData, _Mapping[str, _Any]]] = ..., stream_presence_event: _Optional[_Union[StreamPresenceEvent, _Mapping[str, _Any]]] = ..., ping: _Optional[_Union[Ping, _Mapping[str, _Any]]] = ..., pong: _Optional[_Union[Pong, _Mapping[str, _Any]]] = ..., message_typing_event: _Optional[_Union[MessageTypingEvent, _Mapping[str, _Any]]] = ..., last_seen_message_event: _Optional[_Union[LastSeenMessageEvent, _Mapping[str, _Any]]] = ..., message_reaction_event: _Optional[_Union[_api_pb2.MessageReaction, _Mapping[str, _Any]]] = ..., voice_joined_event: _Optional[_Union[VoiceJoinedEvent, _Mapping[str, _Any]]] = ..., voice_leaved_event: _Optional[_Union[VoiceLeavedEvent, _Mapping[str, _Any]]] = ..., voice_started_event: _Optional[_Union[VoiceStartedEvent, _Mapping[str, _Any]]] = ..., voice_ended_event: _Optional[_Union[VoiceEndedEvent, _Mapping[str, _Any]]] = ..., channel_created_event: _Optional[_Union[ChannelCreatedEvent, _Mapping[str, _Any]]] = ..., channel_deleted_event: _Optional[_Union[ChannelDeletedEvent, _Mapping[str, _Any]]] = ..., channel_updated_event: _Optional[_Union[ChannelUpdatedEvent, _Mapping[str, _Any]]] = ..., last_pin_message_event: _Optional[_Union[LastPinMessageEvent, _Mapping[str, _Any]]] = ..., custom_status_event: _Optional[_Union[CustomStatusEvent, _Mapping[str, _Any]]] = ..., user_channel_added_event: _Optional[_Union[UserChannelAdded, _Mapping[str, _Any]]] = ..., user_channel_removed_event: _Optional[_Union[UserChannelRemoved, _Mapping[str, _Any]]] = ..., user_clan_removed_event: _Optional[_Union[UserClanRemoved, _Mapping[str, _Any]]] = ..., clan_updated_event: _Optional[_Union[ClanUpdatedEvent, _Mapping[str, _Any]]] = ..., clan_profile_updated_event: _Optional[_Union[ClanProfileUpdatedEvent, _Mapping[str, _Any]]] = ..., check_name_existed_event: _Optional[_Union[CheckNameExistedEvent, _Mapping[str, _Any]]] = ..., user_profile_updated_event: _Optional[_Union[UserProfileUpdatedEvent, _Mapping[str, _Any]]] = ..., add_clan_user_event: _Optional[_Union[AddClanUserEvent, _Mapping[str, _Any]]] = ..., clan_event_created: _Optional[_Union[_api_pb2.CreateEventRequest, _Mapping[str, _Any]]] = ..., role_assign_event: _Optional[_Union[RoleAssignedEvent, _Mapping[str, _Any]]] = ..., clan_deleted_event: _Optional[_Union[ClanDeletedEvent, _Mapping[str, _Any]]] = ..., give_coffee_event: _Optional[_Union[_api_pb2.GiveCoffeeEvent, _Mapping[str, _Any]]] = ..., sticker_create_event: _Optional[_Union[StickerCreateEvent, _Mapping[str, _Any]]] = ..., sticker_update_event: _Optional[_Union[StickerUpdateEvent, _Mapping[str, _Any]]] = ..., sticker_delete_event: _Optional[_Union[StickerDeleteEvent, _Mapping[str, _Any]]] = ..., role_event: _Optional[_Union[RoleEvent, _Mapping[str, _Any]]] = ..., event_emoji: _Optional[_Union[EventEmoji, _Mapping[str, _Any]]] = ..., streaming_joined_event: _Optional[_Union[StreamingJoinedEvent, _Mapping[str, _Any]]] = ..., streaming_leaved_event: _Optional[_Union[StreamingLeavedEvent, _Mapping[str, _Any]]] = ..., streaming_started_event: _Optional[_Union[StreamingStartedEvent, _Mapping[str, _Any]]] = ..., streaming_ended_event: _Optional[_Union[StreamingEndedEvent, _Mapping[str, _Any]]] = ..., permission_set_event: _Optional[_Union[PermissionSetEvent, _Mapping[str, _Any]]] = ..., permission_changed_event: _Optional[_Union[PermissionChangedEvent, _Mapping[str, _Any]]] = ..., token_sent_event: _Optional[_Union[_api_pb2.TokenSentEvent, _Mapping[str, _Any]]] = ..., message_button_clicked: _Optional[_Union[MessageButtonClicked, _Mapping[str, _Any]]] = ..., unmute_event: _Optional[_Union[UnmuteEvent, _Mapping[str, _Any]]] = ..., webrtc_signaling_fwd: _Optional[_Union[WebrtcSignalingFwd, _Mapping[str, _Any]]] = ..., list_activity: _Optional[_Union[ListActivity, _Mapping[str, _Any]]] = ..., dropdown_box_selected: _Optional[_Union[DropdownBoxSelected, _Mapping[str, _Any]]] = ..., incoming_call_push: _Optional[_Union[IncomingCallPush, _Mapping[str, _Any]]] = ..., sd_topic_event: _Optional[_Union[SdTopicEvent, _Mapping[str, _Any]]] = ..., follow_event: _Optional[_Union[FollowEvent, _Mapping[str, _Any]]] = ..., channel_app_event: _Optional[_Union[ChannelAppEvent, _Mapping[str, _Any]]] = ..., user_status_event: _Optional[_Union[UserStatusEvent, _Mapping[str, _Any]]] = ..., remove_friend: _Optional[_Union[RemoveFriend, _Mapping[str, _Any]]] = ..., webhook_event: _Optional[_Union[_api_pb2.Webhook, _Mapping[str, _Any]]] = ..., noti_user_channel: _Optional[_Union[_api_pb2.NotificationUserChannel, _Mapping[str, _Any]]] = ..., join_channel_app_data: _Optional[_Union[JoinChannelAppData, _Mapping[str, _Any]]] = ..., canvas_event: _Optional[_Union[ChannelCanvas, _Mapping[str, _Any]]] = ..., unpin_message_event: _Optional[_Union[UnpinMessageEvent, _Mapping[str, _Any]]] = ..., category_event: _Optional[_Union[CategoryEvent, _Mapping[str, _Any]]] = ..., handle_participant_meet_state_event: _Optional[_Union[HandleParticipantMeetStateEvent, _Mapping[str, _Any]]] = ..., delete_account_event: _Optional[_Union[DeleteAccountEvent, _Mapping[str, _Any]]] = ..., ephemeral_message_send: _Optional[_Union[EphemeralMessageSend, _Mapping[str, _Any]]] = ..., block_friend: _Optional[_Union[BlockFriend, _Mapping[str, _Any]]] = ..., voice_reaction_send: _Optional[_Union[VoiceReactionSend, _Mapping[str, _Any]]] = ..., mark_as_read: _Optional[_Union[MarkAsRead, _Mapping[str, _Any]]] = ..., list_data_socket: _Optional[_Union[ListDataSocket, _Mapping[str, _Any]]] = ..., quick_menu_event: _Optional[_Union[QuickMenuDataEvent, _Mapping[str, _Any]]] = ..., un_block_friend: _Optional[_Union[UnblockFriend, _Mapping[str, _Any]]] = ..., meet_participant_event: _Optional[_Union[MeetParticipantEvent, _Mapping[str, _Any]]] = ..., transfer_ownership_event: _Optional[_Union[TransferOwnershipEvent, _Mapping[str, _Any]]] = ..., add_friend: _Optional[_Union[AddFriend, _Mapping[str, _Any]]] = ..., ban_user_event: _Optional[_Union[BannedUserEvent, _Mapping[str, _Any]]] = ..., active_archived_thread: _Optional[_Union[ActiveArchivedThread, _Mapping[str, _Any]]] = ..., allow_anonymous_event: _Optional[_Union[AllowAnonymousEvent, _Mapping[str, _Any]]] = ..., api_request_event: _Optional[_Union[ApiRequestEvent, _Mapping[str, _Any]]] = ..., clan_created_event: _Optional[_Union[ClanCreatedEvent, _Mapping[str, _Any]]] = ..., aiagent_enabled_event: _Optional[_Union[AIAgentEnabledEvent, _Mapping[str, _Any]]] = ..., list_channel_users_banned_event: _Optional[_Union[ListChannelUsersBannedEvent, _Mapping[str, _Any]]] = ..., refresh_session_event: _Optional[_Union[_api_pb2.Session, _Mapping[str, _Any]]] = ..., channel_archive_event: _Optional[_Union[ChannelArchiveEvent, _Mapping[str, _Any]]] = ..., topic_in_message_event: _Optional[_Union[TopicInMessageEvent, _Mapping[str, _Any]]] = ..., screen_share_event: _Optional[_Union[ScreenShareEvent, _Mapping[str, _Any]]] = ..., voice_interactive_event: _Optional[_Union[VoiceInteractiveEvent, _Mapping[str, _Any]]] = ...) -> None: ...

class VoiceInteractiveEvent(_message.Message):
    __slots__ = ("clan_id", "voice_channel_id", "sender_id", "receiver_id", "event_type", "params")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VOICE_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    voice_channel_id: int
    sender_id: int
    receiver_id: int
    event_type: int
    params: str
    def __init__(self, clan_id: _Optional[int] = ..., voice_channel_id: _Optional[int] = ..., sender_id: _Optional[int] = ..., receiver_id: _Optional[int] = ..., event_type: _Optional[int] = ..., params: _Optional[str] = ...) -> None: ...

class ScreenShareEvent(_message.Message):
    __slots__ = ("clan_id", "voice_channel_id", "user_id", "is_sharing")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VOICE_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IS_SHARING_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    voice_channel_id: int
    user_id: int
    is_sharing: bool
    def __init__(self, clan_id: _Optional[int] = ..., voice_channel_id: _Optional[int] = ..., user_id: _Optional[int] = ..., is_sharing: _Optional[bool] = ...) -> None: ...

class TopicInMessageEvent(_message.Message):
    __slots__ = ("message_id", "rpl", "lsnt", "tp_id")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    RPL_FIELD_NUMBER: _ClassVar[int]
    LSNT_FIELD_NUMBER: _ClassVar[int]
    TP_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    rpl: int
    lsnt: int
    tp_id: str
    def __init__(self, message_id: _Optional[int] = ..., rpl: _Optional[int] = ..., lsnt: _Optional[int] = ..., tp_id: _Optional[str] = ...) -> None: ...

class ApiRequestEvent(_message.Message):
    __slots__ = ("api_index", "api_name", "body")
    API_INDEX_FIELD_NUMBER: _ClassVar[int]
    API_NAME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    api_index: int
    api_name: str
    body: bytes
    def __init__(self, api_index: _Optional[int] = ..., api_name: _Optional[str] = ..., body: _Optional[bytes] = ...) -> None: ...

class FollowEvent(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BannedUserEvent(_message.Message):
    __slots__ = ("user_ids", "action", "banner_id", "channel_id", "clan_id", "ban_time")
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    BANNER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    BAN_TIME_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    action: int
    banner_id: int
    channel_id: int
    clan_id: int
    ban_time: int
    def __init__(self, user_ids: _Optional[_Iterable[int]] = ..., action: _Optional[int] = ..., banner_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., ban_time: _Optional[int] = ...) -> None: ...

class ListChannelUsersBannedEvent(_message.Message):
    __slots__ = ("banned_user_ids",)
    BANNED_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    banned_user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, banned_user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ChannelCanvas(_message.Message):
    __slots__ = ("id", "title", "content", "creator_id", "editor_id", "is_default", "channel_id", "status")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    EDITOR_ID_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    id: int
    title: str
    content: str
    creator_id: int
    editor_id: int
    is_default: bool
    channel_id: int
    status: int
    def __init__(self, id: _Optional[int] = ..., title: _Optional[str] = ..., content: _Optional[str] = ..., creator_id: _Optional[int] = ..., editor_id: _Optional[int] = ..., is_default: _Optional[bool] = ..., channel_id: _Optional[int] = ..., status: _Optional[int] = ...) -> None: ...

class IncomingCallPush(_message.Message):
    __slots__ = ("receiver_id", "json_data", "channel_id", "caller_id")
    RECEIVER_ID_FIELD_NUMBER: _ClassVar[int]
    JSON_DATA_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    receiver_id: int
    json_data: str
    channel_id: int
    caller_id: int
    def __init__(self, receiver_id: _Optional[int] = ..., json_data: _Optional[str] = ..., channel_id: _Optional[int] = ..., caller_id: _Optional[int] = ...) -> None: ...

class WebrtcSignalingFwd(_message.Message):
    __slots__ = ("receiver_id", "data_type", "json_data", "channel_id", "caller_id")
    RECEIVER_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    JSON_DATA_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    receiver_id: int
    data_type: int
    json_data: str
    channel_id: int
    caller_id: int
    def __init__(self, receiver_id: _Optional[int] = ..., data_type: _Optional[int] = ..., json_data: _Optional[str] = ..., channel_id: _Optional[int] = ..., caller_id: _Optional[int] = ...) -> None: ...

class SFUSignalingFwd(_message.Message):
    __slots__ = ("clan_id", "channel_id", "data_type", "json_data", "user_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    JSON_DATA_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    data_type: int
    json_data: str
    user_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., data_type: _Optional[int] = ..., json_data: _Optional[str] = ..., user_id: _Optional[int] = ...) -> None: ...

class AddClanUserEvent(_message.Message):
    __slots__ = ("clan_id", "user", "invitor")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    INVITOR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    user: UserProfileRedis
    invitor: str
    def __init__(self, clan_id: _Optional[int] = ..., user: _Optional[_Union[UserProfileRedis, _Mapping[str, _Any]]] = ..., invitor: _Optional[str] = ...) -> None: ...

class RoleAssignedEvent(_message.Message):
    __slots__ = ("ClanId", "role_id", "user_ids_assigned", "user_ids_removed")
    CLANID_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_REMOVED_FIELD_NUMBER: _ClassVar[int]
    ClanId: str
    role_id: int
    user_ids_assigned: _containers.RepeatedScalarFieldContainer[int]
    user_ids_removed: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ClanId: _Optional[str] = ..., role_id: _Optional[int] = ..., user_ids_assigned: _Optional[_Iterable[int]] = ..., user_ids_removed: _Optional[_Iterable[int]] = ...) -> None: ...

class PermissionRoleChannel(_message.Message):
    __slots__ = ("permission_id", "active")
    PERMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    permission_id: int
    active: bool
    def __init__(self, permission_id: _Optional[int] = ..., active: _Optional[bool] = ...) -> None: ...

class HashtagDm(_message.Message):
    __slots__ = ("channel_id", "channel_label", "clan_id", "clan_name", "meeting_code", "type", "channel_private", "parent_id")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    MEETING_CODE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    channel_label: str
    clan_id: int
    clan_name: str
    meeting_code: str
    type: int
    channel_private: int
    parent_id: int
    def __init__(self, channel_id: _Optional[int] = ..., channel_label: _Optional[str] = ..., clan_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., meeting_code: _Optional[str] = ..., type: _Optional[int] = ..., channel_private: _Optional[int] = ..., parent_id: _Optional[int] = ...) -> None: ...

class ChannelDescription(_message.Message):
    __slots__ = ("clan_id", "channel_id", "type", "channel_label", "channel_private", "meeting_code", "clan_name", "parent_id", "last_sent_message")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    MEETING_CODE_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_SENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    type: _wrappers_pb2.Int32Value
    channel_label: str
    channel_private: int
    meeting_code: str
    clan_name: str
    parent_id: int
    last_sent_message: _api_pb2.ChannelMessageHeader
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., type: _Optional[_Union[_wrappers_pb2.Int32Value, _Mapping[str, _Any]]] = ..., channel_label: _Optional[str] = ..., channel_private: _Optional[int] = ..., meeting_code: _Optional[str] = ..., clan_name: _Optional[str] = ..., parent_id: _Optional[int] = ..., last_sent_message: _Optional[_Union[_api_pb2.ChannelMessageHeader, _Mapping[str, _Any]]] = ...) -> None: ...

class ClanEmoji(_message.Message):
    __slots__ = ("id", "src", "shortname", "category", "creator_id", "clan_id", "logo", "clan_name")
    ID_FIELD_NUMBER: _ClassVar[int]
    SRC_FIELD_NUMBER: _ClassVar[int]
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    id: int
    src: str
    shortname: str
    category: str
    creator_id: int
    clan_id: int
    logo: str
    clan_name: str
    def __init__(self, id: _Optional[int] = ..., src: _Optional[str] = ..., shortname: _Optional[str] = ..., category: _Optional[str] = ..., creator_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., logo: _Optional[str] = ..., clan_name: _Optional[str] = ...) -> None: ...

class Channel(_message.Message):
    __slots__ = ("id", "presences", "self", "chanel_label", "clan_logo", "category_name")
    ID_FIELD_NUMBER: _ClassVar[int]
    PRESENCES_FIELD_NUMBER: _ClassVar[int]
    SELF_FIELD_NUMBER: _ClassVar[int]
    CHANEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CLAN_LOGO_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    id: int
    presences: _containers.RepeatedCompositeFieldContainer[UserPresence]
    self: UserPresence
    chanel_label: str
    clan_logo: str
    category_name: str
    def __init__(self_, id: _Optional[int] = ..., presences: _Optional[_Iterable[_Union[UserPresence, _Mapping[str, _Any]]]] = ..., self: _Optional[_Union[UserPresence, _Mapping[str, _Any]]] = ..., chanel_label: _Optional[str] = ..., clan_logo: _Optional[str] = ..., category_name: _Optional[str] = ...) -> None: ...

class ClanJoin(_message.Message):
    __slots__ = ("clan_id", "is_last_field")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    IS_LAST_FIELD_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    is_last_field: bool
    def __init__(self, clan_id: _Optional[int] = ..., is_last_field: _Optional[bool] = ...) -> None: ...

class ChannelJoin(_message.Message):
    __slots__ = ("clan_id", "channel_id", "channel_type", "is_public")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    channel_type: int
    is_public: bool
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_type: _Optional[int] = ..., is_public: _Optional[bool] = ...) -> None: ...

class ChannelLeave(_message.Message):
    __slots__ = ("clan_id", "channel_id", "channel_type", "is_public")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    channel_type: int
    is_public: bool
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_type: _Optional[int] = ..., is_public: _Optional[bool] = ...) -> None: ...

class ChannelMessageAck(_message.Message):
    __slots__ = ("channel_id", "message_id", "code", "username", "create_time_seconds", "update_time_seconds", "persistent", "clan_logo", "category_name")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PERSISTENT_FIELD_NUMBER: _ClassVar[int]
    CLAN_LOGO_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    message_id: int
    code: int
    username: str
    create_time_seconds: int
    update_time_seconds: int
    persistent: _wrappers_pb2.BoolValue
    clan_logo: str
    category_name: str
    def __init__(self, channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., code: _Optional[int] = ..., username: _Optional[str] = ..., create_time_seconds: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., persistent: _Optional[_Union[_wrappers_pb2.BoolValue, _Mapping[str, _Any]]] = ..., clan_logo: _Optional[str] = ..., category_name: _Optional[str] = ...) -> None: ...

class EphemeralMessageSend(_message.Message):
    __slots__ = ("message", "receiver_ids")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_IDS_FIELD_NUMBER: _ClassVar[int]
    message: ChannelMessageSend
    receiver_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, message: _Optional[_Union[ChannelMessageSend, _Mapping[str, _Any]]] = ..., receiver_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class QuickMenuDataEvent(_message.Message):
    __slots__ = ("menu_name", "message", "sender_id", "message_sender_id")
    MENU_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    menu_name: str
    message: ChannelMessageSend
    sender_id: int
    message_sender_id: int
    def __init__(self, menu_name: _Optional[str] = ..., message: _Optional[_Union[ChannelMessageSend, _Mapping[str, _Any]]] = ..., sender_id: _Optional[int] = ..., message_sender_id: _Optional[int] = ...) -> None: ...

class VoiceReactionSend(_message.Message):
    __slots__ = ("emojis", "channel_id", "sender_id", "media_type")
    EMOJIS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    emojis: _containers.RepeatedScalarFieldContainer[str]
    channel_id: int
    sender_id: int
    media_type: int
    def __init__(self, emojis: _Optional[_Iterable[str]] = ..., channel_id: _Optional[int] = ..., sender_id: _Optional[int] = ..., media_type: _Optional[int] = ...) -> None: ...

class MarkAsRead(_message.Message):
    __slots__ = ("channel_id", "category_id", "clan_id")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    category_id: int
    clan_id: int
    def __init__(self, channel_id: _Optional[int] = ..., category_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class ChannelMessageSend(_message.Message):
    __slots__ = ("clan_id", "channel_id", "content", "mentions", "attachments", "references", "mode", "anonymous_message", "mention_everyone", "avatar", "is_public", "code", "topic_id", "id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ANONYMOUS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MENTION_EVERYONE_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    content: str
    mentions: _containers.RepeatedCompositeFieldContainer[_api_pb2.MessageMention]
    attachments: _containers.RepeatedCompositeFieldContainer[_api_pb2.MessageAttachment]
    references: _containers.RepeatedCompositeFieldContainer[_api_pb2.MessageRef]
    mode: int
    anonymous_message: bool
    mention_everyone: bool
    avatar: str
    is_public: bool
    code: int
    topic_id: int
    id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., content: _Optional[str] = ..., mentions: _Optional[_Iterable[_Union[_api_pb2.MessageMention, _Mapping[str, _Any]]]] = ..., attachments: _Optional[_Iterable[_Union[_api_pb2.MessageAttachment, _Mapping[str, _Any]]]] = ..., references: _Optional[_Iterable[_Union[_api_pb2.MessageRef, _Mapping[str, _Any]]]] = ..., mode: _Optional[int] = ..., anonymous_message: _Optional[bool] = ..., mention_everyone: _Optional[bool] = ..., avatar: _Optional[str] = ..., is_public: _Optional[bool] = ..., code: _Optional[int] = ..., topic_id: _Optional[int] = ..., id: _Optional[int] = ...) -> None: ...

class ChannelMessageUpdate(_message.Message):
    __slots__ = ("clan_id", "channel_id", "message_id", "content", "mentions", "attachments", "mode", "is_public", "hide_editted", "topic_id", "is_update_msg_topic", "create_time_seconds")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    HIDE_EDITTED_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    IS_UPDATE_MSG_TOPIC_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    message_id: int
    content: str
    mentions: _containers.RepeatedCompositeFieldContainer[_api_pb2.MessageMention]
    attachments: _containers.RepeatedCompositeFieldContainer[_api_pb2.MessageAttachment]
    mode: int
    is_public: bool
    hide_editted: bool
    topic_id: int
    is_update_msg_topic: bool
    create_time_seconds: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., content: _Optional[str] = ..., mentions: _Optional[_Iterable[_Union[_api_pb2.MessageMention, _Mapping[str, _Any]]]] = ..., attachments: _Optional[_Iterable[_Union[_api_pb2.MessageAttachment, _Mapping[str, _Any]]]] = ..., mode: _Optional[int] = ..., is_public: _Optional[bool] = ..., hide_editted: _Optional[bool] = ..., topic_id: _Optional[int] = ..., is_update_msg_topic: _Optional[bool] = ..., create_time_seconds: _Optional[int] = ...) -> None: ...

class ChannelMessageRemove(_message.Message):
    __slots__ = ("clan_id", "channel_id", "message_id", "mode", "is_public", "has_attachment", "topic_id", "mentions", "references")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    HAS_ATTACHMENT_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    message_id: int
    mode: int
    is_public: bool
    has_attachment: bool
    topic_id: int
    mentions: bytes
    references: bytes
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., mode: _Optional[int] = ..., is_public: _Optional[bool] = ..., has_attachment: _Optional[bool] = ..., topic_id: _Optional[int] = ..., mentions: _Optional[bytes] = ..., references: _Optional[bytes] = ...) -> None: ...

class ChannelPresenceEvent(_message.Message):
    __slots__ = ("channel_id", "joins", "leaves", "clan_logo", "category_name", "mode")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    JOINS_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    CLAN_LOGO_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    joins: _containers.RepeatedCompositeFieldContainer[UserPresence]
    leaves: _containers.RepeatedCompositeFieldContainer[UserPresence]
    clan_logo: str
    category_name: str
    mode: int
    def __init__(self, channel_id: _Optional[int] = ..., joins: _Optional[_Iterable[_Union[UserPresence, _Mapping[str, _Any]]]] = ..., leaves: _Optional[_Iterable[_Union[UserPresence, _Mapping[str, _Any]]]] = ..., clan_logo: _Optional[str] = ..., category_name: _Optional[str] = ..., mode: _Optional[int] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "message", "context")
    class Code(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RUNTIME_EXCEPTION: _ClassVar[Error.Code]
        UNRECOGNIZED_PAYLOAD: _ClassVar[Error.Code]
        MISSING_PAYLOAD: _ClassVar[Error.Code]
        BAD_INPUT: _ClassVar[Error.Code]
        MATCH_NOT_FOUND: _ClassVar[Error.Code]
        MATCH_JOIN_REJECTED: _ClassVar[Error.Code]
        RUNTIME_FUNCTION_NOT_FOUND: _ClassVar[Error.Code]
        RUNTIME_FUNCTION_EXCEPTION: _ClassVar[Error.Code]
    RUNTIME_EXCEPTION: Error.Code
    UNRECOGNIZED_PAYLOAD: Error.Code
    MISSING_PAYLOAD: Error.Code
    BAD_INPUT: Error.Code
    MATCH_NOT_FOUND: Error.Code
    MATCH_JOIN_REJECTED: Error.Code
    RUNTIME_FUNCTION_NOT_FOUND: Error.Code
    RUNTIME_FUNCTION_EXCEPTION: Error.Code
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    context: _containers.ScalarMap[str, str]
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., context: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Notifications(_message.Message):
    __slots__ = ("notifications",)
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    notifications: _containers.RepeatedCompositeFieldContainer[_api_pb2.Notification]
    def __init__(self, notifications: _Optional[_Iterable[_Union[_api_pb2.Notification, _Mapping[str, _Any]]]] = ...) -> None: ...

class AddFriend(_message.Message):
    __slots__ = ("user_id", "username", "display_name", "avatar")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    display_name: str
    avatar: str
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., display_name: _Optional[str] = ..., avatar: _Optional[str] = ...) -> None: ...

class RemoveFriend(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    def __init__(self, user_id: _Optional[int] = ...) -> None: ...

class BlockFriend(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    def __init__(self, user_id: _Optional[int] = ...) -> None: ...

class UnblockFriend(_message.Message):
    __slots__ = ("user_id", "username", "avatar", "display_name", "status", "user_status")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    USER_STATUS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    avatar: str
    display_name: str
    status: str
    user_status: str
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., avatar: _Optional[str] = ..., display_name: _Optional[str] = ..., status: _Optional[str] = ..., user_status: _Optional[str] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Pong(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Status(_message.Message):
    __slots__ = ("presences",)
    PRESENCES_FIELD_NUMBER: _ClassVar[int]
    presences: _containers.RepeatedCompositeFieldContainer[UserPresence]
    def __init__(self, presences: _Optional[_Iterable[_Union[UserPresence, _Mapping[str, _Any]]]] = ...) -> None: ...

class StatusFollow(_message.Message):
    __slots__ = ("user_ids", "usernames")
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    usernames: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_ids: _Optional[_Iterable[int]] = ..., usernames: _Optional[_Iterable[str]] = ...) -> None: ...

class StatusPresenceEvent(_message.Message):
    __slots__ = ("joins", "leaves")
    JOINS_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    joins: _containers.RepeatedCompositeFieldContainer[UserPresence]
    leaves: _containers.RepeatedCompositeFieldContainer[UserPresence]
    def __init__(self, joins: _Optional[_Iterable[_Union[UserPresence, _Mapping[str, _Any]]]] = ..., leaves: _Optional[_Iterable[_Union[UserPresence, _Mapping[str, _Any]]]] = ...) -> None: ...

class LastPinMessageEvent(_message.Message):
    __slots__ = ("clan_id", "channel_id", "message_id", "mode", "user_id", "timestamp_seconds", "operation", "is_public", "message_sender_avatar", "message_sender_id", "message_sender_username", "message_content", "message_attachment", "message_created_time")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_AVATAR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_USERNAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ATTACHMENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CREATED_TIME_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    message_id: int
    mode: int
    user_id: int
    timestamp_seconds: int
    operation: int
    is_public: bool
    message_sender_avatar: str
    message_sender_id: str
    message_sender_username: str
    message_content: str
    message_attachment: str
    message_created_time: str
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., mode: _Optional[int] = ..., user_id: _Optional[int] = ..., timestamp_seconds: _Optional[int] = ..., operation: _Optional[int] = ..., is_public: _Optional[bool] = ..., message_sender_avatar: _Optional[str] = ..., message_sender_id: _Optional[str] = ..., message_sender_username: _Optional[str] = ..., message_content: _Optional[str] = ..., message_attachment: _Optional[str] = ..., message_created_time: _Optional[str] = ...) -> None: ...

class LastSeenMessageEvent(_message.Message):
    __slots__ = ("clan_id", "channel_id", "message_id", "mode", "timestamp_seconds", "badge_count")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    BADGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    message_id: int
    mode: int
    timestamp_seconds: int
    badge_count: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., mode: _Optional[int] = ..., timestamp_seconds: _Optional[int] = ..., badge_count: _Optional[int] = ...) -> None: ...

class MessageTypingEvent(_message.Message):
    __slots__ = ("clan_id", "channel_id", "sender_id", "mode", "is_public", "sender_username", "sender_display_name", "topic_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    SENDER_USERNAME_FIELD_NUMBER: _ClassVar[int]
    SENDER_DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    sender_id: int
    mode: int
    is_public: bool
    sender_username: str
    sender_display_name: str
    topic_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., sender_id: _Optional[int] = ..., mode: _Optional[int] = ..., is_public: _Optional[bool] = ..., sender_username: _Optional[str] = ..., sender_display_name: _Optional[str] = ..., topic_id: _Optional[int] = ...) -> None: ...

class VoiceLeavedEvent(_message.Message):
    __slots__ = ("id", "clan_id", "voice_channel_id", "voice_user_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VOICE_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    VOICE_USER_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    clan_id: int
    voice_channel_id: int
    voice_user_id: int
    def __init__(self, id: _Optional[str] = ..., clan_id: _Optional[int] = ..., voice_channel_id: _Optional[int] = ..., voice_user_id: _Optional[int] = ...) -> None: ...

class VoiceJoinedEvent(_message.Message):
    __slots__ = ("clan_id", "clan_name", "id", "participant", "user_id", "voice_channel_label", "voice_channel_id", "last_screenshot")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VOICE_CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    VOICE_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    clan_name: str
    id: str
    participant: str
    user_id: int
    voice_channel_label: str
    voice_channel_id: int
    last_screenshot: str
    def __init__(self, clan_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., id: _Optional[str] = ..., participant: _Optional[str] = ..., user_id: _Optional[int] = ..., voice_channel_label: _Optional[str] = ..., voice_channel_id: _Optional[int] = ..., last_screenshot: _Optional[str] = ...) -> None: ...

class VoiceStartedEvent(_message.Message):
    __slots__ = ("id", "clan_id", "voice_channel_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VOICE_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    clan_id: int
    voice_channel_id: int
    def __init__(self, id: _Optional[str] = ..., clan_id: _Optional[int] = ..., voice_channel_id: _Optional[int] = ...) -> None: ...

class VoiceEndedEvent(_message.Message):
    __slots__ = ("id", "clan_id", "voice_channel_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VOICE_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    voice_channel_id: str
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., voice_channel_id: _Optional[str] = ...) -> None: ...

class StreamingLeavedEvent(_message.Message):
    __slots__ = ("id", "clan_id", "streaming_channel_id", "streaming_user_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    STREAMING_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    STREAMING_USER_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    streaming_channel_id: str
    streaming_user_id: str
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., streaming_channel_id: _Optional[str] = ..., streaming_user_id: _Optional[str] = ...) -> None: ...

class StreamingJoinedEvent(_message.Message):
    __slots__ = ("clan_id", "clan_name", "id", "participant", "user_id", "streaming_channel_label", "streaming_channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    STREAMING_CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    STREAMING_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    clan_name: str
    id: int
    participant: str
    user_id: int
    streaming_channel_label: str
    streaming_channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., id: _Optional[int] = ..., participant: _Optional[str] = ..., user_id: _Optional[int] = ..., streaming_channel_label: _Optional[str] = ..., streaming_channel_id: _Optional[int] = ...) -> None: ...

class StreamingStartedEvent(_message.Message):
    __slots__ = ("clan_id", "channel_id", "streaming_url", "is_streaming")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    STREAMING_URL_FIELD_NUMBER: _ClassVar[int]
    IS_STREAMING_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    streaming_url: str
    is_streaming: bool
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., streaming_url: _Optional[str] = ..., is_streaming: _Optional[bool] = ...) -> None: ...

class StreamingEndedEvent(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class ChannelCreatedEvent(_message.Message):
    __slots__ = ("clan_id", "category_id", "creator_id", "parent_id", "channel_id", "channel_label", "channel_private", "channel_type", "status", "app_id", "clan_name", "channel_avatar")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_AVATAR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    category_id: int
    creator_id: int
    parent_id: int
    channel_id: int
    channel_label: str
    channel_private: int
    channel_type: int
    status: int
    app_id: int
    clan_name: str
    channel_avatar: str
    def __init__(self, clan_id: _Optional[int] = ..., category_id: _Optional[int] = ..., creator_id: _Optional[int] = ..., parent_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_label: _Optional[str] = ..., channel_private: _Optional[int] = ..., channel_type: _Optional[int] = ..., status: _Optional[int] = ..., app_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., channel_avatar: _Optional[str] = ...) -> None: ...

class CategoryEvent(_message.Message):
    __slots__ = ("creator_id", "clan_id", "category_name", "id", "status")
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    creator_id: int
    clan_id: int
    category_name: str
    id: int
    status: int
    def __init__(self, creator_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., category_name: _Optional[str] = ..., id: _Optional[int] = ..., status: _Optional[int] = ...) -> None: ...

class RoleEvent(_message.Message):
    __slots__ = ("role", "status", "user_id", "user_add_ids", "user_remove_ids", "active_permission_ids", "remove_permission_ids")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ADD_IDS_FIELD_NUMBER: _ClassVar[int]
    USER_REMOVE_IDS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_PERMISSION_IDS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_PERMISSION_IDS_FIELD_NUMBER: _ClassVar[int]
    role: _api_pb2.Role
    status: int
    user_id: int
    user_add_ids: _containers.RepeatedScalarFieldContainer[int]
    user_remove_ids: _containers.RepeatedScalarFieldContainer[int]
    active_permission_ids: _containers.RepeatedScalarFieldContainer[int]
    remove_permission_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, role: _Optional[_Union[_api_pb2.Role, _Mapping[str, _Any]]] = ..., status: _Optional[int] = ..., user_id: _Optional[int] = ..., user_add_ids: _Optional[_Iterable[int]] = ..., user_remove_ids: _Optional[_Iterable[int]] = ..., active_permission_ids: _Optional[_Iterable[int]] = ..., remove_permission_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ChannelDeletedEvent(_message.Message):
    __slots__ = ("clan_id", "category_id", "parent_id", "channel_id", "deletor")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    DELETOR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    category_id: int
    parent_id: int
    channel_id: int
    deletor: str
    def __init__(self, clan_id: _Optional[int] = ..., category_id: _Optional[int] = ..., parent_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., deletor: _Optional[str] = ...) -> None: ...

class ClanDeletedEvent(_message.Message):
    __slots__ = ("clan_id", "deletor")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    DELETOR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    deletor: int
    def __init__(self, clan_id: _Optional[int] = ..., deletor: _Optional[int] = ...) -> None: ...

class StickerCreateEvent(_message.Message):
    __slots__ = ("clan_id", "source", "shortname", "category", "creator_id", "sticker_id", "logo", "clan_name")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    STICKER_ID_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    source: str
    shortname: str
    category: str
    creator_id: int
    sticker_id: int
    logo: str
    clan_name: str
    def __init__(self, clan_id: _Optional[int] = ..., source: _Optional[str] = ..., shortname: _Optional[str] = ..., category: _Optional[str] = ..., creator_id: _Optional[int] = ..., sticker_id: _Optional[int] = ..., logo: _Optional[str] = ..., clan_name: _Optional[str] = ...) -> None: ...

class StickerUpdateEvent(_message.Message):
    __slots__ = ("shortname", "sticker_id", "user_id")
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    STICKER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    shortname: str
    sticker_id: int
    user_id: int
    def __init__(self, shortname: _Optional[str] = ..., sticker_id: _Optional[int] = ..., user_id: _Optional[int] = ...) -> None: ...

class StickerDeleteEvent(_message.Message):
    __slots__ = ("sticker_id", "user_id")
    STICKER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    sticker_id: int
    user_id: int
    def __init__(self, sticker_id: _Optional[int] = ..., user_id: _Optional[int] = ...) -> None: ...

class ChannelUpdatedEvent(_message.Message):
    __slots__ = ("clan_id", "category_id", "creator_id", "parent_id", "channel_id", "channel_label", "channel_type", "status", "meeting_code", "is_error", "channel_private", "app_id", "e2ee", "topic", "age_restricted", "active", "count_mess_unread", "user_ids", "role_ids", "channel_avatar")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MEETING_CODE_FIELD_NUMBER: _ClassVar[int]
    IS_ERROR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    E2EE_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    AGE_RESTRICTED_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    COUNT_MESS_UNREAD_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    ROLE_IDS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_AVATAR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    category_id: int
    creator_id: int
    parent_id: int
    channel_id: int
    channel_label: str
    channel_type: int
    status: int
    meeting_code: str
    is_error: bool
    channel_private: bool
    app_id: int
    e2ee: int
    topic: str
    age_restricted: int
    active: int
    count_mess_unread: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    role_ids: _containers.RepeatedScalarFieldContainer[int]
    channel_avatar: str
    def __init__(self, clan_id: _Optional[int] = ..., category_id: _Optional[int] = ..., creator_id: _Optional[int] = ..., parent_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_label: _Optional[str] = ..., channel_type: _Optional[int] = ..., status: _Optional[int] = ..., meeting_code: _Optional[str] = ..., is_error: _Optional[bool] = ..., channel_private: _Optional[bool] = ..., app_id: _Optional[int] = ..., e2ee: _Optional[int] = ..., topic: _Optional[str] = ..., age_restricted: _Optional[int] = ..., active: _Optional[int] = ..., count_mess_unread: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., role_ids: _Optional[_Iterable[int]] = ..., channel_avatar: _Optional[str] = ...) -> None: ...

class ChannelArchiveEvent(_message.Message):
    __slots__ = ("clan_id", "category_id", "creator_id", "parent_id", "channel_id", "channel_label", "channel_type", "status", "meeting_code", "is_error", "channel_private", "app_id", "e2ee", "topic", "age_restricted", "active", "count_mess_unread", "user_ids", "role_ids", "channel_avatar")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MEETING_CODE_FIELD_NUMBER: _ClassVar[int]
    IS_ERROR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    E2EE_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    AGE_RESTRICTED_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    COUNT_MESS_UNREAD_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    ROLE_IDS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_AVATAR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    category_id: int
    creator_id: int
    parent_id: int
    channel_id: int
    channel_label: str
    channel_type: int
    status: int
    meeting_code: str
    is_error: bool
    channel_private: bool
    app_id: int
    e2ee: int
    topic: str
    age_restricted: int
    active: int
    count_mess_unread: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    role_ids: _containers.RepeatedScalarFieldContainer[int]
    channel_avatar: str
    def __init__(self, clan_id: _Optional[int] = ..., category_id: _Optional[int] = ..., creator_id: _Optional[int] = ..., parent_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_label: _Optional[str] = ..., channel_type: _Optional[int] = ..., status: _Optional[int] = ..., meeting_code: _Optional[str] = ..., is_error: _Optional[bool] = ..., channel_private: _Optional[bool] = ..., app_id: _Optional[int] = ..., e2ee: _Optional[int] = ..., topic: _Optional[str] = ..., age_restricted: _Optional[int] = ..., active: _Optional[int] = ..., count_mess_unread: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., role_ids: _Optional[_Iterable[int]] = ..., channel_avatar: _Optional[str] = ...) -> None: ...

class StatusUnfollow(_message.Message):
    __slots__ = ("user_ids",)
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class StatusUpdate(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _wrappers_pb2.StringValue
    def __init__(self, status: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ...) -> None: ...

class Stream(_message.Message):
    __slots__ = ("mode", "channel_id", "clan_id", "label")
    MODE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    mode: int
    channel_id: int
    clan_id: int
    label: str
    def __init__(self, mode: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., label: _Optional[str] = ...) -> None: ...

class StreamData(_message.Message):
    __slots__ = ("stream", "sender", "data", "reliable")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    RELIABLE_FIELD_NUMBER: _ClassVar[int]
    stream: Stream
    sender: UserPresence
    data: str
    reliable: bool
    def __init__(self, stream: _Optional[_Union[Stream, _Mapping[str, _Any]]] = ..., sender: _Optional[_Union[UserPresence, _Mapping[str, _Any]]] = ..., data: _Optional[str] = ..., reliable: _Optional[bool] = ...) -> None: ...

class StreamPresenceEvent(_message.Message):
    __slots__ = ("stream", "joins", "leaves")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    JOINS_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    stream: Stream
    joins: _containers.RepeatedCompositeFieldContainer[UserPresence]
    leaves: _containers.RepeatedCompositeFieldContainer[UserPresence]
    def __init__(self, stream: _Optional[_Union[Stream, _Mapping[str, _Any]]] = ..., joins: _Optional[_Iterable[_Union[UserPresence, _Mapping[str, _Any]]]] = ..., leaves: _Optional[_Iterable[_Union[UserPresence, _Mapping[str, _Any]]]] = ...) -> None: ...

class UserPresence(_message.Message):
    __slots__ = ("user_id", "session_id", "username", "status", "is_mobile", "user_status")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IS_MOBILE_FIELD_NUMBER: _ClassVar[int]
    USER_STATUS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    session_id: int
    username: str
    status: _wrappers_pb2.StringValue
    is_mobile: bool
    user_status: str
    def __init__(self, user_id: _Optional[int] = ..., session_id: _Optional[int] = ..., username: _Optional[str] = ..., status: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., is_mobile: _Optional[bool] = ..., user_status: _Optional[str] = ...) -> None: ...

class CustomStatusEvent(_message.Message):
    __slots__ = ("clan_id", "user_id", "username", "status", "time_reset", "no_clear")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TIME_RESET_FIELD_NUMBER: _ClassVar[int]
    NO_CLEAR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    user_id: int
    username: str
    status: str
    time_reset: int
    no_clear: bool
    def __init__(self, clan_id: _Optional[int] = ..., user_id: _Optional[int] = ..., username: _Optional[str] = ..., status: _Optional[str] = ..., time_reset: _Optional[int] = ..., no_clear: _Optional[bool] = ...) -> None: ...

class UserChannelAdded(_message.Message):
    __slots__ = ("channel_desc", "users", "status", "clan_id", "caller", "create_time_seconds", "active")
    CHANNEL_DESC_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    channel_desc: _api_pb2.ChannelDescription
    users: _containers.RepeatedCompositeFieldContainer[UserProfileRedis]
    status: str
    clan_id: int
    caller: UserProfileRedis
    create_time_seconds: int
    active: int
    def __init__(self, channel_desc: _Optional[_Union[_api_pb2.ChannelDescription, _Mapping[str, _Any]]] = ..., users: _Optional[_Iterable[_Union[UserProfileRedis, _Mapping[str, _Any]]]] = ..., status: _Optional[str] = ..., clan_id: _Optional[int] = ..., caller: _Optional[_Union[UserProfileRedis, _Mapping[str, _Any]]] = ..., create_time_seconds: _Optional[int] = ..., active: _Optional[int] = ...) -> None: ...

class UserChannelRemoved(_message.Message):
    __slots__ = ("channel_id", "user_ids", "channel_type", "clan_id", "badge_counts")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    BADGE_COUNTS_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    channel_type: int
    clan_id: int
    badge_counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, channel_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., channel_type: _Optional[int] = ..., clan_id: _Optional[int] = ..., badge_counts: _Optional[_Iterable[int]] = ...) -> None: ...

class UserClanRemoved(_message.Message):
    __slots__ = ("clan_id", "user_ids")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, clan_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ClanCreatedEvent(_message.Message):
    __slots__ = ("clan_id", "clan_name", "logo", "creator_id", "welcome_channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    WELCOME_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    clan_name: str
    logo: str
    creator_id: int
    welcome_channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., logo: _Optional[str] = ..., creator_id: _Optional[int] = ..., welcome_channel_id: _Optional[int] = ...) -> None: ...

class ClanUpdatedEvent(_message.Message):
    __slots__ = ("clan_id", "clan_name", "logo", "banner", "status", "is_onboarding", "welcome_channel_id", "onboarding_banner", "community_banner", "is_community", "about", "description", "prevent_anonymous")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    BANNER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IS_ONBOARDING_FIELD_NUMBER: _ClassVar[int]
    WELCOME_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ONBOARDING_BANNER_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_BANNER_FIELD_NUMBER: _ClassVar[int]
    IS_COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PREVENT_ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    clan_name: str
    logo: str
    banner: str
    status: int
    is_onboarding: bool
    welcome_channel_id: int
    onboarding_banner: str
    community_banner: str
    is_community: bool
    about: str
    description: str
    prevent_anonymous: bool
    def __init__(self, clan_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., logo: _Optional[str] = ..., banner: _Optional[str] = ..., status: _Optional[int] = ..., is_onboarding: _Optional[bool] = ..., welcome_channel_id: _Optional[int] = ..., onboarding_banner: _Optional[str] = ..., community_banner: _Optional[str] = ..., is_community: _Optional[bool] = ..., about: _Optional[str] = ..., description: _Optional[str] = ..., prevent_anonymous: _Optional[bool] = ...) -> None: ...

class ClanProfileUpdatedEvent(_message.Message):
    __slots__ = ("user_id", "clan_nick", "clan_avatar", "clan_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NICK_FIELD_NUMBER: _ClassVar[int]
    CLAN_AVATAR_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    clan_nick: str
    clan_avatar: str
    clan_id: int
    def __init__(self, user_id: _Optional[int] = ..., clan_nick: _Optional[str] = ..., clan_avatar: _Optional[str] = ..., clan_id: _Optional[int] = ...) -> None: ...

class UserProfileUpdatedEvent(_message.Message):
    __slots__ = ("user_id", "display_name", "avatar", "about_me", "channel_id", "clan_id", "encrypt_private_key")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    ABOUT_ME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ENCRYPT_PRIVATE_KEY_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    display_name: str
    avatar: str
    about_me: str
    channel_id: int
    clan_id: int
    encrypt_private_key: str
    def __init__(self, user_id: _Optional[int] = ..., display_name: _Optional[str] = ..., avatar: _Optional[str] = ..., about_me: _Optional[str] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., encrypt_private_key: _Optional[str] = ...) -> None: ...

class ConfirmLinkMezonOTPData(_message.Message):
    __slots__ = ("type", "value")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    type: int
    value: str
    def __init__(self, type: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...

class UserProfileRedis(_message.Message):
    __slots__ = ("user_id", "username", "avatar", "display_name", "user_status", "status", "online", "fcm_tokens", "joined_clans", "app_token", "create_time_second", "app_url", "is_bot", "voip_token")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    USER_STATUS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    FCM_TOKENS_FIELD_NUMBER: _ClassVar[int]
    JOINED_CLANS_FIELD_NUMBER: _ClassVar[int]
    APP_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECOND_FIELD_NUMBER: _ClassVar[int]
    APP_URL_FIELD_NUMBER: _ClassVar[int]
    IS_BOT_FIELD_NUMBER: _ClassVar[int]
    VOIP_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    avatar: str
    display_name: str
    user_status: str
    status: str
    online: bool
    fcm_tokens: _containers.RepeatedCompositeFieldContainer[FCMTokens]
    joined_clans: _containers.RepeatedScalarFieldContainer[int]
    app_token: str
    create_time_second: int
    app_url: str
    is_bot: bool
    voip_token: str
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., avatar: _Optional[str] = ..., display_name: _Optional[str] = ..., user_status: _Optional[str] = ..., status: _Optional[str] = ..., online: _Optional[bool] = ..., fcm_tokens: _Optional[_Iterable[_Union[FCMTokens, _Mapping[str, _Any]]]] = ..., joined_clans: _Optional[_Iterable[int]] = ..., app_token: _Optional[str] = ..., create_time_second: _Optional[int] = ..., app_url: _Optional[str] = ..., is_bot: _Optional[bool] = ..., voip_token: _Optional[str] = ...) -> None: ...

class FCMTokens(_message.Message):
    __slots__ = ("device_id", "token_id", "platform")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    device_id: str
    token_id: str
    platform: str
    def __init__(self, device_id: _Optional[str] = ..., token_id: _Optional[str] = ..., platform: _Optional[str] = ...) -> None: ...

class CheckNameExistedEvent(_message.Message):
    __slots__ = ("name", "condition_id", "exist", "type", "clan_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONDITION_ID_FIELD_NUMBER: _ClassVar[int]
    EXIST_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    condition_id: int
    exist: bool
    type: int
    clan_id: int
    def __init__(self, name: _Optional[str] = ..., condition_id: _Optional[int] = ..., exist: _Optional[bool] = ..., type: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class NotificationChannelCategorySetting(_message.Message):
    __slots__ = ("id", "channel_category_label", "notification_setting_type", "channel_category_title", "action")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_CATEGORY_LABEL_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_SETTING_TYPE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_CATEGORY_TITLE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    id: int
    channel_category_label: str
    notification_setting_type: int
    channel_category_title: str
    action: int
    def __init__(self, id: _Optional[int] = ..., channel_category_label: _Optional[str] = ..., notification_setting_type: _Optional[int] = ..., channel_category_title: _Optional[str] = ..., action: _Optional[int] = ...) -> None: ...

class EventEmoji(_message.Message):
    __slots__ = ("id", "clan_id", "short_name", "source", "category", "action", "user_id", "logo", "clan_name", "is_for_sale")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    SHORT_NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    IS_FOR_SALE_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    short_name: str
    source: str
    category: str
    action: int
    user_id: int
    logo: str
    clan_name: str
    is_for_sale: bool
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., short_name: _Optional[str] = ..., source: _Optional[str] = ..., category: _Optional[str] = ..., action: _Optional[int] = ..., user_id: _Optional[int] = ..., logo: _Optional[str] = ..., clan_name: _Optional[str] = ..., is_for_sale: _Optional[bool] = ...) -> None: ...

class PermissionSetEvent(_message.Message):
    __slots__ = ("caller", "role_id", "user_id", "channel_id", "permission_updates")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_UPDATES_FIELD_NUMBER: _ClassVar[int]
    caller: str
    role_id: int
    user_id: int
    channel_id: int
    permission_updates: _containers.RepeatedCompositeFieldContainer[_api_pb2.PermissionUpdate]
    def __init__(self, caller: _Optional[str] = ..., role_id: _Optional[int] = ..., user_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., permission_updates: _Optional[_Iterable[_Union[_api_pb2.PermissionUpdate, _Mapping[str, _Any]]]] = ...) -> None: ...

class PermissionChangedEvent(_message.Message):
    __slots__ = ("user_id", "channel_id", "add_permissions", "remove_permissions", "default_permissions")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ADD_PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    channel_id: int
    add_permissions: _containers.RepeatedCompositeFieldContainer[_api_pb2.PermissionUpdate]
    remove_permissions: _containers.RepeatedCompositeFieldContainer[_api_pb2.PermissionUpdate]
    default_permissions: _containers.RepeatedCompositeFieldContainer[_api_pb2.PermissionUpdate]
    def __init__(self, user_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., add_permissions: _Optional[_Iterable[_Union[_api_pb2.PermissionUpdate, _Mapping[str, _Any]]]] = ..., remove_permissions: _Optional[_Iterable[_Union[_api_pb2.PermissionUpdate, _Mapping[str, _Any]]]] = ..., default_permissions: _Optional[_Iterable[_Union[_api_pb2.PermissionUpdate, _Mapping[str, _Any]]]] = ...) -> None: ...

class MessageButtonClicked(_message.Message):
    __slots__ = ("message_id", "channel_id", "button_id", "sender_id", "user_id", "extra_data")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    BUTTON_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EXTRA_DATA_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    channel_id: int
    button_id: str
    sender_id: int
    user_id: int
    extra_data: str
    def __init__(self, message_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., button_id: _Optional[str] = ..., sender_id: _Optional[int] = ..., user_id: _Optional[int] = ..., extra_data: _Optional[str] = ...) -> None: ...

class UnmuteEvent(_message.Message):
    __slots__ = ("channel_id", "category_id", "clan_id")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    category_id: int
    clan_id: int
    def __init__(self, channel_id: _Optional[int] = ..., category_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class ListActivity(_message.Message):
    __slots__ = ("acts",)
    ACTS_FIELD_NUMBER: _ClassVar[int]
    acts: _containers.RepeatedCompositeFieldContainer[_api_pb2.UserActivity]
    def __init__(self, acts: _Optional[_Iterable[_Union[_api_pb2.UserActivity, _Mapping[str, _Any]]]] = ...) -> None: ...

class DropdownBoxSelected(_message.Message):
    __slots__ = ("message_id", "channel_id", "selectbox_id", "sender_id", "user_id", "values")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTBOX_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    channel_id: int
    selectbox_id: str
    sender_id: int
    user_id: int
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, message_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., selectbox_id: _Optional[str] = ..., sender_id: _Optional[int] = ..., user_id: _Optional[int] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class SdTopicEvent(_message.Message):
    __slots__ = ("id", "clan_id", "channel_id", "message_id", "user_id", "last_sent_message", "message")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_SENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    channel_id: int
    message_id: int
    user_id: int
    last_sent_message: _api_pb2.ChannelMessageHeader
    message: _api_pb2.ChannelMessage
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., user_id: _Optional[int] = ..., last_sent_message: _Optional[_Union[_api_pb2.ChannelMessageHeader, _Mapping[str, _Any]]] = ..., message: _Optional[_Union[_api_pb2.ChannelMessage, _Mapping[str, _Any]]] = ...) -> None: ...

class ChannelAppEvent(_message.Message):
    __slots__ = ("user_id", "username", "clan_id", "channel_id", "action")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    clan_id: int
    channel_id: int
    action: int
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., action: _Optional[int] = ...) -> None: ...

class UserStatusEvent(_message.Message):
    __slots__ = ("user_id", "custom_status")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_STATUS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    custom_status: str
    def __init__(self, user_id: _Optional[int] = ..., custom_status: _Optional[str] = ...) -> None: ...

class JoinChannelAppData(_message.Message):
    __slots__ = ("user_id", "username", "hash")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    hash: str
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., hash: _Optional[str] = ...) -> None: ...

class UnpinMessageEvent(_message.Message):
    __slots__ = ("id", "message_id", "channel_id", "clan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    message_id: int
    channel_id: int
    clan_id: int
    def __init__(self, id: _Optional[int] = ..., message_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class HandleParticipantMeetStateEvent(_message.Message):
    __slots__ = ("clan_id", "channel_id", "display_name", "state", "room_name")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    display_name: str
    state: int
    room_name: str
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., display_name: _Optional[str] = ..., state: _Optional[int] = ..., room_name: _Optional[str] = ...) -> None: ...

class DeleteAccountEvent(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    def __init__(self, user_id: _Optional[int] = ...) -> None: ...

class ListDataSocket(_message.Message):
    __slots__ = ("api_name", "list_channel_badge_count_req", "channel_badge_count", "clan_badge_count", "list_loged_device", "list_user_online_req", "user_online_list")
    API_NAME_FIELD_NUMBER: _ClassVar[int]
    LIST_CHANNEL_BADGE_COUNT_REQ_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_BADGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CLAN_BADGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LIST_LOGED_DEVICE_FIELD_NUMBER: _ClassVar[int]
    LIST_USER_ONLINE_REQ_FIELD_NUMBER: _ClassVar[int]
    USER_ONLINE_LIST_FIELD_NUMBER: _ClassVar[int]
    api_name: str
    list_channel_badge_count_req: _api_pb2.ListChannelBadgeCountRequest
    channel_badge_count: _api_pb2.ListChannelBadgeCountResponse
    clan_badge_count: _api_pb2.ListClanBadgeCountResponse
    list_loged_device: _api_pb2.LogedDeviceList
    list_user_online_req: _api_pb2.ListUserOnlineRequest
    user_online_list: _api_pb2.ListUserOnlineResponse
    def __init__(self, api_name: _Optional[str] = ..., list_channel_badge_count_req: _Optional[_Union[_api_pb2.ListChannelBadgeCountRequest, _Mapping[str, _Any]]] = ..., channel_badge_count: _Optional[_Union[_api_pb2.ListChannelBadgeCountResponse, _Mapping[str, _Any]]] = ..., clan_badge_count: _Optional[_Union[_api_pb2.ListClanBadgeCountResponse, _Mapping[str, _Any]]] = ..., list_loged_device: _Optional[_Union[_api_pb2.LogedDeviceList, _Mapping[str, _Any]]] = ..., list_user_online_req: _Optional[_Union[_api_pb2.ListUserOnlineRequest, _Mapping[str, _Any]]] = ..., user_online_list: _Optional[_Union[_api_pb2.ListUserOnlineResponse, _Mapping[str, _Any]]] = ...) -> None: ...

class MeetParticipantEvent(_message.Message):
    __slots__ = ("user_id", "room_name", "channel_id", "clan_id", "action")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    room_name: str
    channel_id: int
    clan_id: int
    action: int
    def __init__(self, user_id: _Optional[int] = ..., room_name: _Optional[str] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., action: _Optional[int] = ...) -> None: ...

class TransferOwnershipEvent(_message.Message):
    __slots__ = ("clan_id", "prev_owner", "curr_owner")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PREV_OWNER_FIELD_NUMBER: _ClassVar[int]
    CURR_OWNER_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    prev_owner: int
    curr_owner: int
    def __init__(self, clan_id: _Optional[int] = ..., prev_owner: _Optional[int] = ..., curr_owner: _Optional[int] = ...) -> None: ...

class ActiveArchivedThread(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class AllowAnonymousEvent(_message.Message):
    __slots__ = ("clan_id", "allow")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    allow: bool
    def __init__(self, clan_id: _Optional[int] = ..., allow: _Optional[bool] = ...) -> None: ...

class FcmDataPayload(_message.Message):
    __slots__ = ("command_type", "receiver_id", "title", "body", "user_role_ids", "user_sent_ids", "priority", "message", "is_e2ee", "is_dm", "mention_here", "mentions", "references", "attachments")
    COMMAND_TYPE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    USER_ROLE_IDS_FIELD_NUMBER: _ClassVar[int]
    USER_SENT_IDS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    IS_E2EE_FIELD_NUMBER: _ClassVar[int]
    IS_DM_FIELD_NUMBER: _ClassVar[int]
    MENTION_HERE_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    command_type: int
    receiver_id: int
    title: str
    body: bytes
    user_role_ids: _containers.RepeatedScalarFieldContainer[int]
    user_sent_ids: _containers.RepeatedScalarFieldContainer[int]
    priority: int
    message: _api_pb2.ChannelMessage
    is_e2ee: bool
    is_dm: bool
    mention_here: bool
    mentions: _containers.RepeatedCompositeFieldContainer[_api_pb2.MessageMention]
    references: _containers.RepeatedCompositeFieldContainer[_api_pb2.MessageRef]
    attachments: _containers.RepeatedCompositeFieldContainer[_api_pb2.MessageAttachment]
    def __init__(self, command_type: _Optional[int] = ..., receiver_id: _Optional[int] = ..., title: _Optional[str] = ..., body: _Optional[bytes] = ..., user_role_ids: _Optional[_Iterable[int]] = ..., user_sent_ids: _Optional[_Iterable[int]] = ..., priority: _Optional[int] = ..., message: _Optional[_Union[_api_pb2.ChannelMessage, _Mapping[str, _Any]]] = ..., is_e2ee: _Optional[bool] = ..., is_dm: _Optional[bool] = ..., mention_here: _Optional[bool] = ..., mentions: _Optional[_Iterable[_Union[_api_pb2.MessageMention, _Mapping[str, _Any]]]] = ..., references: _Optional[_Iterable[_Union[_api_pb2.MessageRef, _Mapping[str, _Any]]]] = ..., attachments: _Optional[_Iterable[_Union[_api_pb2.MessageAttachment, _Mapping[str, _Any]]]] = ...) -> None: ...

class AIAgentEnabledEvent(_message.Message):
    __slots__ = ("clan_id", "channel_id", "room_name", "enabled")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    room_name: str
    enabled: bool
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., room_name: _Optional[str] = ..., enabled: _Optional[bool] = ...) -> None: ...

class GotifyMessage(_message.Message):
    __slots__ = ("id", "channel_id", "message", "title", "image", "priority", "users", "extras", "app_id", "sender_id")
    class ExtrasEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    EXTRAS_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    channel_id: int
    message: str
    title: str
    image: str
    priority: int
    users: _containers.RepeatedScalarFieldContainer[str]
    extras: _containers.ScalarMap[str, str]
    app_id: int
    sender_id: int
    def __init__(self, id: _Optional[int] = ..., channel_id: _Optional[int] = ..., message: _Optional[str] = ..., title: _Optional[str] = ..., image: _Optional[str] = ..., priority: _Optional[int] = ..., users: _Optional[_Iterable[str]] = ..., extras: _Optional[_Mapping[str, str]] = ..., app_id: _Optional[int] = ..., sender_id: _Optional[int] = ...) -> None: ...
