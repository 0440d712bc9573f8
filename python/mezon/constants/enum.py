"""The names and numbers of the protocol that bots use."""

from enum import Enum, IntEnum


class InternalEventsSocket(str, Enum):  # noqa: UP042 (keeps str() of a member)
    """Envelope fields that the client handles or dispatches."""

    VOICE_STARTED_EVENT = "voice_started_event"
    VOICE_ENDED_EVENT = "voice_ended_event"
    VOICE_JOINED_EVENT = "voice_joined_event"
    VOICE_LEAVED_EVENT = "voice_leaved_event"
    CHANNEL_CREATED_EVENT = "channel_created_event"
    CHANNEL_DELETED_EVENT = "channel_deleted_event"
    CHANNEL_UPDATED_EVENT = "channel_updated_event"
    CLAN_PROFILE_UPDATED_EVENT = "clan_profile_updated_event"
    CLAN_UPDATED_EVENT = "clan_updated_event"
    STATUS_PRESENCE_EVENT = "status_presence_event"
    STREAM_PRESENCE_EVENT = "stream_presence_event"
    STREAM_DATA = "stream_data"
    CHANNEL_MESSAGE = "channel_message"
    MESSAGE_TYPING_EVENT = "message_typing_event"
    MESSAGE_REACTION_EVENT = "message_reaction_event"
    CHANNEL_PRESENCE_EVENT = "channel_presence_event"
    LAST_PIN_MESSAGE_EVENT = "last_pin_message_event"
    CUSTOM_STATUS_EVENT = "custom_status_event"
    USER_CHANNEL_ADDED_EVENT = "user_channel_added_event"
    ADD_CLAN_USER_EVENT = "add_clan_user_event"
    USER_PROFILE_UPDATED_EVENT = "user_profile_updated_event"
    USER_CHANNEL_REMOVED_EVENT = "user_channel_removed_event"
    USER_CLAN_REMOVED_EVENT = "user_clan_removed_event"
    ROLE_EVENT = "role_event"
    GIVE_COFFEE_EVENT = "give_coffee_event"
    ROLE_ASSIGN_EVENT = "role_assign_event"
    TOKEN_SEND = "token_sent_event"
    CLAN_EVENT_CREATED = "clan_event_created"
    MESSAGE_BUTTON_CLICKED = "message_button_clicked"
    STREAMING_JOINED_EVENT = "streaming_joined_event"
    STREAMING_LEAVED_EVENT = "streaming_leaved_event"
    DROPDOWN_BOX_SELECTED = "dropdown_box_selected"
    WEBRTC_SIGNALING_FWD = "webrtc_signaling_fwd"
    NOTIFICATIONS = "notifications"
    QUICK_MENU = "quick_menu_event"
    AI_AGENT_ENABLE = "aiagent_enabled_event"


class InternalAgentEvents(str, Enum):  # noqa: UP042 (keeps str() of a member)
    """Events of AI agents, as the event manager names them."""

    SESSION_STARTED = "session_started"
    SESSION_ENDED = "session_ended"
    ROOM_SUMMARY_DONE = "room_summary_done"


class Events(str, Enum):  # noqa: UP042 (keeps str() of a member)
    """The events of ``client.on``. A member equals the name of the envelope field.

    ```python
    from mezon import Events

    @client.on(Events.VOICE_JOINED_EVENT)
    async def joined(event):
        print(event.user_id, "joined", event.voice_channel_id)
    ```
    """

    CHANNEL_MESSAGE = "channel_message"
    MESSAGE_REACTION = "message_reaction_event"
    USER_CHANNEL_REMOVED = "user_channel_removed_event"
    USER_CLAN_REMOVED = "user_clan_removed_event"
    USER_CHANNEL_ADDED = "user_channel_added_event"
    CHANNEL_CREATED = "channel_created_event"
    CHANNEL_DELETED = "channel_deleted_event"
    CHANNEL_UPDATED = "channel_updated_event"
    ROLE_EVENT = "role_event"
    GIVE_COFFEE = "give_coffee_event"
    ROLE_ASSIGN = "role_assign_event"
    ADD_CLAN_USER = "add_clan_user_event"
    TOKEN_SEND = "token_sent_event"
    CLAN_EVENT_CREATED = "clan_event_created"
    MESSAGE_BUTTON_CLICKED = "message_button_clicked"
    STREAMING_JOINED_EVENT = "streaming_joined_event"
    STREAMING_LEAVED_EVENT = "streaming_leaved_event"
    DROPDOWN_BOX_SELECTED = "dropdown_box_selected"
    WEBRTC_SIGNALING_FWD = "webrtc_signaling_fwd"
    VOICE_STARTED_EVENT = "voice_started_event"
    VOICE_ENDED_EVENT = "voice_ended_event"
    VOICE_JOINED_EVENT = "voice_joined_event"
    VOICE_LEAVED_EVENT = "voice_leaved_event"
    NOTIFICATIONS = "notifications"
    QUICK_MENU = "quick_menu_event"
    AI_AGENT_ENABLE = "aiagent_enabled_event"
    AI_AGENT_SESSION_STARTED = "session_started"
    AI_AGENT_SESSION_ENDED = "session_ended"
    AI_AGENT_SESSION_SUMMARY_DONE = "room_summary_done"

    # Names of the reference's documents, and the life of the connection.
    MESSAGE_TYPING_EVENT = "message_typing_event"
    CHANNEL_PRESENCE_EVENT = "channel_presence_event"
    CLAN_UPDATED_EVENT = "clan_updated_event"
    READY = "ready"
    DISCONNECT = "disconnect"
    RECONNECTED = "reconnected"
    GAP_UNFILLED = "gap_unfilled"
    NOTIFICATION = "notifications"  # noqa: PIE796 (both names are documented)

    # Every other member of the envelope, by its own name.
    CHANNEL = "channel"
    CLAN_JOIN = "clan_join"
    CHANNEL_JOIN = "channel_join"
    CHANNEL_LEAVE = "channel_leave"
    CHANNEL_MESSAGE_ACK = "channel_message_ack"
    CHANNEL_MESSAGE_SEND = "channel_message_send"
    CHANNEL_MESSAGE_UPDATE = "channel_message_update"
    CHANNEL_MESSAGE_REMOVE = "channel_message_remove"
    ERROR = "error"
    RPC = "rpc"
    STATUS = "status"
    STATUS_FOLLOW = "status_follow"
    STATUS_PRESENCE_EVENT = "status_presence_event"
    STATUS_UNFOLLOW = "status_unfollow"
    STATUS_UPDATE = "status_update"
    STREAM_DATA = "stream_data"
    STREAM_PRESENCE_EVENT = "stream_presence_event"
    PING = "ping"
    PONG = "pong"
    LAST_SEEN_MESSAGE_EVENT = "last_seen_message_event"
    LAST_PIN_MESSAGE_EVENT = "last_pin_message_event"
    CUSTOM_STATUS_EVENT = "custom_status_event"
    CLAN_PROFILE_UPDATED_EVENT = "clan_profile_updated_event"
    CHECK_NAME_EXISTED_EVENT = "check_name_existed_event"
    USER_PROFILE_UPDATED_EVENT = "user_profile_updated_event"
    CLAN_DELETED_EVENT = "clan_deleted_event"
    STICKER_CREATE_EVENT = "sticker_create_event"
    STICKER_UPDATE_EVENT = "sticker_update_event"
    STICKER_DELETE_EVENT = "sticker_delete_event"
    EVENT_EMOJI = "event_emoji"
    STREAMING_STARTED_EVENT = "streaming_started_event"
    STREAMING_ENDED_EVENT = "streaming_ended_event"
    PERMISSION_SET_EVENT = "permission_set_event"
    PERMISSION_CHANGED_EVENT = "permission_changed_event"
    UNMUTE_EVENT = "unmute_event"
    LIST_ACTIVITY = "list_activity"
    INCOMING_CALL_PUSH = "incoming_call_push"
    SD_TOPIC_EVENT = "sd_topic_event"
    FOLLOW_EVENT = "follow_event"
    CHANNEL_APP_EVENT = "channel_app_event"
    USER_STATUS_EVENT = "user_status_event"
    REMOVE_FRIEND = "remove_friend"
    WEBHOOK_EVENT = "webhook_event"
    NOTI_USER_CHANNEL = "noti_user_channel"
    JOIN_CHANNEL_APP_DATA = "join_channel_app_data"
    CANVAS_EVENT = "canvas_event"
    UNPIN_MESSAGE_EVENT = "unpin_message_event"
    CATEGORY_EVENT = "category_event"
    HANDLE_PARTICIPANT_MEET_STATE_EVENT = "handle_participant_meet_state_event"
    DELETE_ACCOUNT_EVENT = "delete_account_event"
    EPHEMERAL_MESSAGE_SEND = "ephemeral_message_send"
    BLOCK_FRIEND = "block_friend"
    VOICE_REACTION_SEND = "voice_reaction_send"
    MARK_AS_READ = "mark_as_read"
    LIST_DATA_SOCKET = "list_data_socket"
    UN_BLOCK_FRIEND = "un_block_friend"
    MEET_PARTICIPANT_EVENT = "meet_participant_event"
    TRANSFER_OWNERSHIP_EVENT = "transfer_ownership_event"
    ADD_FRIEND = "add_friend"
    BAN_USER_EVENT = "ban_user_event"
    ACTIVE_ARCHIVED_THREAD = "active_archived_thread"
    ALLOW_ANONYMOUS_EVENT = "allow_anonymous_event"
    API_REQUEST_EVENT = "api_request_event"
    CLAN_CREATED_EVENT = "clan_created_event"
    LIST_CHANNEL_USERS_BANNED_EVENT = "list_channel_users_banned_event"
    REFRESH_SESSION_EVENT = "refresh_session_event"
    CHANNEL_ARCHIVE_EVENT = "channel_archive_event"
    TOPIC_IN_MESSAGE_EVENT = "topic_in_message_event"
    SCREEN_SHARE_EVENT = "screen_share_event"
    VOICE_INTERACTIVE_EVENT = "voice_interactive_event"


class ChannelType(IntEnum):
    """The type of a channel."""

    CHANNEL_TYPE_CHANNEL = 1
    CHANNEL_TYPE_GROUP = 2
    CHANNEL_TYPE_DM = 3
    CHANNEL_TYPE_GMEET_VOICE = 4
    CHANNEL_TYPE_FORUM = 5
    CHANNEL_TYPE_STREAMING = 6
    CHANNEL_TYPE_THREAD = 7
    CHANNEL_TYPE_APP = 8
    CHANNEL_TYPE_ANNOUNCEMENT = 9
    CHANNEL_TYPE_MEZON_VOICE = 10


class ChannelStreamMode(IntEnum):
    """The mode of a message, which follows from the type of its channel."""

    STREAM_MODE_CHANNEL = 2
    STREAM_MODE_GROUP = 3
    STREAM_MODE_DM = 4
    STREAM_MODE_CLAN = 5
    STREAM_MODE_THREAD = 6


class TypeMessage(IntEnum):
    """The code of a message."""

    CHAT = 0
    CHAT_UPDATE = 1
    CHAT_REMOVE = 2
    TYPING = 3
    INDICATOR = 4
    WELCOME = 5
    CREATE_THREAD = 6
    CREATE_PIN = 7
    MESSAGE_BUZZ = 8
    TOPIC = 9
    AUDIT_LOG = 10
    SEND_TOKEN = 11
    EPHEMERAL = 12
    UPCOMING_EVENT = 13
    UPDATE_EPHEMERAL_MSG = 14
    DELETE_EPHEMERAL_MSG = 15
    CONTACT = 16
    LOCATION = 17
    POLL = 18
    DELETE_THREAD = 19


class SSEEvents(str, Enum):  # noqa: UP042 (keeps str() of a member)
    """Events of the AI agent stream itself."""

    OPEN = "sse_open"
    MESSAGE = "sse_message"
    ERROR = "sse_error"
    CLOSE = "sse_close"
    RECONNECTING = "sse_reconnecting"
    RECONNECTED = "sse_reconnected"


class SSEConnectionState(IntEnum):
    """The state of the AI agent stream."""

    CONNECTING = 0
    OPEN = 1
    CLOSED = 2
