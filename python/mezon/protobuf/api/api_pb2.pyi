from google.protobuf import wrappers_pb2 as _wrappers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import Any as _Any, ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreProvider(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPLE_APP_STORE: _ClassVar[StoreProvider]
    GOOGLE_PLAY_STORE: _ClassVar[StoreProvider]
    HUAWEI_APP_GALLERY: _ClassVar[StoreProvider]
    FACEBOOK_INSTANT_STORE: _ClassVar[StoreProvider]

class StoreEnvironment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNKNOWN: _ClassVar[StoreEnvironment]
    SANDBOX: _ClassVar[StoreEnvironment]
    PRODUCTION: _ClassVar[StoreEnvironment]

class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NO_OVERRIDE: _ClassVar[Operator]
    BEST: _ClassVar[Operator]
    SET: _ClassVar[Operator]
    INCREMENT: _ClassVar[Operator]
    DECREMENT: _ClassVar[Operator]

class TrackType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO: _ClassVar[TrackType]
    VIDEO: _ClassVar[TrackType]
    DATA: _ClassVar[TrackType]

class PollType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SINGLE: _ClassVar[PollType]
    MULTIPLE: _ClassVar[PollType]
APPLE_APP_STORE: StoreProvider
GOOGLE_PLAY_STORE: StoreProvider
HUAWEI_APP_GALLERY: StoreProvider
FACEBOOK_INSTANT_STORE: StoreProvider
UNKNOWN: StoreEnvironment
SANDBOX: StoreEnvironment
PRODUCTION: StoreEnvironment
NO_OVERRIDE: Operator
BEST: Operator
SET: Operator
INCREMENT: Operator
DECREMENT: Operator
AUDIO: TrackType
VIDEO: TrackType
DATA: TrackType
SINGLE: PollType
MULTIPLE: PollType

class Account(_message.Message):
    __slots__ = ("user", "email", "qr_code", "verify_time_seconds", "disable_time_seconds", "logo", "splash_screen", "encrypt_private_key", "password_setted")
    USER_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    QR_CODE_FIELD_NUMBER: _ClassVar[int]
    VERIFY_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DISABLE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    SPLASH_SCREEN_FIELD_NUMBER: _ClassVar[int]
    ENCRYPT_PRIVATE_KEY_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_SETTED_FIELD_NUMBER: _ClassVar[int]
    user: User
    email: str
    qr_code: str
    verify_time_seconds: int
    disable_time_seconds: int
    logo: str
    splash_screen: str
    encrypt_private_key: str
    password_setted: bool
    def __init__(self, user: _Optional[_Union[User, _Mapping[str, _Any]]] = ..., email: _Optional[str] = ..., qr_code: _Optional[str] = ..., verify_time_seconds: _Optional[int] = ..., disable_time_seconds: _Optional[int] = ..., logo: _Optional[str] = ..., splash_screen: _Optional[str] = ..., encrypt_private_key: _Optional[str] = ..., password_setted: _Optional[bool] = ...) -> None: ...

class AccountRefresh(_message.Message):
    __slots__ = ("token", "vars")
    class VarsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    VARS_FIELD_NUMBER: _ClassVar[int]
    token: str
    vars: _containers.ScalarMap[str, str]
    def __init__(self, token: _Optional[str] = ..., vars: _Optional[_Mapping[str, str]] = ...) -> None: ...

class AddFriendsRequest(_message.Message):
    __slots__ = ("ids", "usernames")
    IDS_FIELD_NUMBER: _ClassVar[int]
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    usernames: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[int]] = ..., usernames: _Optional[_Iterable[str]] = ...) -> None: ...

class AddFriendsResponse(_message.Message):
    __slots__ = ("ids", "usernames")
    IDS_FIELD_NUMBER: _ClassVar[int]
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    usernames: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[int]] = ..., usernames: _Optional[_Iterable[str]] = ...) -> None: ...

class AddGroupUsersRequest(_message.Message):
    __slots__ = ("group_id", "user_ids")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    group_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, group_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class SessionRefreshRequest(_message.Message):
    __slots__ = ("token", "vars", "is_remember")
    class VarsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    VARS_FIELD_NUMBER: _ClassVar[int]
    IS_REMEMBER_FIELD_NUMBER: _ClassVar[int]
    token: str
    vars: _containers.ScalarMap[str, str]
    is_remember: bool
    def __init__(self, token: _Optional[str] = ..., vars: _Optional[_Mapping[str, str]] = ..., is_remember: _Optional[bool] = ...) -> None: ...

class SessionLogoutRequest(_message.Message):
    __slots__ = ("token", "refresh_token", "device_id", "fcm_token", "platform")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    FCM_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    token: str
    refresh_token: str
    device_id: str
    fcm_token: str
    platform: str
    def __init__(self, token: _Optional[str] = ..., refresh_token: _Optional[str] = ..., device_id: _Optional[str] = ..., fcm_token: _Optional[str] = ..., platform: _Optional[str] = ...) -> None: ...

class IsBannedResponse(_message.Message):
    __slots__ = ("is_banned", "expired_ban_time")
    IS_BANNED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_BAN_TIME_FIELD_NUMBER: _ClassVar[int]
    is_banned: bool
    expired_ban_time: int
    def __init__(self, is_banned: _Optional[bool] = ..., expired_ban_time: _Optional[int] = ...) -> None: ...

class IsBannedRequest(_message.Message):
    __slots__ = ("channel_id",)
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    def __init__(self, channel_id: _Optional[int] = ...) -> None: ...

class BanGroupUsersRequest(_message.Message):
    __slots__ = ("group_id", "user_ids")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    group_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, group_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class BlockFriendsRequest(_message.Message):
    __slots__ = ("ids", "usernames")
    IDS_FIELD_NUMBER: _ClassVar[int]
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    usernames: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[int]] = ..., usernames: _Optional[_Iterable[str]] = ...) -> None: ...

class ChannelMessage(_message.Message):
    __slots__ = ("clan_id", "channel_id", "message_id", "code", "sender_id", "username", "avatar", "content", "channel_label", "clan_logo", "category_name", "display_name", "clan_nick", "clan_avatar", "reactions", "mentions", "attachments", "references", "referenced_message", "create_time_seconds", "update_time_seconds", "mode", "hide_editted", "is_public", "topic_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CLAN_LOGO_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CLAN_NICK_FIELD_NUMBER: _ClassVar[int]
    CLAN_AVATAR_FIELD_NUMBER: _ClassVar[int]
    REACTIONS_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    REFERENCED_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    HIDE_EDITTED_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    message_id: int
    code: int
    sender_id: int
    username: str
    avatar: str
    content: str
    channel_label: str
    clan_logo: str
    category_name: str
    display_name: str
    clan_nick: str
    clan_avatar: str
    reactions: bytes
    mentions: bytes
    attachments: bytes
    references: bytes
    referenced_message: bytes
    create_time_seconds: int
    update_time_seconds: int
    mode: int
    hide_editted: bool
    is_public: bool
    topic_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., code: _Optional[int] = ..., sender_id: _Optional[int] = ..., username: _Optional[str] = ..., avatar: _Optional[str] = ..., content: _Optional[str] = ..., channel_label: _Optional[str] = ..., clan_logo: _Optional[str] = ..., category_name: _Optional[str] = ..., display_name: _Optional[str] = ..., clan_nick: _Optional[str] = ..., clan_avatar: _Optional[str] = ..., reactions: _Optional[bytes] = ..., mentions: _Optional[bytes] = ..., attachments: _Optional[bytes] = ..., references: _Optional[bytes] = ..., referenced_message: _Optional[bytes] = ..., create_time_seconds: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., mode: _Optional[int] = ..., hide_editted: _Optional[bool] = ..., is_public: _Optional[bool] = ..., topic_id: _Optional[int] = ...) -> None: ...

class MessageMention(_message.Message):
    __slots__ = ("id", "user_id", "username", "role_id", "rolename", "create_time_seconds", "s", "e")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLENAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    S_FIELD_NUMBER: _ClassVar[int]
    E_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: int
    username: str
    role_id: int
    rolename: str
    create_time_seconds: int
    s: int
    e: int
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[int] = ..., username: _Optional[str] = ..., role_id: _Optional[int] = ..., rolename: _Optional[str] = ..., create_time_seconds: _Optional[int] = ..., s: _Optional[int] = ..., e: _Optional[int] = ...) -> None: ...

class NotificationInfo(_message.Message):
    __slots__ = ("username", "avatar", "clan_nick", "clan_avatar", "display_name", "channel_label", "channel_type", "category_name", "clan_name", "clan_logo", "channel")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CLAN_NICK_FIELD_NUMBER: _ClassVar[int]
    CLAN_AVATAR_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    CLAN_LOGO_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    username: str
    avatar: str
    clan_nick: str
    clan_avatar: str
    display_name: str
    channel_label: str
    channel_type: int
    category_name: str
    clan_name: str
    clan_logo: str
    channel: ChannelDescription
    def __init__(self, username: _Optional[str] = ..., avatar: _Optional[str] = ..., clan_nick: _Optional[str] = ..., clan_avatar: _Optional[str] = ..., display_name: _Optional[str] = ..., channel_label: _Optional[str] = ..., channel_type: _Optional[int] = ..., category_name: _Optional[str] = ..., clan_name: _Optional[str] = ..., clan_logo: _Optional[str] = ..., channel: _Optional[_Union[ChannelDescription, _Mapping[str, _Any]]] = ...) -> None: ...

class MessageReaction(_message.Message):
    __slots__ = ("id", "emoji_id", "emoji", "sender_id", "sender_name", "sender_avatar", "action", "count", "channel_id", "message_id", "clan_id", "mode", "message_sender_id", "is_public", "topic_id", "emoji_recent_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    EMOJI_ID_FIELD_NUMBER: _ClassVar[int]
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_NAME_FIELD_NUMBER: _ClassVar[int]
    SENDER_AVATAR_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLIC_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    EMOJI_RECENT_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    emoji_id: int
    emoji: str
    sender_id: int
    sender_name: str
    sender_avatar: str
    action: bool
    count: int
    channel_id: int
    message_id: int
    clan_id: int
    mode: int
    message_sender_id: int
    is_public: bool
    topic_id: int
    emoji_recent_id: int
    def __init__(self, id: _Optional[int] = ..., emoji_id: _Optional[int] = ..., emoji: _Optional[str] = ..., sender_id: _Optional[int] = ..., sender_name: _Optional[str] = ..., sender_avatar: _Optional[str] = ..., action: _Optional[bool] = ..., count: _Optional[int] = ..., channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., mode: _Optional[int] = ..., message_sender_id: _Optional[int] = ..., is_public: _Optional[bool] = ..., topic_id: _Optional[int] = ..., emoji_recent_id: _Optional[int] = ...) -> None: ...

class MessageAttachment(_message.Message):
    __slots__ = ("filename", "size", "url", "filetype", "width", "height", "thumbnail", "duration")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    FILETYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    filename: str
    size: int
    url: str
    filetype: str
    width: int
    height: int
    thumbnail: str
    duration: int
    def __init__(self, filename: _Optional[str] = ..., size: _Optional[int] = ..., url: _Optional[str] = ..., filetype: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., thumbnail: _Optional[str] = ..., duration: _Optional[int] = ...) -> None: ...

class MessageRef(_message.Message):
    __slots__ = ("message_id", "message_ref_id", "content", "has_attachment", "ref_type", "message_sender_id", "message_sender_username", "message_sender_avatar", "message_sender_clan_nick", "message_sender_display_name")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_REF_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    HAS_ATTACHMENT_FIELD_NUMBER: _ClassVar[int]
    REF_TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_USERNAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_AVATAR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_CLAN_NICK_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_SENDER_DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    message_ref_id: int
    content: str
    has_attachment: bool
    ref_type: int
    message_sender_id: int
    message_sender_username: str
    message_sender_avatar: str
    message_sender_clan_nick: str
    message_sender_display_name: str
    def __init__(self, message_id: _Optional[int] = ..., message_ref_id: _Optional[int] = ..., content: _Optional[str] = ..., has_attachment: _Optional[bool] = ..., ref_type: _Optional[int] = ..., message_sender_id: _Optional[int] = ..., message_sender_username: _Optional[str] = ..., message_sender_avatar: _Optional[str] = ..., message_sender_clan_nick: _Optional[str] = ..., message_sender_display_name: _Optional[str] = ...) -> None: ...

class MessageDeleted(_message.Message):
    __slots__ = ("message_id", "deletor")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    DELETOR_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    deletor: str
    def __init__(self, message_id: _Optional[int] = ..., deletor: _Optional[str] = ...) -> None: ...

class ChannelMessageList(_message.Message):
    __slots__ = ("messages", "last_seen_message", "last_sent_message")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_SENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[ChannelMessage]
    last_seen_message: ChannelMessageHeader
    last_sent_message: ChannelMessageHeader
    def __init__(self, messages: _Optional[_Iterable[_Union[ChannelMessage, _Mapping[str, _Any]]]] = ..., last_seen_message: _Optional[_Union[ChannelMessageHeader, _Mapping[str, _Any]]] = ..., last_sent_message: _Optional[_Union[ChannelMessageHeader, _Mapping[str, _Any]]] = ...) -> None: ...

class CreateGroupRequest(_message.Message):
    __slots__ = ("name", "description", "lang_tag", "avatar_url", "open", "max_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LANG_TAG_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    MAX_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    lang_tag: str
    avatar_url: str
    open: bool
    max_count: int
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., lang_tag: _Optional[str] = ..., avatar_url: _Optional[str] = ..., open: _Optional[bool] = ..., max_count: _Optional[int] = ...) -> None: ...

class DeleteFriendsRequest(_message.Message):
    __slots__ = ("ids", "usernames")
    IDS_FIELD_NUMBER: _ClassVar[int]
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    usernames: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[int]] = ..., usernames: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteGroupRequest(_message.Message):
    __slots__ = ("group_id",)
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    group_id: int
    def __init__(self, group_id: _Optional[int] = ...) -> None: ...

class DeleteNotificationsRequest(_message.Message):
    __slots__ = ("ids", "category")
    IDS_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    category: int
    def __init__(self, ids: _Optional[_Iterable[int]] = ..., category: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("name", "properties", "timestamp_seconds", "external")
    class PropertiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    properties: _containers.ScalarMap[str, str]
    timestamp_seconds: int
    external: bool
    def __init__(self, name: _Optional[str] = ..., properties: _Optional[_Mapping[str, str]] = ..., timestamp_seconds: _Optional[int] = ..., external: _Optional[bool] = ...) -> None: ...

class Friend(_message.Message):
    __slots__ = ("user", "state", "update_time_seconds", "source_id")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FRIEND: _ClassVar[Friend.State]
        INVITE_SENT: _ClassVar[Friend.State]
        INVITE_RECEIVED: _ClassVar[Friend.State]
        BLOCKED: _ClassVar[Friend.State]
    FRIEND: Friend.State
    INVITE_SENT: Friend.State
    INVITE_RECEIVED: Friend.State
    BLOCKED: Friend.State
    USER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    user: User
    state: int
    update_time_seconds: int
    source_id: int
    def __init__(self, user: _Optional[_Union[User, _Mapping[str, _Any]]] = ..., state: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., source_id: _Optional[int] = ...) -> None: ...

class FriendList(_message.Message):
    __slots__ = ("friends", "cursor")
    FRIENDS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    friends: _containers.RepeatedCompositeFieldContainer[Friend]
    cursor: str
    def __init__(self, friends: _Optional[_Iterable[_Union[Friend, _Mapping[str, _Any]]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class UpdateUsersRequest(_message.Message):
    __slots__ = ("display_name", "avatar_url")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    avatar_url: str
    def __init__(self, display_name: _Optional[str] = ..., avatar_url: _Optional[str] = ...) -> None: ...

class ChannelUserList(_message.Message):
    __slots__ = ("channel_users", "cursor", "channel_id")
    class ChannelUser(_message.Message):
        __slots__ = ("user_id", "role_id", "id", "thread_id", "clan_nick", "clan_avatar", "clan_id", "added_by", "is_banned", "expired_ban_time")
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        ROLE_ID_FIELD_NUMBER: _ClassVar[int]
        ID_FIELD_NUMBER: _ClassVar[int]
        THREAD_ID_FIELD_NUMBER: _ClassVar[int]
        CLAN_NICK_FIELD_NUMBER: _ClassVar[int]
        CLAN_AVATAR_FIELD_NUMBER: _ClassVar[int]
        CLAN_ID_FIELD_NUMBER: _ClassVar[int]
        ADDED_BY_FIELD_NUMBER: _ClassVar[int]
        IS_BANNED_FIELD_NUMBER: _ClassVar[int]
        EXPIRED_BAN_TIME_FIELD_NUMBER: _ClassVar[int]
        user_id: int
        role_id: _containers.RepeatedScalarFieldContainer[int]
        id: int
        thread_id: int
        clan_nick: str
        clan_avatar: str
        clan_id: int
        added_by: int
        is_banned: bool
        expired_ban_time: int
        def __init__(self, user_id: _Optional[int] = ..., role_id: _Optional[_Iterable[int]] = ..., id: _Optional[int] = ..., thread_id: _Optional[int] = ..., clan_nick: _Optional[str] = ..., clan_avatar: _Optional[str] = ..., clan_id: _Optional[int] = ..., added_by: _Optional[int] = ..., is_banned: _Optional[bool] = ..., expired_ban_time: _Optional[int] = ...) -> None: ...
    CHANNEL_USERS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    channel_users: _containers.RepeatedCompositeFieldContainer[ChannelUserList.ChannelUser]
    cursor: str
    channel_id: int
    def __init__(self, channel_users: _Optional[_Iterable[_Union[ChannelUserList.ChannelUser, _Mapping[str, _Any]]]] = ..., cursor: _Optional[str] = ..., channel_id: _Optional[int] = ...) -> None: ...

class VoiceChannelUser(_message.Message):
    __slots__ = ("user_ids", "channel_id", "room_name", "share_screen_ids")
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    SHARE_SCREEN_IDS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    channel_id: int
    room_name: str
    share_screen_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_ids: _Optional[_Iterable[str]] = ..., channel_id: _Optional[int] = ..., room_name: _Optional[str] = ..., share_screen_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class VoiceChannelUserList(_message.Message):
    __slots__ = ("voice_channel_users",)
    VOICE_CHANNEL_USERS_FIELD_NUMBER: _ClassVar[int]
    voice_channel_users: _containers.RepeatedCompositeFieldContainer[VoiceChannelUser]
    def __init__(self, voice_channel_users: _Optional[_Iterable[_Union[VoiceChannelUser, _Mapping[str, _Any]]]] = ...) -> None: ...

class ChannelAttachment(_message.Message):
    __slots__ = ("id", "filename", "filetype", "filesize", "url", "uploader", "create_time_seconds", "message_id", "width", "height")
    ID_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    FILETYPE_FIELD_NUMBER: _ClassVar[int]
    FILESIZE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    UPLOADER_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    id: int
    filename: str
    filetype: str
    filesize: str
    url: str
    uploader: int
    create_time_seconds: int
    message_id: int
    width: int
    height: int
    def __init__(self, id: _Optional[int] = ..., filename: _Optional[str] = ..., filetype: _Optional[str] = ..., filesize: _Optional[str] = ..., url: _Optional[str] = ..., uploader: _Optional[int] = ..., create_time_seconds: _Optional[int] = ..., message_id: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class ChannelAttachmentList(_message.Message):
    __slots__ = ("attachments",)
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    attachments: _containers.RepeatedCompositeFieldContainer[ChannelAttachment]
    def __init__(self, attachments: _Optional[_Iterable[_Union[ChannelAttachment, _Mapping[str, _Any]]]] = ...) -> None: ...

class ClanUserList(_message.Message):
    __slots__ = ("clan_users", "cursor", "clan_id")
    class ClanUser(_message.Message):
        __slots__ = ("user", "role_id", "clan_nick", "clan_avatar", "clan_id")
        USER_FIELD_NUMBER: _ClassVar[int]
        ROLE_ID_FIELD_NUMBER: _ClassVar[int]
        CLAN_NICK_FIELD_NUMBER: _ClassVar[int]
        CLAN_AVATAR_FIELD_NUMBER: _ClassVar[int]
        CLAN_ID_FIELD_NUMBER: _ClassVar[int]
        user: User
        role_id: _containers.RepeatedScalarFieldContainer[int]
        clan_nick: str
        clan_avatar: str
        clan_id: int
        def __init__(self, user: _Optional[_Union[User, _Mapping[str, _Any]]] = ..., role_id: _Optional[_Iterable[int]] = ..., clan_nick: _Optional[str] = ..., clan_avatar: _Optional[str] = ..., clan_id: _Optional[int] = ...) -> None: ...
    CLAN_USERS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_users: _containers.RepeatedCompositeFieldContainer[ClanUserList.ClanUser]
    cursor: str
    clan_id: int
    def __init__(self, clan_users: _Optional[_Iterable[_Union[ClanUserList.ClanUser, _Mapping[str, _Any]]]] = ..., cursor: _Optional[str] = ..., clan_id: _Optional[int] = ...) -> None: ...

class RegistFcmDeviceTokenRequest(_message.Message):
    __slots__ = ("token", "device_id", "platform", "voip_token")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    VOIP_TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    device_id: str
    platform: str
    voip_token: str
    def __init__(self, token: _Optional[str] = ..., device_id: _Optional[str] = ..., platform: _Optional[str] = ..., voip_token: _Optional[str] = ...) -> None: ...

class RegistFcmDeviceTokenResponse(_message.Message):
    __slots__ = ("token", "device_id", "platform")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    token: str
    device_id: str
    platform: str
    def __init__(self, token: _Optional[str] = ..., device_id: _Optional[str] = ..., platform: _Optional[str] = ...) -> None: ...

class ListChannelMessagesRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "message_id", "limit", "direction", "topic_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    message_id: int
    limit: int
    direction: int
    topic_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., message_id: _Optional[int] = ..., limit: _Optional[int] = ..., direction: _Optional[int] = ..., topic_id: _Optional[int] = ...) -> None: ...

class ListFriendsRequest(_message.Message):
    __slots__ = ("limit", "state", "cursor")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    limit: int
    state: int
    cursor: str
    def __init__(self, limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListGroupsRequest(_message.Message):
    __slots__ = ("name", "cursor", "limit", "lang_tag", "members", "open")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    LANG_TAG_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    cursor: str
    limit: int
    lang_tag: str
    members: int
    open: bool
    def __init__(self, name: _Optional[str] = ..., cursor: _Optional[str] = ..., limit: _Optional[int] = ..., lang_tag: _Optional[str] = ..., members: _Optional[int] = ..., open: _Optional[bool] = ...) -> None: ...

class ListGroupUsersRequest(_message.Message):
    __slots__ = ("group_id", "limit", "state", "cursor")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    group_id: int
    limit: int
    state: int
    cursor: str
    def __init__(self, group_id: _Optional[int] = ..., limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListChannelUsersRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "channel_type", "limit", "state", "cursor")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    channel_type: int
    limit: int
    state: int
    cursor: str
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_type: _Optional[int] = ..., limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListChannelAttachmentRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "file_type", "limit", "state", "before", "after", "around")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    AROUND_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    file_type: str
    limit: int
    state: int
    before: int
    after: int
    around: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., file_type: _Optional[str] = ..., limit: _Optional[int] = ..., state: _Optional[int] = ..., before: _Optional[int] = ..., after: _Optional[int] = ..., around: _Optional[int] = ...) -> None: ...

class ListClanUsersRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ListClanUsersStatusRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ClanUserStatusEntry(_message.Message):
    __slots__ = ("user_id", "user_status")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_STATUS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    user_status: str
    def __init__(self, user_id: _Optional[int] = ..., user_status: _Optional[str] = ...) -> None: ...

class ClanUserStatusList(_message.Message):
    __slots__ = ("clan_user_statuses",)
    CLAN_USER_STATUSES_FIELD_NUMBER: _ClassVar[int]
    clan_user_statuses: _containers.RepeatedCompositeFieldContainer[ClanUserStatusEntry]
    def __init__(self, clan_user_statuses: _Optional[_Iterable[_Union[ClanUserStatusEntry, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListNotificationsRequest(_message.Message):
    __slots__ = ("limit", "clan_id", "notification_id", "category", "direction")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    limit: int
    clan_id: int
    notification_id: int
    category: int
    direction: int
    def __init__(self, limit: _Optional[int] = ..., clan_id: _Optional[int] = ..., notification_id: _Optional[int] = ..., category: _Optional[int] = ..., direction: _Optional[int] = ...) -> None: ...

class ListUserGroupsRequest(_message.Message):
    __slots__ = ("user_id", "limit", "state", "cursor")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    limit: int
    state: int
    cursor: str
    def __init__(self, user_id: _Optional[int] = ..., limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class Notification(_message.Message):
    __slots__ = ("id", "subject", "content", "code", "sender_id", "create_time_seconds", "persistent", "clan_id", "channel_id", "channel_type", "avatar_url", "channel", "topic_id", "category")
    ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PERSISTENT_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    id: int
    subject: str
    content: bytes
    code: int
    sender_id: int
    create_time_seconds: int
    persistent: bool
    clan_id: int
    channel_id: int
    channel_type: int
    avatar_url: str
    channel: ChannelDescription
    topic_id: int
    category: int
    def __init__(self, id: _Optional[int] = ..., subject: _Optional[str] = ..., content: _Optional[bytes] = ..., code: _Optional[int] = ..., sender_id: _Optional[int] = ..., create_time_seconds: _Optional[int] = ..., persistent: _Optional[bool] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_type: _Optional[int] = ..., avatar_url: _Optional[str] = ..., channel: _Optional[_Union[ChannelDescription, _Mapping[str, _Any]]] = ..., topic_id: _Optional[int] = ..., category: _Optional[int] = ...) -> None: ...

class EmojiRecent(_message.Message):
    __slots__ = ("emoji_recents_id", "emoji_id", "update_time_seconds")
    EMOJI_RECENTS_ID_FIELD_NUMBER: _ClassVar[int]
    EMOJI_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    emoji_recents_id: int
    emoji_id: int
    update_time_seconds: int
    def __init__(self, emoji_recents_id: _Optional[int] = ..., emoji_id: _Optional[int] = ..., update_time_seconds: _Optional[int] = ...) -> None: ...

class EmojiRecentList(_message.Message):
    __slots__ = ("emoji_recents",)
    EMOJI_RECENTS_FIELD_NUMBER: _ClassVar[int]
    emoji_recents: _containers.RepeatedCompositeFieldContainer[EmojiRecent]
    def __init__(self, emoji_recents: _Optional[_Iterable[_Union[EmojiRecent, _Mapping[str, _Any]]]] = ...) -> None: ...

class NotificationList(_message.Message):
    __slots__ = ("notifications", "cacheable_cursor")
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    CACHEABLE_CURSOR_FIELD_NUMBER: _ClassVar[int]
    notifications: _containers.RepeatedCompositeFieldContainer[Notification]
    cacheable_cursor: str
    def __init__(self, notifications: _Optional[_Iterable[_Union[Notification, _Mapping[str, _Any]]]] = ..., cacheable_cursor: _Optional[str] = ...) -> None: ...

class PromoteGroupUsersRequest(_message.Message):
    __slots__ = ("group_id", "user_ids")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    group_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, group_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class DemoteGroupUsersRequest(_message.Message):
    __slots__ = ("group_id", "user_ids")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    group_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, group_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class Rpc(_message.Message):
    __slots__ = ("id", "payload", "http_key")
    ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    HTTP_KEY_FIELD_NUMBER: _ClassVar[int]
    id: str
    payload: str
    http_key: str
    def __init__(self, id: _Optional[str] = ..., payload: _Optional[str] = ..., http_key: _Optional[str] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("created", "token", "refresh_token", "user_id", "is_remember", "api_url", "id_token", "ws_url", "session_id", "tcp_url")
    CREATED_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IS_REMEMBER_FIELD_NUMBER: _ClassVar[int]
    API_URL_FIELD_NUMBER: _ClassVar[int]
    ID_TOKEN_FIELD_NUMBER: _ClassVar[int]
    WS_URL_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TCP_URL_FIELD_NUMBER: _ClassVar[int]
    created: bool
    token: str
    refresh_token: str
    user_id: int
    is_remember: bool
    api_url: str
    id_token: str
    ws_url: str
    session_id: str
    tcp_url: str
    def __init__(self, created: _Optional[bool] = ..., token: _Optional[str] = ..., refresh_token: _Optional[str] = ..., user_id: _Optional[int] = ..., is_remember: _Optional[bool] = ..., api_url: _Optional[str] = ..., id_token: _Optional[str] = ..., ws_url: _Optional[str] = ..., session_id: _Optional[str] = ..., tcp_url: _Optional[str] = ...) -> None: ...

class UpdateUsernameRequest(_message.Message):
    __slots__ = ("username", "display_name")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    username: str
    display_name: str
    def __init__(self, username: _Optional[str] = ..., display_name: _Optional[str] = ...) -> None: ...

class UpdateAccountRequest(_message.Message):
    __slots__ = ("display_name", "avatar_url", "lang_tag", "location", "timezone", "about_me", "dob_seconds", "logo", "splash_screen", "encrypt_private_key", "email")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    LANG_TAG_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    ABOUT_ME_FIELD_NUMBER: _ClassVar[int]
    DOB_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    SPLASH_SCREEN_FIELD_NUMBER: _ClassVar[int]
    ENCRYPT_PRIVATE_KEY_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    display_name: _wrappers_pb2.StringValue
    avatar_url: _wrappers_pb2.StringValue
    lang_tag: _wrappers_pb2.StringValue
    location: _wrappers_pb2.StringValue
    timezone: _wrappers_pb2.StringValue
    about_me: _wrappers_pb2.StringValue
    dob_seconds: int
    logo: _wrappers_pb2.StringValue
    splash_screen: _wrappers_pb2.StringValue
    encrypt_private_key: str
    email: _wrappers_pb2.StringValue
    def __init__(self, display_name: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., avatar_url: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., lang_tag: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., location: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., timezone: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., about_me: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., dob_seconds: _Optional[int] = ..., logo: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., splash_screen: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., encrypt_private_key: _Optional[str] = ..., email: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ...) -> None: ...

class UpdateGroupRequest(_message.Message):
    __slots__ = ("group_id", "name", "description", "lang_tag", "avatar_url", "open")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LANG_TAG_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    group_id: int
    name: _wrappers_pb2.StringValue
    description: _wrappers_pb2.StringValue
    lang_tag: _wrappers_pb2.StringValue
    avatar_url: _wrappers_pb2.StringValue
    open: bool
    def __init__(self, group_id: _Optional[int] = ..., name: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., description: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., lang_tag: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., avatar_url: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., open: _Optional[bool] = ...) -> None: ...

class UpdateCategoryDescRequest(_message.Message):
    __slots__ = ("category_id", "category_name", "clan_id")
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    category_id: int
    category_name: str
    clan_id: int
    def __init__(self, category_id: _Optional[int] = ..., category_name: _Optional[str] = ..., clan_id: _Optional[int] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ("id", "username", "display_name", "avatar_url", "lang_tag", "location", "timezone", "user_status", "online", "phone_number", "edge_count", "create_time_seconds", "update_time_seconds", "about_me", "join_time_seconds", "is_mobile", "dob_seconds", "mezon_id", "list_nick_names", "status")
    ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    LANG_TAG_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    USER_STATUS_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    PHONE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    EDGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ABOUT_ME_FIELD_NUMBER: _ClassVar[int]
    JOIN_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    IS_MOBILE_FIELD_NUMBER: _ClassVar[int]
    DOB_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MEZON_ID_FIELD_NUMBER: _ClassVar[int]
    LIST_NICK_NAMES_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    id: int
    username: str
    display_name: str
    avatar_url: str
    lang_tag: str
    location: str
    timezone: str
    user_status: str
    online: bool
    phone_number: str
    edge_count: int
    create_time_seconds: int
    update_time_seconds: int
    about_me: str
    join_time_seconds: int
    is_mobile: bool
    dob_seconds: int
    mezon_id: str
    list_nick_names: _containers.RepeatedScalarFieldContainer[str]
    status: str
    def __init__(self, id: _Optional[int] = ..., username: _Optional[str] = ..., display_name: _Optional[str] = ..., avatar_url: _Optional[str] = ..., lang_tag: _Optional[str] = ..., location: _Optional[str] = ..., timezone: _Optional[str] = ..., user_status: _Optional[str] = ..., online: _Optional[bool] = ..., phone_number: _Optional[str] = ..., edge_count: _Optional[int] = ..., create_time_seconds: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., about_me: _Optional[str] = ..., join_time_seconds: _Optional[int] = ..., is_mobile: _Optional[bool] = ..., dob_seconds: _Optional[int] = ..., mezon_id: _Optional[str] = ..., list_nick_names: _Optional[_Iterable[str]] = ..., status: _Optional[str] = ...) -> None: ...

class Users(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[User]
    def __init__(self, users: _Optional[_Iterable[_Union[User, _Mapping[str, _Any]]]] = ...) -> None: ...

class ClanDescProfile(_message.Message):
    __slots__ = ("clan_id", "creator_id", "nick_name", "profile_banner", "profile_theme", "avatar_url")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    NICK_NAME_FIELD_NUMBER: _ClassVar[int]
    PROFILE_BANNER_FIELD_NUMBER: _ClassVar[int]
    PROFILE_THEME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    creator_id: int
    nick_name: str
    profile_banner: str
    profile_theme: str
    avatar_url: str
    def __init__(self, clan_id: _Optional[int] = ..., creator_id: _Optional[int] = ..., nick_name: _Optional[str] = ..., profile_banner: _Optional[str] = ..., profile_theme: _Optional[str] = ..., avatar_url: _Optional[str] = ...) -> None: ...

class UpdateClanDescProfileRequest(_message.Message):
    __slots__ = ("clan_id", "nick_name", "profile_banner", "profile_theme", "avatar_url")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    NICK_NAME_FIELD_NUMBER: _ClassVar[int]
    PROFILE_BANNER_FIELD_NUMBER: _ClassVar[int]
    PROFILE_THEME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    nick_name: str
    profile_banner: str
    profile_theme: str
    avatar_url: str
    def __init__(self, clan_id: _Optional[int] = ..., nick_name: _Optional[str] = ..., profile_banner: _Optional[str] = ..., profile_theme: _Optional[str] = ..., avatar_url: _Optional[str] = ...) -> None: ...

class ClanDescProfileRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ClanDesc(_message.Message):
    __slots__ = ("creator_id", "clan_name", "logo", "banner", "clan_id", "status", "badge_count", "is_onboarding", "welcome_channel_id", "onboarding_banner", "clan_order", "is_community", "community_banner", "description", "about", "short_url", "prevent_anonymous", "has_unread_message")
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    BANNER_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BADGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    IS_ONBOARDING_FIELD_NUMBER: _ClassVar[int]
    WELCOME_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ONBOARDING_BANNER_FIELD_NUMBER: _ClassVar[int]
    CLAN_ORDER_FIELD_NUMBER: _ClassVar[int]
    IS_COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_BANNER_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    SHORT_URL_FIELD_NUMBER: _ClassVar[int]
    PREVENT_ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    HAS_UNREAD_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    creator_id: int
    clan_name: str
    logo: str
    banner: str
    clan_id: int
    status: int
    badge_count: int
    is_onboarding: bool
    welcome_channel_id: int
    onboarding_banner: str
    clan_order: int
    is_community: bool
    community_banner: str
    description: str
    about: str
    short_url: str
    prevent_anonymous: bool
    has_unread_message: bool
    def __init__(self, creator_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., logo: _Optional[str] = ..., banner: _Optional[str] = ..., clan_id: _Optional[int] = ..., status: _Optional[int] = ..., badge_count: _Optional[int] = ..., is_onboarding: _Optional[bool] = ..., welcome_channel_id: _Optional[int] = ..., onboarding_banner: _Optional[str] = ..., clan_order: _Optional[int] = ..., is_community: _Optional[bool] = ..., community_banner: _Optional[str] = ..., description: _Optional[str] = ..., about: _Optional[str] = ..., short_url: _Optional[str] = ..., prevent_anonymous: _Optional[bool] = ..., has_unread_message: _Optional[bool] = ...) -> None: ...

class CreateClanDescRequest(_message.Message):
    __slots__ = ("clan_name", "logo", "banner")
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    BANNER_FIELD_NUMBER: _ClassVar[int]
    clan_name: str
    logo: str
    banner: str
    def __init__(self, clan_name: _Optional[str] = ..., logo: _Optional[str] = ..., banner: _Optional[str] = ...) -> None: ...

class UpdateClanDescRequest(_message.Message):
    __slots__ = ("clan_id", "clan_name", "logo", "banner", "status", "is_onboarding", "welcome_channel_id", "onboarding_banner", "is_community", "community_banner", "description", "about", "short_url", "prevent_anonymous")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    BANNER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IS_ONBOARDING_FIELD_NUMBER: _ClassVar[int]
    WELCOME_CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ONBOARDING_BANNER_FIELD_NUMBER: _ClassVar[int]
    IS_COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_BANNER_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    SHORT_URL_FIELD_NUMBER: _ClassVar[int]
    PREVENT_ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    clan_name: str
    logo: _wrappers_pb2.StringValue
    banner: _wrappers_pb2.StringValue
    status: int
    is_onboarding: _wrappers_pb2.BoolValue
    welcome_channel_id: int
    onboarding_banner: _wrappers_pb2.StringValue
    is_community: _wrappers_pb2.BoolValue
    community_banner: _wrappers_pb2.StringValue
    description: _wrappers_pb2.StringValue
    about: _wrappers_pb2.StringValue
    short_url: _wrappers_pb2.StringValue
    prevent_anonymous: bool
    def __init__(self, clan_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., logo: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., banner: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., status: _Optional[int] = ..., is_onboarding: _Optional[_Union[_wrappers_pb2.BoolValue, _Mapping[str, _Any]]] = ..., welcome_channel_id: _Optional[int] = ..., onboarding_banner: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., is_community: _Optional[_Union[_wrappers_pb2.BoolValue, _Mapping[str, _Any]]] = ..., community_banner: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., description: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., about: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., short_url: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., prevent_anonymous: _Optional[bool] = ...) -> None: ...

class DeleteClanDescRequest(_message.Message):
    __slots__ = ("clan_desc_id",)
    CLAN_DESC_ID_FIELD_NUMBER: _ClassVar[int]
    clan_desc_id: int
    def __init__(self, clan_desc_id: _Optional[int] = ...) -> None: ...

class ListClanDescRequest(_message.Message):
    __slots__ = ("limit", "state", "cursor")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    limit: int
    state: int
    cursor: str
    def __init__(self, limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListClanUnreadMsgIndicatorRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ListClanUnreadMsgIndicatorResponse(_message.Message):
    __slots__ = ("has_unread_message",)
    HAS_UNREAD_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    has_unread_message: bool
    def __init__(self, has_unread_message: _Optional[bool] = ...) -> None: ...

class ClanDescList(_message.Message):
    __slots__ = ("clandesc",)
    CLANDESC_FIELD_NUMBER: _ClassVar[int]
    clandesc: _containers.RepeatedCompositeFieldContainer[ClanDesc]
    def __init__(self, clandesc: _Optional[_Iterable[_Union[ClanDesc, _Mapping[str, _Any]]]] = ...) -> None: ...

class LinkInviteUserRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "expiry_time")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_TIME_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    expiry_time: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., expiry_time: _Optional[int] = ...) -> None: ...

class InviteUserRequest(_message.Message):
    __slots__ = ("invite_id",)
    INVITE_ID_FIELD_NUMBER: _ClassVar[int]
    invite_id: int
    def __init__(self, invite_id: _Optional[int] = ...) -> None: ...

class InviteUserRes(_message.Message):
    __slots__ = ("clan_id", "channel_id", "clan_name", "channel_label", "user_joined", "expiry_time_seconds", "clan_logo", "member_count", "banner", "community_banner", "is_community")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    USER_JOINED_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CLAN_LOGO_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    BANNER_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_BANNER_FIELD_NUMBER: _ClassVar[int]
    IS_COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    clan_name: str
    channel_label: str
    user_joined: bool
    expiry_time_seconds: int
    clan_logo: str
    member_count: int
    banner: str
    community_banner: str
    is_community: bool
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., channel_label: _Optional[str] = ..., user_joined: _Optional[bool] = ..., expiry_time_seconds: _Optional[int] = ..., clan_logo: _Optional[str] = ..., member_count: _Optional[int] = ..., banner: _Optional[str] = ..., community_banner: _Optional[str] = ..., is_community: _Optional[bool] = ...) -> None: ...

class JoinClanChannelRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class LinkInviteUser(_message.Message):
    __slots__ = ("clan_id", "creator_id", "channel_id", "invite_link", "create_time_seconds", "expiry_time_seconds", "id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    INVITE_LINK_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    creator_id: int
    channel_id: int
    invite_link: str
    create_time_seconds: int
    expiry_time_seconds: int
    id: int
    def __init__(self, clan_id: _Optional[int] = ..., creator_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., invite_link: _Optional[str] = ..., create_time_seconds: _Optional[int] = ..., expiry_time_seconds: _Optional[int] = ..., id: _Optional[int] = ...) -> None: ...

class ClanProfile(_message.Message):
    __slots__ = ("user_id", "nick_name", "avatar", "clan_id", "about")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    NICK_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    nick_name: str
    avatar: str
    clan_id: int
    about: str
    def __init__(self, user_id: _Optional[int] = ..., nick_name: _Optional[str] = ..., avatar: _Optional[str] = ..., clan_id: _Optional[int] = ..., about: _Optional[str] = ...) -> None: ...

class ClanProfileRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class UpdateClanProfileRequest(_message.Message):
    __slots__ = ("clan_id", "nick_name", "avatar")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    NICK_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    nick_name: _wrappers_pb2.StringValue
    avatar: _wrappers_pb2.StringValue
    def __init__(self, clan_id: _Optional[int] = ..., nick_name: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., avatar: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ...) -> None: ...

class UpdateClanOrderRequest(_message.Message):
    __slots__ = ("clans_order",)
    class ClanOrder(_message.Message):
        __slots__ = ("order", "clan_id")
        ORDER_FIELD_NUMBER: _ClassVar[int]
        CLAN_ID_FIELD_NUMBER: _ClassVar[int]
        order: int
        clan_id: int
        def __init__(self, order: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...
    CLANS_ORDER_FIELD_NUMBER: _ClassVar[int]
    clans_order: _containers.RepeatedCompositeFieldContainer[UpdateClanOrderRequest.ClanOrder]
    def __init__(self, clans_order: _Optional[_Iterable[_Union[UpdateClanOrderRequest.ClanOrder, _Mapping[str, _Any]]]] = ...) -> None: ...

class CategoryDesc(_message.Message):
    __slots__ = ("creator_id", "clan_id", "category_name", "category_id", "category_order")
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ORDER_FIELD_NUMBER: _ClassVar[int]
    creator_id: int
    clan_id: int
    category_name: str
    category_id: int
    category_order: int
    def __init__(self, creator_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., category_name: _Optional[str] = ..., category_id: _Optional[int] = ..., category_order: _Optional[int] = ...) -> None: ...

class UpdateCategoryOrderRequest(_message.Message):
    __slots__ = ("clan_id", "categories")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    categories: _containers.RepeatedCompositeFieldContainer[CategoryOrderUpdate]
    def __init__(self, clan_id: _Optional[int] = ..., categories: _Optional[_Iterable[_Union[CategoryOrderUpdate, _Mapping[str, _Any]]]] = ...) -> None: ...

class UpdateRoleOrderRequest(_message.Message):
    __slots__ = ("clan_id", "roles")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    roles: _containers.RepeatedCompositeFieldContainer[RoleOrderUpdate]
    def __init__(self, clan_id: _Optional[int] = ..., roles: _Optional[_Iterable[_Union[RoleOrderUpdate, _Mapping[str, _Any]]]] = ...) -> None: ...

class RoleOrderUpdate(_message.Message):
    __slots__ = ("role_id", "order")
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    role_id: int
    order: int
    def __init__(self, role_id: _Optional[int] = ..., order: _Optional[int] = ...) -> None: ...

class CategoryOrderUpdate(_message.Message):
    __slots__ = ("category_id", "order")
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    category_id: int
    order: int
    def __init__(self, category_id: _Optional[int] = ..., order: _Optional[int] = ...) -> None: ...

class CreateCategoryDescRequest(_message.Message):
    __slots__ = ("category_name", "clan_id")
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    category_name: str
    clan_id: int
    def __init__(self, category_name: _Optional[str] = ..., clan_id: _Optional[int] = ...) -> None: ...

class DeleteCategoryDescRequest(_message.Message):
    __slots__ = ("category_id", "clan_id", "category_label")
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_LABEL_FIELD_NUMBER: _ClassVar[int]
    category_id: int
    clan_id: int
    category_label: str
    def __init__(self, category_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., category_label: _Optional[str] = ...) -> None: ...

class CategoryDescList(_message.Message):
    __slots__ = ("categorydesc",)
    CATEGORYDESC_FIELD_NUMBER: _ClassVar[int]
    categorydesc: _containers.RepeatedCompositeFieldContainer[CategoryDesc]
    def __init__(self, categorydesc: _Optional[_Iterable[_Union[CategoryDesc, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListCategoryDescsRequest(_message.Message):
    __slots__ = ("limit", "state", "cursor")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    limit: int
    state: int
    cursor: str
    def __init__(self, limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ChannelMessageHeader(_message.Message):
    __slots__ = ("id", "timestamp_seconds", "sender_id", "content")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    id: int
    timestamp_seconds: int
    sender_id: int
    content: str
    def __init__(self, id: _Optional[int] = ..., timestamp_seconds: _Optional[int] = ..., sender_id: _Optional[int] = ..., content: _Optional[str] = ...) -> None: ...

class ChannelDescription(_message.Message):
    __slots__ = ("clan_id", "parent_id", "channel_id", "category_id", "category_name", "type", "creator_id", "channel_label", "channel_private", "avatars", "user_ids", "last_sent_message", "last_seen_message", "onlines", "meeting_code", "count_mess_unread", "active", "last_pin_message", "usernames", "creator_name", "create_time_seconds", "update_time_seconds", "display_names", "channel_avatar", "clan_name", "app_id", "is_mute", "age_restricted", "topic", "e2ee", "member_count")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    AVATARS_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    LAST_SENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ONLINES_FIELD_NUMBER: _ClassVar[int]
    MEETING_CODE_FIELD_NUMBER: _ClassVar[int]
    COUNT_MESS_UNREAD_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    LAST_PIN_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    CREATOR_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAMES_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_AVATAR_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    IS_MUTE_FIELD_NUMBER: _ClassVar[int]
    AGE_RESTRICTED_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    E2EE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    parent_id: int
    channel_id: int
    category_id: int
    category_name: str
    type: int
    creator_id: int
    channel_label: str
    channel_private: int
    avatars: _containers.RepeatedScalarFieldContainer[str]
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    last_sent_message: ChannelMessageHeader
    last_seen_message: ChannelMessageHeader
    onlines: _containers.RepeatedScalarFieldContainer[bool]
    meeting_code: str
    count_mess_unread: int
    active: int
    last_pin_message: str
    usernames: _containers.RepeatedScalarFieldContainer[str]
    creator_name: str
    create_time_seconds: int
    update_time_seconds: int
    display_names: _containers.RepeatedScalarFieldContainer[str]
    channel_avatar: str
    clan_name: str
    app_id: int
    is_mute: bool
    age_restricted: int
    topic: str
    e2ee: int
    member_count: int
    def __init__(self, clan_id: _Optional[int] = ..., parent_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., category_id: _Optional[int] = ..., category_name: _Optional[str] = ..., type: _Optional[int] = ..., creator_id: _Optional[int] = ..., channel_label: _Optional[str] = ..., channel_private: _Optional[int] = ..., avatars: _Optional[_Iterable[str]] = ..., user_ids: _Optional[_Iterable[int]] = ..., last_sent_message: _Optional[_Union[ChannelMessageHeader, _Mapping[str, _Any]]] = ..., last_seen_message: _Optional[_Union[ChannelMessageHeader, _Mapping[str, _Any]]] = ..., onlines: _Optional[_Iterable[bool]] = ..., meeting_code: _Optional[str] = ..., count_mess_unread: _Optional[int] = ..., active: _Optional[int] = ..., last_pin_message: _Optional[str] = ..., usernames: _Optional[_Iterable[str]] = ..., creator_name: _Optional[str] = ..., create_time_seconds: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., display_names: _Optional[_Iterable[str]] = ..., channel_avatar: _Optional[str] = ..., clan_name: _Optional[str] = ..., app_id: _Optional[int] = ..., is_mute: _Optional[bool] = ..., age_restricted: _Optional[int] = ..., topic: _Optional[str] = ..., e2ee: _Optional[int] = ..., member_count: _Optional[int] = ...) -> None: ...

class ChannelDescList(_message.Message):
    __slots__ = ("channeldesc",)
    CHANNELDESC_FIELD_NUMBER: _ClassVar[int]
    channeldesc: _containers.RepeatedCompositeFieldContainer[ChannelDescription]
    def __init__(self, channeldesc: _Optional[_Iterable[_Union[ChannelDescription, _Mapping[str, _Any]]]] = ...) -> None: ...

class ChannelDescListNoPool(_message.Message):
    __slots__ = ("channeldesc", "page")
    CHANNELDESC_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    channeldesc: _containers.RepeatedCompositeFieldContainer[ChannelDescription]
    page: int
    def __init__(self, channeldesc: _Optional[_Iterable[_Union[ChannelDescription, _Mapping[str, _Any]]]] = ..., page: _Optional[int] = ...) -> None: ...

class ListThreadRequest(_message.Message):
    __slots__ = ("limit", "state", "clan_id", "channel_id", "thread_id", "page")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    limit: int
    state: int
    clan_id: int
    channel_id: int
    thread_id: int
    page: int
    def __init__(self, limit: _Optional[int] = ..., state: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., thread_id: _Optional[int] = ..., page: _Optional[int] = ...) -> None: ...

class ListChannelDescsRequest(_message.Message):
    __slots__ = ("limit", "state", "cursor", "clan_id", "channel_type", "is_mobile", "page")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_MOBILE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    limit: int
    state: int
    cursor: str
    clan_id: int
    channel_type: int
    is_mobile: bool
    page: int
    def __init__(self, limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ..., clan_id: _Optional[int] = ..., channel_type: _Optional[int] = ..., is_mobile: _Optional[bool] = ..., page: _Optional[int] = ...) -> None: ...

class ListChannelDetailRequest(_message.Message):
    __slots__ = ("channel_id",)
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    def __init__(self, channel_id: _Optional[int] = ...) -> None: ...

class AddRoleChannelDescRequest(_message.Message):
    __slots__ = ("role_ids", "channel_id")
    ROLE_IDS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    role_ids: _containers.RepeatedScalarFieldContainer[int]
    channel_id: int
    def __init__(self, role_ids: _Optional[_Iterable[int]] = ..., channel_id: _Optional[int] = ...) -> None: ...

class CreateChannelDescRequest(_message.Message):
    __slots__ = ("clan_id", "parent_id", "channel_id", "category_id", "type", "channel_label", "channel_private", "user_ids", "app_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    parent_id: int
    channel_id: int
    category_id: int
    type: int
    channel_label: str
    channel_private: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    app_id: int
    def __init__(self, clan_id: _Optional[int] = ..., parent_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., category_id: _Optional[int] = ..., type: _Optional[int] = ..., channel_label: _Optional[str] = ..., channel_private: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., app_id: _Optional[int] = ...) -> None: ...

class DeleteChannelDescRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class UpdateChannelDescRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "channel_label", "category_id", "app_id", "topic", "age_restricted", "e2ee", "channel_avatar")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    AGE_RESTRICTED_FIELD_NUMBER: _ClassVar[int]
    E2EE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_AVATAR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    channel_label: _wrappers_pb2.StringValue
    category_id: int
    app_id: int
    topic: str
    age_restricted: int
    e2ee: int
    channel_avatar: _wrappers_pb2.StringValue
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_label: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., category_id: _Optional[int] = ..., app_id: _Optional[int] = ..., topic: _Optional[str] = ..., age_restricted: _Optional[int] = ..., e2ee: _Optional[int] = ..., channel_avatar: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ...) -> None: ...

class ChangeChannelPrivateRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "channel_private", "user_ids", "role_ids")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    ROLE_IDS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    channel_private: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    role_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_private: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., role_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class AddChannelUsersRequest(_message.Message):
    __slots__ = ("channel_id", "user_ids")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, channel_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class RemoveChannelUsersRequest(_message.Message):
    __slots__ = ("channel_id", "user_ids")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, channel_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class RemoveClanUsersRequest(_message.Message):
    __slots__ = ("clan_id", "user_ids")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, clan_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class BanClanUsersRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "user_ids", "ban_time", "reason")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    BAN_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    ban_time: int
    reason: str
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., ban_time: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class BannedUser(_message.Message):
    __slots__ = ("channel_id", "banned_id", "banner_id", "ban_time", "reason")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    BANNED_ID_FIELD_NUMBER: _ClassVar[int]
    BANNER_ID_FIELD_NUMBER: _ClassVar[int]
    BAN_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    banned_id: int
    banner_id: int
    ban_time: int
    reason: str
    def __init__(self, channel_id: _Optional[int] = ..., banned_id: _Optional[int] = ..., banner_id: _Optional[int] = ..., ban_time: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class BannedUserListRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class BannedUserList(_message.Message):
    __slots__ = ("banned_users",)
    BANNED_USERS_FIELD_NUMBER: _ClassVar[int]
    banned_users: _containers.RepeatedCompositeFieldContainer[BannedUser]
    def __init__(self, banned_users: _Optional[_Iterable[_Union[BannedUser, _Mapping[str, _Any]]]] = ...) -> None: ...

class LeaveThreadRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class ArchiveChannelRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class ListArchivedChannelDescsRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ListArchivedChannelDescsResponse(_message.Message):
    __slots__ = ("channeldesc",)
    CHANNELDESC_FIELD_NUMBER: _ClassVar[int]
    channeldesc: _containers.RepeatedCompositeFieldContainer[ChannelDescription]
    def __init__(self, channeldesc: _Optional[_Iterable[_Union[ChannelDescription, _Mapping[str, _Any]]]] = ...) -> None: ...

class Role(_message.Message):
    __slots__ = ("id", "title", "color", "role_icon", "slug", "description", "creator_id", "clan_id", "active", "display_online", "allow_mention", "role_user_list", "permission_list", "role_channel_active", "channel_ids", "max_level_permission", "order_role")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    ROLE_ICON_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_ONLINE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MENTION_FIELD_NUMBER: _ClassVar[int]
    ROLE_USER_LIST_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_LIST_FIELD_NUMBER: _ClassVar[int]
    ROLE_CHANNEL_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_IDS_FIELD_NUMBER: _ClassVar[int]
    MAX_LEVEL_PERMISSION_FIELD_NUMBER: _ClassVar[int]
    ORDER_ROLE_FIELD_NUMBER: _ClassVar[int]
    id: int
    title: str
    color: str
    role_icon: str
    slug: str
    description: str
    creator_id: int
    clan_id: int
    active: int
    display_online: int
    allow_mention: int
    role_user_list: RoleUserList
    permission_list: PermissionList
    role_channel_active: int
    channel_ids: _containers.RepeatedScalarFieldContainer[int]
    max_level_permission: int
    order_role: int
    def __init__(self, id: _Optional[int] = ..., title: _Optional[str] = ..., color: _Optional[str] = ..., role_icon: _Optional[str] = ..., slug: _Optional[str] = ..., description: _Optional[str] = ..., creator_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., active: _Optional[int] = ..., display_online: _Optional[int] = ..., allow_mention: _Optional[int] = ..., role_user_list: _Optional[_Union[RoleUserList, _Mapping[str, _Any]]] = ..., permission_list: _Optional[_Union[PermissionList, _Mapping[str, _Any]]] = ..., role_channel_active: _Optional[int] = ..., channel_ids: _Optional[_Iterable[int]] = ..., max_level_permission: _Optional[int] = ..., order_role: _Optional[int] = ...) -> None: ...

class EventManagement(_message.Message):
    __slots__ = ("id", "title", "logo", "description", "active", "start_event", "creator_id", "clan_id", "channel_voice_id", "address", "start_time_seconds", "end_time_seconds", "user_ids", "create_time_seconds", "max_permission", "channel_id", "event_status", "repeat_type", "is_private", "meet_room")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    START_EVENT_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_VOICE_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    END_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAX_PERMISSION_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    REPEAT_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    MEET_ROOM_FIELD_NUMBER: _ClassVar[int]
    id: int
    title: str
    logo: str
    description: str
    active: int
    start_event: int
    creator_id: int
    clan_id: int
    channel_voice_id: int
    address: str
    start_time_seconds: int
    end_time_seconds: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    create_time_seconds: int
    max_permission: int
    channel_id: int
    event_status: int
    repeat_type: int
    is_private: bool
    meet_room: GenerateMezonMeetResponse
    def __init__(self, id: _Optional[int] = ..., title: _Optional[str] = ..., logo: _Optional[str] = ..., description: _Optional[str] = ..., active: _Optional[int] = ..., start_event: _Optional[int] = ..., creator_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_voice_id: _Optional[int] = ..., address: _Optional[str] = ..., start_time_seconds: _Optional[int] = ..., end_time_seconds: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., create_time_seconds: _Optional[int] = ..., max_permission: _Optional[int] = ..., channel_id: _Optional[int] = ..., event_status: _Optional[int] = ..., repeat_type: _Optional[int] = ..., is_private: _Optional[bool] = ..., meet_room: _Optional[_Union[GenerateMezonMeetResponse, _Mapping[str, _Any]]] = ...) -> None: ...

class Permission(_message.Message):
    __slots__ = ("id", "title", "slug", "description", "active", "scope", "level")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    id: int
    title: str
    slug: str
    description: str
    active: int
    scope: int
    level: int
    def __init__(self, id: _Optional[int] = ..., title: _Optional[str] = ..., slug: _Optional[str] = ..., description: _Optional[str] = ..., active: _Optional[int] = ..., scope: _Optional[int] = ..., level: _Optional[int] = ...) -> None: ...

class NotificationSetting(_message.Message):
    __slots__ = ("id", "notification_setting_type")
    ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_SETTING_TYPE_FIELD_NUMBER: _ClassVar[int]
    id: int
    notification_setting_type: int
    def __init__(self, id: _Optional[int] = ..., notification_setting_type: _Optional[int] = ...) -> None: ...

class DeletePinMessage(_message.Message):
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

class PinMessage(_message.Message):
    __slots__ = ("id", "message_id", "channel_id", "sender_id", "content", "username", "avatar", "create_time_seconds", "attachment")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENT_FIELD_NUMBER: _ClassVar[int]
    id: int
    message_id: int
    channel_id: int
    sender_id: int
    content: str
    username: str
    avatar: str
    create_time_seconds: int
    attachment: bytes
    def __init__(self, id: _Optional[int] = ..., message_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., sender_id: _Optional[int] = ..., content: _Optional[str] = ..., username: _Optional[str] = ..., avatar: _Optional[str] = ..., create_time_seconds: _Optional[int] = ..., attachment: _Optional[bytes] = ...) -> None: ...

class PinMessagesList(_message.Message):
    __slots__ = ("pin_messages_list",)
    PIN_MESSAGES_LIST_FIELD_NUMBER: _ClassVar[int]
    pin_messages_list: _containers.RepeatedCompositeFieldContainer[PinMessage]
    def __init__(self, pin_messages_list: _Optional[_Iterable[_Union[PinMessage, _Mapping[str, _Any]]]] = ...) -> None: ...

class NotificationUserChannel(_message.Message):
    __slots__ = ("id", "notification_setting_type", "time_mute_seconds", "active", "channel_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_SETTING_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_MUTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    notification_setting_type: int
    time_mute_seconds: int
    active: int
    channel_id: int
    def __init__(self, id: _Optional[int] = ..., notification_setting_type: _Optional[int] = ..., time_mute_seconds: _Optional[int] = ..., active: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class NotifiReactMessage(_message.Message):
    __slots__ = ("id", "user_id", "channel_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: int
    channel_id: int
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class DefaultNotificationClan(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class DefaultNotificationCategory(_message.Message):
    __slots__ = ("category_id",)
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    category_id: int
    def __init__(self, category_id: _Optional[int] = ...) -> None: ...

class NotificationChannel(_message.Message):
    __slots__ = ("channel_id",)
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    def __init__(self, channel_id: _Optional[int] = ...) -> None: ...

class NotificationClan(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class NotificationSettingList(_message.Message):
    __slots__ = ("notification_setting",)
    NOTIFICATION_SETTING_FIELD_NUMBER: _ClassVar[int]
    notification_setting: _containers.RepeatedCompositeFieldContainer[NotificationSetting]
    def __init__(self, notification_setting: _Optional[_Iterable[_Union[NotificationSetting, _Mapping[str, _Any]]]] = ...) -> None: ...

class SetNotificationRequest(_message.Message):
    __slots__ = ("channel_category_id", "notification_type", "clan_id")
    CHANNEL_CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    channel_category_id: int
    notification_type: int
    clan_id: int
    def __init__(self, channel_category_id: _Optional[int] = ..., notification_type: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class PinMessageRequest(_message.Message):
    __slots__ = ("message_id", "channel_id", "clan_id")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    channel_id: int
    clan_id: int
    def __init__(self, message_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class SetMuteRequest(_message.Message):
    __slots__ = ("id", "mute_time", "active", "clan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    MUTE_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    mute_time: int
    active: int
    clan_id: int
    def __init__(self, id: _Optional[int] = ..., mute_time: _Optional[int] = ..., active: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class NotificationChannelCategorySettingList(_message.Message):
    __slots__ = ("notification_channel_category_settings_list",)
    NOTIFICATION_CHANNEL_CATEGORY_SETTINGS_LIST_FIELD_NUMBER: _ClassVar[int]
    notification_channel_category_settings_list: _containers.RepeatedCompositeFieldContainer[NotificationChannelCategorySetting]
    def __init__(self, notification_channel_category_settings_list: _Optional[_Iterable[_Union[NotificationChannelCategorySetting, _Mapping[str, _Any]]]] = ...) -> None: ...

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

class SetDefaultNotificationRequest(_message.Message):
    __slots__ = ("clan_id", "notification_type", "category_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    notification_type: int
    category_id: int
    def __init__(self, clan_id: _Optional[int] = ..., notification_type: _Optional[int] = ..., category_id: _Optional[int] = ...) -> None: ...

class RoleList(_message.Message):
    __slots__ = ("roles", "max_level_permission")
    ROLES_FIELD_NUMBER: _ClassVar[int]
    MAX_LEVEL_PERMISSION_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedCompositeFieldContainer[Role]
    max_level_permission: int
    def __init__(self, roles: _Optional[_Iterable[_Union[Role, _Mapping[str, _Any]]]] = ..., max_level_permission: _Optional[int] = ...) -> None: ...

class EventList(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[EventManagement]
    def __init__(self, events: _Optional[_Iterable[_Union[EventManagement, _Mapping[str, _Any]]]] = ...) -> None: ...

class PermissionList(_message.Message):
    __slots__ = ("permissions", "max_level_permission")
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_LEVEL_PERMISSION_FIELD_NUMBER: _ClassVar[int]
    permissions: _containers.RepeatedCompositeFieldContainer[Permission]
    max_level_permission: int
    def __init__(self, permissions: _Optional[_Iterable[_Union[Permission, _Mapping[str, _Any]]]] = ..., max_level_permission: _Optional[int] = ...) -> None: ...

class ListPermissionsRequest(_message.Message):
    __slots__ = ("role_id",)
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    role_id: int
    def __init__(self, role_id: _Optional[int] = ...) -> None: ...

class ListRoleUsersRequest(_message.Message):
    __slots__ = ("role_id", "limit", "cursor")
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    role_id: int
    limit: int
    cursor: str
    def __init__(self, role_id: _Optional[int] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListPermissionOfUsersRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class RoleUserList(_message.Message):
    __slots__ = ("role_users", "cursor")
    class RoleUser(_message.Message):
        __slots__ = ("id", "username", "display_name", "avatar_url", "lang_tag", "location", "online")
        ID_FIELD_NUMBER: _ClassVar[int]
        USERNAME_FIELD_NUMBER: _ClassVar[int]
        DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
        AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
        LANG_TAG_FIELD_NUMBER: _ClassVar[int]
        LOCATION_FIELD_NUMBER: _ClassVar[int]
        ONLINE_FIELD_NUMBER: _ClassVar[int]
        id: int
        username: str
        display_name: str
        avatar_url: str
        lang_tag: str
        location: str
        online: bool
        def __init__(self, id: _Optional[int] = ..., username: _Optional[str] = ..., display_name: _Optional[str] = ..., avatar_url: _Optional[str] = ..., lang_tag: _Optional[str] = ..., location: _Optional[str] = ..., online: _Optional[bool] = ...) -> None: ...
    ROLE_USERS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    role_users: _containers.RepeatedCompositeFieldContainer[RoleUserList.RoleUser]
    cursor: str
    def __init__(self, role_users: _Optional[_Iterable[_Union[RoleUserList.RoleUser, _Mapping[str, _Any]]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class UserEventRequest(_message.Message):
    __slots__ = ("clan_id", "event_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    event_id: int
    def __init__(self, clan_id: _Optional[int] = ..., event_id: _Optional[int] = ...) -> None: ...

class ListEventsRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class CreateRoleRequest(_message.Message):
    __slots__ = ("title", "color", "role_icon", "description", "clan_id", "display_online", "allow_mention", "max_permission_id", "add_user_ids", "active_permission_ids", "order_role")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    ROLE_ICON_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_ONLINE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MENTION_FIELD_NUMBER: _ClassVar[int]
    MAX_PERMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    ADD_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_PERMISSION_IDS_FIELD_NUMBER: _ClassVar[int]
    ORDER_ROLE_FIELD_NUMBER: _ClassVar[int]
    title: str
    color: str
    role_icon: str
    description: str
    clan_id: int
    display_online: int
    allow_mention: int
    max_permission_id: int
    add_user_ids: _containers.RepeatedScalarFieldContainer[int]
    active_permission_ids: _containers.RepeatedScalarFieldContainer[int]
    order_role: int
    def __init__(self, title: _Optional[str] = ..., color: _Optional[str] = ..., role_icon: _Optional[str] = ..., description: _Optional[str] = ..., clan_id: _Optional[int] = ..., display_online: _Optional[int] = ..., allow_mention: _Optional[int] = ..., max_permission_id: _Optional[int] = ..., add_user_ids: _Optional[_Iterable[int]] = ..., active_permission_ids: _Optional[_Iterable[int]] = ..., order_role: _Optional[int] = ...) -> None: ...

class CreateEventRequest(_message.Message):
    __slots__ = ("title", "logo", "description", "clan_id", "channel_voice_id", "address", "start_time_seconds", "end_time_seconds", "event_id", "event_status", "channel_id", "action", "repeat_type", "creator_id", "user_id", "is_private", "meet_room")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_VOICE_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    END_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    REPEAT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IS_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    MEET_ROOM_FIELD_NUMBER: _ClassVar[int]
    title: str
    logo: str
    description: str
    clan_id: int
    channel_voice_id: int
    address: str
    start_time_seconds: int
    end_time_seconds: int
    event_id: int
    event_status: int
    channel_id: int
    action: int
    repeat_type: int
    creator_id: int
    user_id: int
    is_private: bool
    meet_room: GenerateMezonMeetResponse
    def __init__(self, title: _Optional[str] = ..., logo: _Optional[str] = ..., description: _Optional[str] = ..., clan_id: _Optional[int] = ..., channel_voice_id: _Optional[int] = ..., address: _Optional[str] = ..., start_time_seconds: _Optional[int] = ..., end_time_seconds: _Optional[int] = ..., event_id: _Optional[int] = ..., event_status: _Optional[int] = ..., channel_id: _Optional[int] = ..., action: _Optional[int] = ..., repeat_type: _Optional[int] = ..., creator_id: _Optional[int] = ..., user_id: _Optional[int] = ..., is_private: _Optional[bool] = ..., meet_room: _Optional[_Union[GenerateMezonMeetResponse, _Mapping[str, _Any]]] = ...) -> None: ...

class UpdateEventRequest(_message.Message):
    __slots__ = ("title", "logo", "description", "event_id", "channel_id", "address", "start_time_seconds", "end_time_seconds", "clan_id", "creator_id", "channel_voice_id", "channel_id_old", "repeat_type")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    END_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_VOICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_OLD_FIELD_NUMBER: _ClassVar[int]
    REPEAT_TYPE_FIELD_NUMBER: _ClassVar[int]
    title: str
    logo: str
    description: str
    event_id: int
    channel_id: int
    address: str
    start_time_seconds: int
    end_time_seconds: int
    clan_id: int
    creator_id: int
    channel_voice_id: int
    channel_id_old: int
    repeat_type: int
    def __init__(self, title: _Optional[str] = ..., logo: _Optional[str] = ..., description: _Optional[str] = ..., event_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., address: _Optional[str] = ..., start_time_seconds: _Optional[int] = ..., end_time_seconds: _Optional[int] = ..., clan_id: _Optional[int] = ..., creator_id: _Optional[int] = ..., channel_voice_id: _Optional[int] = ..., channel_id_old: _Optional[int] = ..., repeat_type: _Optional[int] = ...) -> None: ...

class DeleteRoleRequest(_message.Message):
    __slots__ = ("role_id", "channel_id", "clan_id", "role_label")
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_LABEL_FIELD_NUMBER: _ClassVar[int]
    role_id: int
    channel_id: int
    clan_id: int
    role_label: str
    def __init__(self, role_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., role_label: _Optional[str] = ...) -> None: ...

class DeleteEventRequest(_message.Message):
    __slots__ = ("event_id", "clan_id", "creator_id", "event_label", "channel_id")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: int
    clan_id: int
    creator_id: int
    event_label: str
    channel_id: int
    def __init__(self, event_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., creator_id: _Optional[int] = ..., event_label: _Optional[str] = ..., channel_id: _Optional[int] = ...) -> None: ...

class UpdateRoleRequest(_message.Message):
    __slots__ = ("role_id", "title", "color", "role_icon", "description", "display_online", "allow_mention", "add_user_ids", "active_permission_ids", "remove_user_ids", "remove_permission_ids", "clan_id", "max_permission_id")
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    ROLE_ICON_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_ONLINE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MENTION_FIELD_NUMBER: _ClassVar[int]
    ADD_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_PERMISSION_IDS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_USER_IDS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_PERMISSION_IDS_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_PERMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    role_id: int
    title: _wrappers_pb2.StringValue
    color: _wrappers_pb2.StringValue
    role_icon: _wrappers_pb2.StringValue
    description: _wrappers_pb2.StringValue
    display_online: int
    allow_mention: int
    add_user_ids: _containers.RepeatedScalarFieldContainer[int]
    active_permission_ids: _containers.RepeatedScalarFieldContainer[int]
    remove_user_ids: _containers.RepeatedScalarFieldContainer[int]
    remove_permission_ids: _containers.RepeatedScalarFieldContainer[int]
    clan_id: int
    max_permission_id: int
    def __init__(self, role_id: _Optional[int] = ..., title: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., color: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., role_icon: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., description: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., display_online: _Optional[int] = ..., allow_mention: _Optional[int] = ..., add_user_ids: _Optional[_Iterable[int]] = ..., active_permission_ids: _Optional[_Iterable[int]] = ..., remove_user_ids: _Optional[_Iterable[int]] = ..., remove_permission_ids: _Optional[_Iterable[int]] = ..., clan_id: _Optional[int] = ..., max_permission_id: _Optional[int] = ...) -> None: ...

class UpdateRoleChannelRequest(_message.Message):
    __slots__ = ("role_id", "permission_update", "max_permission_id", "channel_id", "user_id", "role_label")
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_UPDATE_FIELD_NUMBER: _ClassVar[int]
    MAX_PERMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_LABEL_FIELD_NUMBER: _ClassVar[int]
    role_id: int
    permission_update: _containers.RepeatedCompositeFieldContainer[PermissionUpdate]
    max_permission_id: int
    channel_id: int
    user_id: int
    role_label: str
    def __init__(self, role_id: _Optional[int] = ..., permission_update: _Optional[_Iterable[_Union[PermissionUpdate, _Mapping[str, _Any]]]] = ..., max_permission_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., user_id: _Optional[int] = ..., role_label: _Optional[str] = ...) -> None: ...

class PermissionUpdate(_message.Message):
    __slots__ = ("permission_id", "slug", "type")
    PERMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    permission_id: int
    slug: str
    type: int
    def __init__(self, permission_id: _Optional[int] = ..., slug: _Optional[str] = ..., type: _Optional[int] = ...) -> None: ...

class UploadBatchAttachmentRequest(_message.Message):
    __slots__ = ("upload_files",)
    UPLOAD_FILES_FIELD_NUMBER: _ClassVar[int]
    upload_files: _containers.RepeatedCompositeFieldContainer[UploadAttachmentRequest]
    def __init__(self, upload_files: _Optional[_Iterable[_Union[UploadAttachmentRequest, _Mapping[str, _Any]]]] = ...) -> None: ...

class UploadAttachmentBatch(_message.Message):
    __slots__ = ("uploaded_files",)
    UPLOADED_FILES_FIELD_NUMBER: _ClassVar[int]
    uploaded_files: _containers.RepeatedCompositeFieldContainer[UploadAttachment]
    def __init__(self, uploaded_files: _Optional[_Iterable[_Union[UploadAttachment, _Mapping[str, _Any]]]] = ...) -> None: ...

class UploadAttachmentRequest(_message.Message):
    __slots__ = ("filename", "filetype", "size", "width", "height", "part_count")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    FILETYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    PART_COUNT_FIELD_NUMBER: _ClassVar[int]
    filename: str
    filetype: str
    size: int
    width: int
    height: int
    part_count: int
    def __init__(self, filename: _Optional[str] = ..., filetype: _Optional[str] = ..., size: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., part_count: _Optional[int] = ...) -> None: ...

class ListMessageMentionRequest(_message.Message):
    __slots__ = ("limit", "forward", "cursor")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FORWARD_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    limit: int
    forward: bool
    cursor: str
    def __init__(self, limit: _Optional[int] = ..., forward: _Optional[bool] = ..., cursor: _Optional[str] = ...) -> None: ...

class UploadAttachment(_message.Message):
    __slots__ = ("filename", "url")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    filename: str
    url: str
    def __init__(self, filename: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class MultipartUploadAttachment(_message.Message):
    __slots__ = ("filename", "urls", "upload_id")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    URLS_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    filename: str
    urls: _containers.RepeatedScalarFieldContainer[str]
    upload_id: str
    def __init__(self, filename: _Optional[str] = ..., urls: _Optional[_Iterable[str]] = ..., upload_id: _Optional[str] = ...) -> None: ...

class MultipartUploadAttachmentPart(_message.Message):
    __slots__ = ("part_number", "e_tag")
    PART_NUMBER_FIELD_NUMBER: _ClassVar[int]
    E_TAG_FIELD_NUMBER: _ClassVar[int]
    part_number: int
    e_tag: str
    def __init__(self, part_number: _Optional[int] = ..., e_tag: _Optional[str] = ...) -> None: ...

class MultipartUploadAttachmentFinishRequest(_message.Message):
    __slots__ = ("upload_id", "parts", "filename")
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    upload_id: str
    parts: _containers.RepeatedCompositeFieldContainer[MultipartUploadAttachmentPart]
    filename: str
    def __init__(self, upload_id: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[MultipartUploadAttachmentPart, _Mapping[str, _Any]]]] = ..., filename: _Optional[str] = ...) -> None: ...

class SearchMessageRequest(_message.Message):
    __slots__ = ("filters", "size", "sorts")
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SORTS_FIELD_NUMBER: _ClassVar[int]
    filters: _containers.RepeatedCompositeFieldContainer[FilterParam]
    size: int
    sorts: _containers.RepeatedCompositeFieldContainer[SortParam]
    def __init__(self, filters: _Optional[_Iterable[_Union[FilterParam, _Mapping[str, _Any]]]] = ..., size: _Optional[int] = ..., sorts: _Optional[_Iterable[_Union[SortParam, _Mapping[str, _Any]]]] = ..., **kwargs: _Any) -> None: ...

class SortParam(_message.Message):
    __slots__ = ("field_name", "order")
    FIELD_NAME_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    field_name: str
    order: str
    def __init__(self, field_name: _Optional[str] = ..., order: _Optional[str] = ...) -> None: ...

class FilterParam(_message.Message):
    __slots__ = ("field_name", "field_value")
    FIELD_NAME_FIELD_NUMBER: _ClassVar[int]
    FIELD_VALUE_FIELD_NUMBER: _ClassVar[int]
    field_name: str
    field_value: str
    def __init__(self, field_name: _Optional[str] = ..., field_value: _Optional[str] = ...) -> None: ...

class SearchMessageDocument(_message.Message):
    __slots__ = ("message_id", "channel_id", "clan_id", "sender_id", "content", "mentions", "reactions", "attachments", "references", "create_time", "update_time", "channel_label", "channel_type", "clan_name", "username", "display_name", "avatar_url")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    REACTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    channel_id: str
    clan_id: str
    sender_id: str
    content: str
    mentions: str
    reactions: str
    attachments: str
    references: str
    create_time: str
    update_time: str
    channel_label: str
    channel_type: int
    clan_name: str
    username: str
    display_name: str
    avatar_url: str
    def __init__(self, message_id: _Optional[str] = ..., channel_id: _Optional[str] = ..., clan_id: _Optional[str] = ..., sender_id: _Optional[str] = ..., content: _Optional[str] = ..., mentions: _Optional[str] = ..., reactions: _Optional[str] = ..., attachments: _Optional[str] = ..., references: _Optional[str] = ..., create_time: _Optional[str] = ..., update_time: _Optional[str] = ..., channel_label: _Optional[str] = ..., channel_type: _Optional[int] = ..., clan_name: _Optional[str] = ..., username: _Optional[str] = ..., display_name: _Optional[str] = ..., avatar_url: _Optional[str] = ...) -> None: ...

class SearchMessageResponse(_message.Message):
    __slots__ = ("messages", "total")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[SearchMessageDocument]
    total: int
    def __init__(self, messages: _Optional[_Iterable[_Union[SearchMessageDocument, _Mapping[str, _Any]]]] = ..., total: _Optional[int] = ...) -> None: ...

class RegistrationEmailRequest(_message.Message):
    __slots__ = ("email", "password", "old_password", "username", "display_name", "avatar_url", "dob", "vars")
    class VarsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    OLD_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_URL_FIELD_NUMBER: _ClassVar[int]
    DOB_FIELD_NUMBER: _ClassVar[int]
    VARS_FIELD_NUMBER: _ClassVar[int]
    email: str
    password: str
    old_password: str
    username: str
    display_name: str
    avatar_url: str
    dob: str
    vars: _containers.ScalarMap[str, str]
    def __init__(self, email: _Optional[str] = ..., password: _Optional[str] = ..., old_password: _Optional[str] = ..., username: _Optional[str] = ..., display_name: _Optional[str] = ..., avatar_url: _Optional[str] = ..., dob: _Optional[str] = ..., vars: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ClanEmoji(_message.Message):
    __slots__ = ("id", "src", "shortname", "category", "creator_id", "clan_id", "logo", "clan_name", "is_for_sale")
    ID_FIELD_NUMBER: _ClassVar[int]
    SRC_FIELD_NUMBER: _ClassVar[int]
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    IS_FOR_SALE_FIELD_NUMBER: _ClassVar[int]
    id: int
    src: str
    shortname: str
    category: str
    creator_id: int
    clan_id: int
    logo: str
    clan_name: str
    is_for_sale: bool
    def __init__(self, id: _Optional[int] = ..., src: _Optional[str] = ..., shortname: _Optional[str] = ..., category: _Optional[str] = ..., creator_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., logo: _Optional[str] = ..., clan_name: _Optional[str] = ..., is_for_sale: _Optional[bool] = ...) -> None: ...

class EmojiListedResponse(_message.Message):
    __slots__ = ("emoji_list",)
    EMOJI_LIST_FIELD_NUMBER: _ClassVar[int]
    emoji_list: _containers.RepeatedCompositeFieldContainer[ClanEmoji]
    def __init__(self, emoji_list: _Optional[_Iterable[_Union[ClanEmoji, _Mapping[str, _Any]]]] = ...) -> None: ...

class StickerListedResponse(_message.Message):
    __slots__ = ("stickers",)
    STICKERS_FIELD_NUMBER: _ClassVar[int]
    stickers: _containers.RepeatedCompositeFieldContainer[ClanSticker]
    def __init__(self, stickers: _Optional[_Iterable[_Union[ClanSticker, _Mapping[str, _Any]]]] = ...) -> None: ...

class ClanSticker(_message.Message):
    __slots__ = ("id", "source", "shortname", "category", "creator_id", "create_time_seconds", "clan_id", "logo", "clan_name", "media_type", "is_for_sale")
    ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LOGO_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_FOR_SALE_FIELD_NUMBER: _ClassVar[int]
    id: int
    source: str
    shortname: str
    category: str
    creator_id: int
    create_time_seconds: int
    clan_id: int
    logo: str
    clan_name: str
    media_type: int
    is_for_sale: bool
    def __init__(self, id: _Optional[int] = ..., source: _Optional[str] = ..., shortname: _Optional[str] = ..., category: _Optional[str] = ..., creator_id: _Optional[int] = ..., create_time_seconds: _Optional[int] = ..., clan_id: _Optional[int] = ..., logo: _Optional[str] = ..., clan_name: _Optional[str] = ..., media_type: _Optional[int] = ..., is_for_sale: _Optional[bool] = ...) -> None: ...

class AllUsersAddChannelRequest(_message.Message):
    __slots__ = ("channel_id", "limit")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    limit: int
    def __init__(self, channel_id: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class AllUsersAddChannelResponse(_message.Message):
    __slots__ = ("channel_id", "user_ids", "limit", "usernames", "display_names", "avatars", "onlines")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAMES_FIELD_NUMBER: _ClassVar[int]
    AVATARS_FIELD_NUMBER: _ClassVar[int]
    ONLINES_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    limit: int
    usernames: _containers.RepeatedScalarFieldContainer[str]
    display_names: _containers.RepeatedScalarFieldContainer[str]
    avatars: _containers.RepeatedScalarFieldContainer[str]
    onlines: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, channel_id: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., limit: _Optional[int] = ..., usernames: _Optional[_Iterable[str]] = ..., display_names: _Optional[_Iterable[str]] = ..., avatars: _Optional[_Iterable[str]] = ..., onlines: _Optional[_Iterable[bool]] = ...) -> None: ...

class ClanEmojiCreateRequest(_message.Message):
    __slots__ = ("clan_id", "source", "shortname", "category", "id", "is_for_sale")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    IS_FOR_SALE_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    source: str
    shortname: str
    category: str
    id: int
    is_for_sale: bool
    def __init__(self, clan_id: _Optional[int] = ..., source: _Optional[str] = ..., shortname: _Optional[str] = ..., category: _Optional[str] = ..., id: _Optional[int] = ..., is_for_sale: _Optional[bool] = ...) -> None: ...

class ClanEmojiGetByClanIdRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ClanEmojiDeleteRequest(_message.Message):
    __slots__ = ("id", "clan_id", "emoji_label")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    EMOJI_LABEL_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    emoji_label: str
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., emoji_label: _Optional[str] = ...) -> None: ...

class ClanEmojiUpdateRequest(_message.Message):
    __slots__ = ("id", "shortname", "clan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    shortname: str
    clan_id: int
    def __init__(self, id: _Optional[int] = ..., shortname: _Optional[str] = ..., clan_id: _Optional[int] = ...) -> None: ...

class Webhook(_message.Message):
    __slots__ = ("id", "webhook_name", "channel_id", "active", "url", "creator_id", "create_time", "update_time", "avatar", "status", "clan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    webhook_name: str
    channel_id: int
    active: int
    url: str
    creator_id: int
    create_time: str
    update_time: str
    avatar: str
    status: int
    clan_id: int
    def __init__(self, id: _Optional[int] = ..., webhook_name: _Optional[str] = ..., channel_id: _Optional[int] = ..., active: _Optional[int] = ..., url: _Optional[str] = ..., creator_id: _Optional[int] = ..., create_time: _Optional[str] = ..., update_time: _Optional[str] = ..., avatar: _Optional[str] = ..., status: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class WebhookCreateRequest(_message.Message):
    __slots__ = ("webhook_name", "channel_id", "avatar", "clan_id")
    WEBHOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    webhook_name: str
    channel_id: int
    avatar: str
    clan_id: int
    def __init__(self, webhook_name: _Optional[str] = ..., channel_id: _Optional[int] = ..., avatar: _Optional[str] = ..., clan_id: _Optional[int] = ...) -> None: ...

class WebhookListRequestById(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class WebhookUpdateRequestById(_message.Message):
    __slots__ = ("id", "webhook_name", "channel_id_update", "avatar", "channel_id", "clan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_UPDATE_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    webhook_name: str
    channel_id_update: int
    avatar: str
    channel_id: int
    clan_id: int
    def __init__(self, id: _Optional[int] = ..., webhook_name: _Optional[str] = ..., channel_id_update: _Optional[int] = ..., avatar: _Optional[str] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class WebhookDeleteRequestById(_message.Message):
    __slots__ = ("id", "clan_id", "channel_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    channel_id: int
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class WebhookListRequest(_message.Message):
    __slots__ = ("channel_id", "clan_id")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    clan_id: int
    def __init__(self, channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class WebhookListResponse(_message.Message):
    __slots__ = ("webhooks",)
    WEBHOOKS_FIELD_NUMBER: _ClassVar[int]
    webhooks: _containers.RepeatedCompositeFieldContainer[Webhook]
    def __init__(self, webhooks: _Optional[_Iterable[_Union[Webhook, _Mapping[str, _Any]]]] = ...) -> None: ...

class WebhookGenerateResponse(_message.Message):
    __slots__ = ("url", "hook_name", "channel_id", "avatar")
    URL_FIELD_NUMBER: _ClassVar[int]
    HOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    url: str
    hook_name: str
    channel_id: int
    avatar: str
    def __init__(self, url: _Optional[str] = ..., hook_name: _Optional[str] = ..., channel_id: _Optional[int] = ..., avatar: _Optional[str] = ...) -> None: ...

class CheckDuplicateClanNameRequest(_message.Message):
    __slots__ = ("clan_name",)
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    clan_name: str
    def __init__(self, clan_name: _Optional[str] = ...) -> None: ...

class CheckDuplicateClanNameResponse(_message.Message):
    __slots__ = ("is_duplicate",)
    IS_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    is_duplicate: bool
    def __init__(self, is_duplicate: _Optional[bool] = ...) -> None: ...

class CheckDuplicateNameRequest(_message.Message):
    __slots__ = ("name", "type", "condition_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: int
    condition_id: int
    def __init__(self, name: _Optional[str] = ..., type: _Optional[int] = ..., condition_id: _Optional[int] = ...) -> None: ...

class CheckDuplicateNameResponse(_message.Message):
    __slots__ = ("is_duplicate",)
    IS_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    is_duplicate: bool
    def __init__(self, is_duplicate: _Optional[bool] = ...) -> None: ...

class ClanStickerAddRequest(_message.Message):
    __slots__ = ("source", "shortname", "category", "clan_id", "id", "media_type", "is_for_sale")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_FOR_SALE_FIELD_NUMBER: _ClassVar[int]
    source: str
    shortname: str
    category: str
    clan_id: int
    id: int
    media_type: int
    is_for_sale: bool
    def __init__(self, source: _Optional[str] = ..., shortname: _Optional[str] = ..., category: _Optional[str] = ..., clan_id: _Optional[int] = ..., id: _Optional[int] = ..., media_type: _Optional[int] = ..., is_for_sale: _Optional[bool] = ...) -> None: ...

class ClanStickerListByClanIdRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ClanStickerUpdateByIdRequest(_message.Message):
    __slots__ = ("id", "source", "shortname", "category", "clan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SHORTNAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    source: str
    shortname: str
    category: str
    clan_id: int
    def __init__(self, id: _Optional[int] = ..., source: _Optional[str] = ..., shortname: _Optional[str] = ..., category: _Optional[str] = ..., clan_id: _Optional[int] = ...) -> None: ...

class ClanStickerDeleteRequest(_message.Message):
    __slots__ = ("id", "clan_id", "sticker_label")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    STICKER_LABEL_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    sticker_label: str
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., sticker_label: _Optional[str] = ...) -> None: ...

class ChangeChannelCategoryRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "new_category_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    new_category_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., new_category_id: _Optional[int] = ...) -> None: ...

class App(_message.Message):
    __slots__ = ("id", "appname", "creator_id", "applogo", "is_shadow", "disable_time_seconds", "create_time_seconds", "token", "role", "about", "app_url")
    ID_FIELD_NUMBER: _ClassVar[int]
    APPNAME_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    APPLOGO_FIELD_NUMBER: _ClassVar[int]
    IS_SHADOW_FIELD_NUMBER: _ClassVar[int]
    DISABLE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    APP_URL_FIELD_NUMBER: _ClassVar[int]
    id: int
    appname: str
    creator_id: int
    applogo: str
    is_shadow: bool
    disable_time_seconds: int
    create_time_seconds: int
    token: str
    role: int
    about: str
    app_url: str
    def __init__(self, id: _Optional[int] = ..., appname: _Optional[str] = ..., creator_id: _Optional[int] = ..., applogo: _Optional[str] = ..., is_shadow: _Optional[bool] = ..., disable_time_seconds: _Optional[int] = ..., create_time_seconds: _Optional[int] = ..., token: _Optional[str] = ..., role: _Optional[int] = ..., about: _Optional[str] = ..., app_url: _Optional[str] = ...) -> None: ...

class AppDeleteRequest(_message.Message):
    __slots__ = ("id", "record_deletion")
    ID_FIELD_NUMBER: _ClassVar[int]
    RECORD_DELETION_FIELD_NUMBER: _ClassVar[int]
    id: int
    record_deletion: bool
    def __init__(self, id: _Optional[int] = ..., record_deletion: _Optional[bool] = ...) -> None: ...

class AppList(_message.Message):
    __slots__ = ("apps", "total_count", "next_cursor")
    APPS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    apps: _containers.RepeatedCompositeFieldContainer[App]
    total_count: int
    next_cursor: str
    def __init__(self, apps: _Optional[_Iterable[_Union[App, _Mapping[str, _Any]]]] = ..., total_count: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class AddAppRequest(_message.Message):
    __slots__ = ("appname", "token", "creator_id", "role", "is_shadow", "app_url", "app_logo", "about_me")
    APPNAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    IS_SHADOW_FIELD_NUMBER: _ClassVar[int]
    APP_URL_FIELD_NUMBER: _ClassVar[int]
    APP_LOGO_FIELD_NUMBER: _ClassVar[int]
    ABOUT_ME_FIELD_NUMBER: _ClassVar[int]
    appname: str
    token: str
    creator_id: int
    role: int
    is_shadow: bool
    app_url: str
    app_logo: str
    about_me: str
    def __init__(self, appname: _Optional[str] = ..., token: _Optional[str] = ..., creator_id: _Optional[int] = ..., role: _Optional[int] = ..., is_shadow: _Optional[bool] = ..., app_url: _Optional[str] = ..., app_logo: _Optional[str] = ..., about_me: _Optional[str] = ...) -> None: ...

class ListAppsRequest(_message.Message):
    __slots__ = ("filter", "tombstones", "cursor")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    filter: str
    tombstones: bool
    cursor: str
    def __init__(self, filter: _Optional[str] = ..., tombstones: _Optional[bool] = ..., cursor: _Optional[str] = ...) -> None: ...

class UpdateAppRequest(_message.Message):
    __slots__ = ("id", "appname", "metadata", "applogo", "token", "about", "app_url", "is_shadow")
    ID_FIELD_NUMBER: _ClassVar[int]
    APPNAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    APPLOGO_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    APP_URL_FIELD_NUMBER: _ClassVar[int]
    IS_SHADOW_FIELD_NUMBER: _ClassVar[int]
    id: int
    appname: _wrappers_pb2.StringValue
    metadata: _wrappers_pb2.StringValue
    applogo: _wrappers_pb2.StringValue
    token: _wrappers_pb2.StringValue
    about: str
    app_url: str
    is_shadow: str
    def __init__(self, id: _Optional[int] = ..., appname: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., metadata: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., applogo: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., token: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Any]]] = ..., about: _Optional[str] = ..., app_url: _Optional[str] = ..., is_shadow: _Optional[str] = ...) -> None: ...

class AppId(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class AppClan(_message.Message):
    __slots__ = ("app_id", "clan_id")
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    app_id: int
    clan_id: int
    def __init__(self, app_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class DeleteChannelMessagesRequest(_message.Message):
    __slots__ = ("before_seconds", "ids")
    BEFORE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    before_seconds: int
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, before_seconds: _Optional[int] = ..., ids: _Optional[_Iterable[int]] = ...) -> None: ...

class DeleteChannelMessagesResponse(_message.Message):
    __slots__ = ("total",)
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    total: int
    def __init__(self, total: _Optional[int] = ...) -> None: ...

class SystemMessage(_message.Message):
    __slots__ = ("id", "clan_id", "channel_id", "welcome_random", "welcome_sticker", "boost_message", "setup_tips", "hide_audit_log")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    WELCOME_RANDOM_FIELD_NUMBER: _ClassVar[int]
    WELCOME_STICKER_FIELD_NUMBER: _ClassVar[int]
    BOOST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SETUP_TIPS_FIELD_NUMBER: _ClassVar[int]
    HIDE_AUDIT_LOG_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    channel_id: int
    welcome_random: str
    welcome_sticker: str
    boost_message: str
    setup_tips: str
    hide_audit_log: bool
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., welcome_random: _Optional[str] = ..., welcome_sticker: _Optional[str] = ..., boost_message: _Optional[str] = ..., setup_tips: _Optional[str] = ..., hide_audit_log: _Optional[bool] = ...) -> None: ...

class SystemMessagesList(_message.Message):
    __slots__ = ("system_messages_list",)
    SYSTEM_MESSAGES_LIST_FIELD_NUMBER: _ClassVar[int]
    system_messages_list: _containers.RepeatedCompositeFieldContainer[SystemMessage]
    def __init__(self, system_messages_list: _Optional[_Iterable[_Union[SystemMessage, _Mapping[str, _Any]]]] = ...) -> None: ...

class SystemMessageRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "welcome_random", "welcome_sticker", "boost_message", "setup_tips", "hide_audit_log")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    WELCOME_RANDOM_FIELD_NUMBER: _ClassVar[int]
    WELCOME_STICKER_FIELD_NUMBER: _ClassVar[int]
    BOOST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SETUP_TIPS_FIELD_NUMBER: _ClassVar[int]
    HIDE_AUDIT_LOG_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    welcome_random: str
    welcome_sticker: str
    boost_message: str
    setup_tips: str
    hide_audit_log: bool
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., welcome_random: _Optional[str] = ..., welcome_sticker: _Optional[str] = ..., boost_message: _Optional[str] = ..., setup_tips: _Optional[str] = ..., hide_audit_log: _Optional[bool] = ...) -> None: ...

class DeleteSystemMessage(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class GetSystemMessage(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class DeleteCategoryOrderRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class StreamHttpCallbackRequest(_message.Message):
    __slots__ = ("id", "client_id", "clan_id", "channel_id", "user_id", "action", "is_publisher", "token")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLISHER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    id: int
    client_id: int
    clan_id: int
    channel_id: int
    user_id: int
    action: int
    is_publisher: bool
    token: str
    def __init__(self, id: _Optional[int] = ..., client_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., user_id: _Optional[int] = ..., action: _Optional[int] = ..., is_publisher: _Optional[bool] = ..., token: _Optional[str] = ...) -> None: ...

class StreamHttpCallbackResponse(_message.Message):
    __slots__ = ("code", "msg")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MSG_FIELD_NUMBER: _ClassVar[int]
    code: int
    msg: str
    def __init__(self, code: _Optional[int] = ..., msg: _Optional[str] = ...) -> None: ...

class StreamingChannelUser(_message.Message):
    __slots__ = ("id", "user_id", "channel_id", "participant")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: int
    channel_id: int
    participant: str
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., participant: _Optional[str] = ...) -> None: ...

class StreamingChannelUserList(_message.Message):
    __slots__ = ("streaming_channel_users",)
    STREAMING_CHANNEL_USERS_FIELD_NUMBER: _ClassVar[int]
    streaming_channel_users: _containers.RepeatedCompositeFieldContainer[StreamingChannelUser]
    def __init__(self, streaming_channel_users: _Optional[_Iterable[_Union[StreamingChannelUser, _Mapping[str, _Any]]]] = ...) -> None: ...

class RegisterStreamingChannelRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class RegisterStreamingChannelResponse(_message.Message):
    __slots__ = ("clan_id", "channel_id", "streaming_url")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    STREAMING_URL_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    streaming_url: str
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., streaming_url: _Optional[str] = ...) -> None: ...

class GiveCoffeeEvent(_message.Message):
    __slots__ = ("sender_id", "receiver_id", "token_count", "message_ref_id", "channel_id", "clan_id")
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_REF_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    sender_id: int
    receiver_id: int
    token_count: int
    message_ref_id: int
    channel_id: int
    clan_id: int
    def __init__(self, sender_id: _Optional[int] = ..., receiver_id: _Optional[int] = ..., token_count: _Optional[int] = ..., message_ref_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class ListChannelAppsRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ListChannelAppsResponse(_message.Message):
    __slots__ = ("channel_apps",)
    CHANNEL_APPS_FIELD_NUMBER: _ClassVar[int]
    channel_apps: _containers.RepeatedCompositeFieldContainer[ChannelAppResponse]
    def __init__(self, channel_apps: _Optional[_Iterable[_Union[ChannelAppResponse, _Mapping[str, _Any]]]] = ...) -> None: ...

class ChannelAppResponse(_message.Message):
    __slots__ = ("id", "clan_id", "channel_id", "app_id", "app_url", "app_name", "app_logo")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    APP_URL_FIELD_NUMBER: _ClassVar[int]
    APP_NAME_FIELD_NUMBER: _ClassVar[int]
    APP_LOGO_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    channel_id: int
    app_id: int
    app_url: str
    app_name: str
    app_logo: str
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., app_id: _Optional[int] = ..., app_url: _Optional[str] = ..., app_name: _Optional[str] = ..., app_logo: _Optional[str] = ...) -> None: ...

class AllUserClans(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[User]
    def __init__(self, users: _Optional[_Iterable[_Union[User, _Mapping[str, _Any]]]] = ...) -> None: ...

class RoleListEventRequest(_message.Message):
    __slots__ = ("clan_id", "limit", "state", "cursor")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    limit: int
    state: int
    cursor: str
    def __init__(self, clan_id: _Optional[int] = ..., limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class RoleListEventResponse(_message.Message):
    __slots__ = ("limit", "state", "cursor", "clanId", "roles")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CLANID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    limit: int
    state: int
    cursor: str
    clanId: int
    roles: RoleList
    def __init__(self, limit: _Optional[int] = ..., state: _Optional[int] = ..., cursor: _Optional[str] = ..., clanId: _Optional[int] = ..., roles: _Optional[_Union[RoleList, _Mapping[str, _Any]]] = ...) -> None: ...

class UserPermissionInChannelListRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class UserPermissionInChannelListResponse(_message.Message):
    __slots__ = ("clan_id", "channel_id", "permissions")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    permissions: PermissionList
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., permissions: _Optional[_Union[PermissionList, _Mapping[str, _Any]]] = ...) -> None: ...

class PermissionRoleChannel(_message.Message):
    __slots__ = ("permission_id", "active")
    PERMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    permission_id: int
    active: bool
    def __init__(self, permission_id: _Optional[int] = ..., active: _Optional[bool] = ...) -> None: ...

class PermissionRoleChannelListEventRequest(_message.Message):
    __slots__ = ("role_id", "channel_id", "user_id")
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    role_id: int
    channel_id: int
    user_id: int
    def __init__(self, role_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., user_id: _Optional[int] = ...) -> None: ...

class PermissionRoleChannelListEventResponse(_message.Message):
    __slots__ = ("role_id", "channel_id", "user_id", "permission_role_channel")
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_ROLE_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    role_id: int
    channel_id: int
    user_id: int
    permission_role_channel: _containers.RepeatedCompositeFieldContainer[PermissionRoleChannel]
    def __init__(self, role_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., user_id: _Optional[int] = ..., permission_role_channel: _Optional[_Iterable[_Union[PermissionRoleChannel, _Mapping[str, _Any]]]] = ...) -> None: ...

class ChannelSettingListRequest(_message.Message):
    __slots__ = ("clan_id", "parent_id", "category_id", "private_channel", "active", "status", "type", "limit", "page", "channel_label")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    parent_id: int
    category_id: int
    private_channel: int
    active: int
    status: int
    type: int
    limit: int
    page: int
    channel_label: str
    def __init__(self, clan_id: _Optional[int] = ..., parent_id: _Optional[int] = ..., category_id: _Optional[int] = ..., private_channel: _Optional[int] = ..., active: _Optional[int] = ..., status: _Optional[int] = ..., type: _Optional[int] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ..., channel_label: _Optional[str] = ...) -> None: ...

class ChannelSettingItem(_message.Message):
    __slots__ = ("id", "creator_id", "parent_id", "channel_label", "category_id", "meeting_code", "channel_private", "channel_type", "active", "user_ids", "message_count", "last_sent_message")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    MEETING_CODE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_SENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    id: int
    creator_id: int
    parent_id: int
    channel_label: str
    category_id: int
    meeting_code: str
    channel_private: int
    channel_type: int
    active: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    message_count: int
    last_sent_message: ChannelMessageHeader
    def __init__(self, id: _Optional[int] = ..., creator_id: _Optional[int] = ..., parent_id: _Optional[int] = ..., channel_label: _Optional[str] = ..., category_id: _Optional[int] = ..., meeting_code: _Optional[str] = ..., channel_private: _Optional[int] = ..., channel_type: _Optional[int] = ..., active: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ..., message_count: _Optional[int] = ..., last_sent_message: _Optional[_Union[ChannelMessageHeader, _Mapping[str, _Any]]] = ...) -> None: ...

class ChannelSettingListResponse(_message.Message):
    __slots__ = ("clan_id", "channel_count", "thread_count", "channel_setting_list")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_COUNT_FIELD_NUMBER: _ClassVar[int]
    THREAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_SETTING_LIST_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_count: int
    thread_count: int
    channel_setting_list: _containers.RepeatedCompositeFieldContainer[ChannelSettingItem]
    def __init__(self, clan_id: _Optional[int] = ..., channel_count: _Optional[int] = ..., thread_count: _Optional[int] = ..., channel_setting_list: _Optional[_Iterable[_Union[ChannelSettingItem, _Mapping[str, _Any]]]] = ...) -> None: ...

class MarkAsReadRequest(_message.Message):
    __slots__ = ("channel_id", "category_id", "clan_id")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    category_id: int
    clan_id: int
    def __init__(self, channel_id: _Optional[int] = ..., category_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class EditChannelCanvasRequest(_message.Message):
    __slots__ = ("id", "channel_id", "clan_id", "title", "content", "is_default", "status")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    id: int
    channel_id: int
    clan_id: int
    title: str
    content: str
    is_default: bool
    status: int
    def __init__(self, id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., title: _Optional[str] = ..., content: _Optional[str] = ..., is_default: _Optional[bool] = ..., status: _Optional[int] = ...) -> None: ...

class EditChannelCanvasResponse(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class DeleteChannelCanvasRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "canvas_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CANVAS_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    canvas_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., canvas_id: _Optional[int] = ...) -> None: ...

class ChannelCanvasListRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "limit", "page", "cursor")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    limit: int
    page: int
    cursor: str
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ChannelCanvasItem(_message.Message):
    __slots__ = ("id", "title", "is_default", "content", "creator_id", "update_time_seconds", "create_time_seconds")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    id: int
    title: str
    is_default: bool
    content: str
    creator_id: int
    update_time_seconds: int
    create_time_seconds: int
    def __init__(self, id: _Optional[int] = ..., title: _Optional[str] = ..., is_default: _Optional[bool] = ..., content: _Optional[str] = ..., creator_id: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., create_time_seconds: _Optional[int] = ...) -> None: ...

class ChannelCanvasListResponse(_message.Message):
    __slots__ = ("clan_id", "channel_id", "channel_canvases", "count")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_CANVASES_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    channel_canvases: _containers.RepeatedCompositeFieldContainer[ChannelCanvasItem]
    count: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_canvases: _Optional[_Iterable[_Union[ChannelCanvasItem, _Mapping[str, _Any]]]] = ..., count: _Optional[int] = ...) -> None: ...

class ChannelCanvasDetailRequest(_message.Message):
    __slots__ = ("id", "clan_id", "channel_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    channel_id: int
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class ChannelCanvasDetailResponse(_message.Message):
    __slots__ = ("id", "title", "content", "creator_id", "editor_id", "is_default")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    EDITOR_ID_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    id: int
    title: str
    content: str
    creator_id: int
    editor_id: int
    is_default: bool
    def __init__(self, id: _Optional[int] = ..., title: _Optional[str] = ..., content: _Optional[str] = ..., creator_id: _Optional[int] = ..., editor_id: _Optional[int] = ..., is_default: _Optional[bool] = ...) -> None: ...

class AddFavoriteChannelRequest(_message.Message):
    __slots__ = ("channel_id", "clan_id")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    clan_id: int
    def __init__(self, channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class RemoveFavoriteChannelRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class AddFavoriteChannelResponse(_message.Message):
    __slots__ = ("channel_id",)
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    def __init__(self, channel_id: _Optional[int] = ...) -> None: ...

class ListFavoriteChannelRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ListFavoriteChannelResponse(_message.Message):
    __slots__ = ("channel_ids",)
    CHANNEL_IDS_FIELD_NUMBER: _ClassVar[int]
    channel_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, channel_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class UserActivity(_message.Message):
    __slots__ = ("user_id", "activity_name", "activity_type", "activity_description", "start_time_seconds", "end_time_seconds", "application_id", "status")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_NAME_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    END_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    activity_name: str
    activity_type: int
    activity_description: str
    start_time_seconds: int
    end_time_seconds: int
    application_id: int
    status: int
    def __init__(self, user_id: _Optional[int] = ..., activity_name: _Optional[str] = ..., activity_type: _Optional[int] = ..., activity_description: _Optional[str] = ..., start_time_seconds: _Optional[int] = ..., end_time_seconds: _Optional[int] = ..., application_id: _Optional[int] = ..., status: _Optional[int] = ...) -> None: ...

class ListUserActivity(_message.Message):
    __slots__ = ("activities",)
    ACTIVITIES_FIELD_NUMBER: _ClassVar[int]
    activities: _containers.RepeatedCompositeFieldContainer[UserActivity]
    def __init__(self, activities: _Optional[_Iterable[_Union[UserActivity, _Mapping[str, _Any]]]] = ...) -> None: ...

class CreateActivityRequest(_message.Message):
    __slots__ = ("activity_name", "activity_type", "activity_description", "start_time_seconds", "application_id", "status")
    ACTIVITY_NAME_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    activity_name: str
    activity_type: int
    activity_description: str
    start_time_seconds: int
    application_id: int
    status: int
    def __init__(self, activity_name: _Optional[str] = ..., activity_type: _Optional[int] = ..., activity_description: _Optional[str] = ..., start_time_seconds: _Optional[int] = ..., application_id: _Optional[int] = ..., status: _Optional[int] = ...) -> None: ...

class LoginIDResponse(_message.Message):
    __slots__ = ("login_id", "status", "create_time_seconds", "platform", "user_id", "username", "address")
    LOGIN_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    login_id: int
    status: int
    create_time_seconds: int
    platform: str
    user_id: int
    username: str
    address: str
    def __init__(self, login_id: _Optional[int] = ..., status: _Optional[int] = ..., create_time_seconds: _Optional[int] = ..., platform: _Optional[str] = ..., user_id: _Optional[int] = ..., username: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class LoginRequest(_message.Message):
    __slots__ = ("platform", "address")
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    platform: str
    address: str
    def __init__(self, platform: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class ConfirmLoginRequest(_message.Message):
    __slots__ = ("login_id", "is_remember")
    LOGIN_ID_FIELD_NUMBER: _ClassVar[int]
    IS_REMEMBER_FIELD_NUMBER: _ClassVar[int]
    login_id: int
    is_remember: bool
    def __init__(self, login_id: _Optional[int] = ..., is_remember: _Optional[bool] = ...) -> None: ...

class PubKey(_message.Message):
    __slots__ = ("encr", "sign")
    ENCR_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    encr: bytes
    sign: bytes
    def __init__(self, encr: _Optional[bytes] = ..., sign: _Optional[bytes] = ...) -> None: ...

class PushPubKeyRequest(_message.Message):
    __slots__ = ("PK",)
    PK_FIELD_NUMBER: _ClassVar[int]
    PK: PubKey
    def __init__(self, PK: _Optional[_Union[PubKey, _Mapping[str, _Any]]] = ...) -> None: ...

class GetPubKeysRequest(_message.Message):
    __slots__ = ("user_ids",)
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class GetPubKeysResponse(_message.Message):
    __slots__ = ("pub_keys",)
    class UserPubKey(_message.Message):
        __slots__ = ("user_id", "PK")
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        PK_FIELD_NUMBER: _ClassVar[int]
        user_id: int
        PK: PubKey
        def __init__(self, user_id: _Optional[int] = ..., PK: _Optional[_Union[PubKey, _Mapping[str, _Any]]] = ...) -> None: ...
    PUB_KEYS_FIELD_NUMBER: _ClassVar[int]
    pub_keys: _containers.RepeatedCompositeFieldContainer[GetPubKeysResponse.UserPubKey]
    def __init__(self, pub_keys: _Optional[_Iterable[_Union[GetPubKeysResponse.UserPubKey, _Mapping[str, _Any]]]] = ...) -> None: ...

class ChanEncryptionMethod(_message.Message):
    __slots__ = ("method", "channel_id")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    method: str
    channel_id: int
    def __init__(self, method: _Optional[str] = ..., channel_id: _Optional[int] = ...) -> None: ...

class GetKeyServerResp(_message.Message):
    __slots__ = ("url",)
    URL_FIELD_NUMBER: _ClassVar[int]
    url: str
    def __init__(self, url: _Optional[str] = ...) -> None: ...

class AuditLog(_message.Message):
    __slots__ = ("id", "user_id", "clan_id", "action_log", "entity_name", "entity_id", "details", "time_log_seconds", "channel_id", "channel_label")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    ENTITY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    TIME_LOG_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_LABEL_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: int
    clan_id: int
    action_log: str
    entity_name: str
    entity_id: int
    details: str
    time_log_seconds: int
    channel_id: int
    channel_label: str
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., action_log: _Optional[str] = ..., entity_name: _Optional[str] = ..., entity_id: _Optional[int] = ..., details: _Optional[str] = ..., time_log_seconds: _Optional[int] = ..., channel_id: _Optional[int] = ..., channel_label: _Optional[str] = ...) -> None: ...

class ListAuditLog(_message.Message):
    __slots__ = ("total_count", "date_log", "logs")
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    DATE_LOG_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    total_count: int
    date_log: str
    logs: _containers.RepeatedCompositeFieldContainer[AuditLog]
    def __init__(self, total_count: _Optional[int] = ..., date_log: _Optional[str] = ..., logs: _Optional[_Iterable[_Union[AuditLog, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListAuditLogRequest(_message.Message):
    __slots__ = ("action_log", "user_id", "clan_id", "date_log")
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    DATE_LOG_FIELD_NUMBER: _ClassVar[int]
    action_log: str
    user_id: int
    clan_id: int
    date_log: str
    def __init__(self, action_log: _Optional[str] = ..., user_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., date_log: _Optional[str] = ...) -> None: ...

class TokenSentEvent(_message.Message):
    __slots__ = ("sender_id", "sender_name", "receiver_id", "amount", "note", "extra_attribute", "transaction_id")
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_NAME_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    EXTRA_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    sender_id: int
    sender_name: str
    receiver_id: int
    amount: int
    note: str
    extra_attribute: str
    transaction_id: str
    def __init__(self, sender_id: _Optional[int] = ..., sender_name: _Optional[str] = ..., receiver_id: _Optional[int] = ..., amount: _Optional[int] = ..., note: _Optional[str] = ..., extra_attribute: _Optional[str] = ..., transaction_id: _Optional[str] = ...) -> None: ...

class UnlockItemRequest(_message.Message):
    __slots__ = ("item_id", "item_type")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_TYPE_FIELD_NUMBER: _ClassVar[int]
    item_id: int
    item_type: int
    def __init__(self, item_id: _Optional[int] = ..., item_type: _Optional[int] = ...) -> None: ...

class UnlockedItemResponse(_message.Message):
    __slots__ = ("source",)
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    source: str
    def __init__(self, source: _Optional[str] = ...) -> None: ...

class ListOnboardingRequest(_message.Message):
    __slots__ = ("clan_id", "guide_type", "limit", "page")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    GUIDE_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    guide_type: int
    limit: int
    page: int
    def __init__(self, clan_id: _Optional[int] = ..., guide_type: _Optional[int] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ...) -> None: ...

class ListOnboardingResponse(_message.Message):
    __slots__ = ("list_onboarding",)
    LIST_ONBOARDING_FIELD_NUMBER: _ClassVar[int]
    list_onboarding: _containers.RepeatedCompositeFieldContainer[OnboardingItem]
    def __init__(self, list_onboarding: _Optional[_Iterable[_Union[OnboardingItem, _Mapping[str, _Any]]]] = ...) -> None: ...

class OnboardingItem(_message.Message):
    __slots__ = ("id", "clan_id", "guide_type", "task_type", "channel_id", "title", "content", "image_url", "answers", "create_time_seconds", "update_time_seconds")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    GUIDE_TYPE_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    guide_type: int
    task_type: int
    channel_id: int
    title: str
    content: str
    image_url: str
    answers: _containers.RepeatedCompositeFieldContainer[OnboardingAnswer]
    create_time_seconds: int
    update_time_seconds: int
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., guide_type: _Optional[int] = ..., task_type: _Optional[int] = ..., channel_id: _Optional[int] = ..., title: _Optional[str] = ..., content: _Optional[str] = ..., image_url: _Optional[str] = ..., answers: _Optional[_Iterable[_Union[OnboardingAnswer, _Mapping[str, _Any]]]] = ..., create_time_seconds: _Optional[int] = ..., update_time_seconds: _Optional[int] = ...) -> None: ...

class OnboardingAnswer(_message.Message):
    __slots__ = ("title", "description", "emoji", "image_url")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    title: str
    description: str
    emoji: str
    image_url: str
    def __init__(self, title: _Optional[str] = ..., description: _Optional[str] = ..., emoji: _Optional[str] = ..., image_url: _Optional[str] = ...) -> None: ...

class OnboardingContent(_message.Message):
    __slots__ = ("guide_type", "task_type", "channel_id", "title", "content", "image_url", "answers")
    GUIDE_TYPE_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    guide_type: int
    task_type: int
    channel_id: int
    title: str
    content: str
    image_url: str
    answers: _containers.RepeatedCompositeFieldContainer[OnboardingAnswer]
    def __init__(self, guide_type: _Optional[int] = ..., task_type: _Optional[int] = ..., channel_id: _Optional[int] = ..., title: _Optional[str] = ..., content: _Optional[str] = ..., image_url: _Optional[str] = ..., answers: _Optional[_Iterable[_Union[OnboardingAnswer, _Mapping[str, _Any]]]] = ...) -> None: ...

class CreateOnboardingRequest(_message.Message):
    __slots__ = ("clan_id", "contents")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENTS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    contents: _containers.RepeatedCompositeFieldContainer[OnboardingContent]
    def __init__(self, clan_id: _Optional[int] = ..., contents: _Optional[_Iterable[_Union[OnboardingContent, _Mapping[str, _Any]]]] = ...) -> None: ...

class UpdateOnboardingRequest(_message.Message):
    __slots__ = ("id", "clan_id", "task_type", "channel_id", "title", "content", "image_url", "answers")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    task_type: int
    channel_id: int
    title: str
    content: str
    image_url: str
    answers: _containers.RepeatedCompositeFieldContainer[OnboardingAnswer]
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., task_type: _Optional[int] = ..., channel_id: _Optional[int] = ..., title: _Optional[str] = ..., content: _Optional[str] = ..., image_url: _Optional[str] = ..., answers: _Optional[_Iterable[_Union[OnboardingAnswer, _Mapping[str, _Any]]]] = ...) -> None: ...

class OnboardingRequest(_message.Message):
    __slots__ = ("id", "clan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class ClanWebhook(_message.Message):
    __slots__ = ("id", "webhook_name", "clan_id", "active", "url", "creator_id", "avatar", "create_time", "update_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: int
    webhook_name: str
    clan_id: int
    active: int
    url: str
    creator_id: int
    avatar: str
    create_time: str
    update_time: str
    def __init__(self, id: _Optional[int] = ..., webhook_name: _Optional[str] = ..., clan_id: _Optional[int] = ..., active: _Optional[int] = ..., url: _Optional[str] = ..., creator_id: _Optional[int] = ..., avatar: _Optional[str] = ..., create_time: _Optional[str] = ..., update_time: _Optional[str] = ...) -> None: ...

class GenerateClanWebhookRequest(_message.Message):
    __slots__ = ("clan_id", "webhook_name", "avatar")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    webhook_name: str
    avatar: str
    def __init__(self, clan_id: _Optional[int] = ..., webhook_name: _Optional[str] = ..., avatar: _Optional[str] = ...) -> None: ...

class GenerateClanWebhookResponse(_message.Message):
    __slots__ = ("clan_id", "url", "webhook_name", "avatar")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    url: str
    webhook_name: str
    avatar: str
    def __init__(self, clan_id: _Optional[int] = ..., url: _Optional[str] = ..., webhook_name: _Optional[str] = ..., avatar: _Optional[str] = ...) -> None: ...

class ClanWebhookRequest(_message.Message):
    __slots__ = ("id", "clan_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class UpdateClanWebhookRequest(_message.Message):
    __slots__ = ("id", "clan_id", "webhook_name", "avatar", "reset_token")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    RESET_TOKEN_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    webhook_name: str
    avatar: str
    reset_token: bool
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., webhook_name: _Optional[str] = ..., avatar: _Optional[str] = ..., reset_token: _Optional[bool] = ...) -> None: ...

class ListClanWebhookRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class ListClanWebhookResponse(_message.Message):
    __slots__ = ("list_clan_webhooks",)
    LIST_CLAN_WEBHOOKS_FIELD_NUMBER: _ClassVar[int]
    list_clan_webhooks: _containers.RepeatedCompositeFieldContainer[ClanWebhook]
    def __init__(self, list_clan_webhooks: _Optional[_Iterable[_Union[ClanWebhook, _Mapping[str, _Any]]]] = ...) -> None: ...

class ClanWebhookHandlerBody(_message.Message):
    __slots__ = ("content", "attachments")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    content: str
    attachments: _containers.RepeatedCompositeFieldContainer[MessageAttachment]
    def __init__(self, content: _Optional[str] = ..., attachments: _Optional[_Iterable[_Union[MessageAttachment, _Mapping[str, _Any]]]] = ...) -> None: ...

class ClanWebhookHandlerRequest(_message.Message):
    __slots__ = ("body", "token", "username")
    BODY_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    body: ClanWebhookHandlerBody
    token: str
    username: str
    def __init__(self, body: _Optional[_Union[ClanWebhookHandlerBody, _Mapping[str, _Any]]] = ..., token: _Optional[str] = ..., username: _Optional[str] = ...) -> None: ...

class UserStatus(_message.Message):
    __slots__ = ("user_id", "status")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    status: str
    def __init__(self, user_id: _Optional[int] = ..., status: _Optional[str] = ...) -> None: ...

class UserStatusUpdate(_message.Message):
    __slots__ = ("status", "minutes", "until_turn_on")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TURN_ON_FIELD_NUMBER: _ClassVar[int]
    status: str
    minutes: int
    until_turn_on: bool
    def __init__(self, status: _Optional[str] = ..., minutes: _Optional[int] = ..., until_turn_on: _Optional[bool] = ...) -> None: ...

class OnboardingSteps(_message.Message):
    __slots__ = ("id", "user_id", "clan_id", "onboarding_step")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ONBOARDING_STEP_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: int
    clan_id: int
    onboarding_step: int
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., onboarding_step: _Optional[int] = ...) -> None: ...

class ListOnboardingStepResponse(_message.Message):
    __slots__ = ("list_onboarding_step",)
    LIST_ONBOARDING_STEP_FIELD_NUMBER: _ClassVar[int]
    list_onboarding_step: _containers.RepeatedCompositeFieldContainer[OnboardingSteps]
    def __init__(self, list_onboarding_step: _Optional[_Iterable[_Union[OnboardingSteps, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListOnboardingStepRequest(_message.Message):
    __slots__ = ("clan_id", "limit", "page")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    limit: int
    page: int
    def __init__(self, clan_id: _Optional[int] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ...) -> None: ...

class UpdateOnboardingStepRequest(_message.Message):
    __slots__ = ("clan_id", "onboarding_step")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ONBOARDING_STEP_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    onboarding_step: int
    def __init__(self, clan_id: _Optional[int] = ..., onboarding_step: _Optional[int] = ...) -> None: ...

class SdTopic(_message.Message):
    __slots__ = ("id", "creator_id", "message_id", "clan_id", "channel_id", "status", "create_time_seconds", "update_time_seconds", "content", "last_sent_message")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    LAST_SENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    id: int
    creator_id: int
    message_id: int
    clan_id: int
    channel_id: int
    status: int
    create_time_seconds: int
    update_time_seconds: int
    content: str
    last_sent_message: ChannelMessageHeader
    def __init__(self, id: _Optional[int] = ..., creator_id: _Optional[int] = ..., message_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., status: _Optional[int] = ..., create_time_seconds: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., content: _Optional[str] = ..., last_sent_message: _Optional[_Union[ChannelMessageHeader, _Mapping[str, _Any]]] = ...) -> None: ...

class SdTopicRequest(_message.Message):
    __slots__ = ("message_id", "clan_id", "channel_id")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    clan_id: int
    channel_id: int
    def __init__(self, message_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class SdTopicList(_message.Message):
    __slots__ = ("count", "topics")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    count: int
    topics: _containers.RepeatedCompositeFieldContainer[SdTopic]
    def __init__(self, count: _Optional[int] = ..., topics: _Optional[_Iterable[_Union[SdTopic, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListSdTopicRequest(_message.Message):
    __slots__ = ("clan_id", "limit", "page")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    limit: int
    page: int
    def __init__(self, clan_id: _Optional[int] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ...) -> None: ...

class SdTopicDetailRequest(_message.Message):
    __slots__ = ("topic_id",)
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    topic_id: int
    def __init__(self, topic_id: _Optional[int] = ...) -> None: ...

class DeleteSdTopicRequest(_message.Message):
    __slots__ = ("channel_id", "id", "clan_id")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    id: int
    clan_id: int
    def __init__(self, channel_id: _Optional[int] = ..., id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class GenerateMeetTokenRequest(_message.Message):
    __slots__ = ("channel_id", "room_name")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    room_name: str
    def __init__(self, channel_id: _Optional[int] = ..., room_name: _Optional[str] = ...) -> None: ...

class MeetParticipantRequest(_message.Message):
    __slots__ = ("user_id", "channel_id", "clan_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    channel_id: int
    clan_id: int
    def __init__(self, user_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ...) -> None: ...

class GenerateMeetTokenResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class GenerateMezonMeetResponse(_message.Message):
    __slots__ = ("meet_id", "room_name", "external_link", "creator_id", "event_id")
    MEET_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_LINK_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    meet_id: int
    room_name: str
    external_link: str
    creator_id: int
    event_id: int
    def __init__(self, meet_id: _Optional[int] = ..., room_name: _Optional[str] = ..., external_link: _Optional[str] = ..., creator_id: _Optional[int] = ..., event_id: _Optional[int] = ...) -> None: ...

class CreateRoomChannelApps(_message.Message):
    __slots__ = ("channel_id", "room_name")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    room_name: str
    def __init__(self, channel_id: _Optional[int] = ..., room_name: _Optional[str] = ...) -> None: ...

class MezonOauthClient(_message.Message):
    __slots__ = ("access_token_strategy", "allowed_cors_origins", "audience", "authorization_code_grant_access_token_lifespan", "authorization_code_grant_id_token_lifespan", "authorization_code_grant_refresh_token_lifespan", "backchannel_logout_session_required", "backchannel_logout_uri", "client_credentials_grant_access_token_lifespan", "client_id", "client_name", "client_secret", "client_secret_expires_at", "client_uri", "contacts", "created_at_seconds", "frontchannel_logout_session_required", "frontchannel_logout_uri", "grant_types", "implicit_grant_access_token_lifespan", "implicit_grant_id_token_lifespan", "jwks", "jwks_uri", "jwt_bearer_grant_access_token_lifespan", "logo_uri", "owner", "policy_uri", "post_logout_redirect_uris", "redirect_uris", "refresh_token_grant_access_token_lifespan", "refresh_token_grant_id_token_lifespan", "refresh_token_grant_refresh_token_lifespan", "registration_access_token", "registration_client_uri", "request_object_signing_alg", "request_uris", "response_types", "scope", "sector_identifier_uri", "skip_consent", "skip_logout_consent", "subject_type", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "tos_uri", "updated_at_seconds", "userinfo_signed_response_alg")
    ACCESS_TOKEN_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_CORS_ORIGINS_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_CODE_GRANT_ACCESS_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_CODE_GRANT_ID_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_CODE_GRANT_REFRESH_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    BACKCHANNEL_LOGOUT_SESSION_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    BACKCHANNEL_LOGOUT_URI_FIELD_NUMBER: _ClassVar[int]
    CLIENT_CREDENTIALS_GRANT_ACCESS_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_URI_FIELD_NUMBER: _ClassVar[int]
    CONTACTS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    FRONTCHANNEL_LOGOUT_SESSION_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    FRONTCHANNEL_LOGOUT_URI_FIELD_NUMBER: _ClassVar[int]
    GRANT_TYPES_FIELD_NUMBER: _ClassVar[int]
    IMPLICIT_GRANT_ACCESS_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    IMPLICIT_GRANT_ID_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    JWKS_FIELD_NUMBER: _ClassVar[int]
    JWKS_URI_FIELD_NUMBER: _ClassVar[int]
    JWT_BEARER_GRANT_ACCESS_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    LOGO_URI_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    POLICY_URI_FIELD_NUMBER: _ClassVar[int]
    POST_LOGOUT_REDIRECT_URIS_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URIS_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_GRANT_ACCESS_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_GRANT_ID_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_GRANT_REFRESH_TOKEN_LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_CLIENT_URI_FIELD_NUMBER: _ClassVar[int]
    REQUEST_OBJECT_SIGNING_ALG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_URIS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_TYPES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SECTOR_IDENTIFIER_URI_FIELD_NUMBER: _ClassVar[int]
    SKIP_CONSENT_FIELD_NUMBER: _ClassVar[int]
    SKIP_LOGOUT_CONSENT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ENDPOINT_AUTH_METHOD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ENDPOINT_AUTH_SIGNING_ALG_FIELD_NUMBER: _ClassVar[int]
    TOS_URI_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    USERINFO_SIGNED_RESPONSE_ALG_FIELD_NUMBER: _ClassVar[int]
    access_token_strategy: str
    allowed_cors_origins: _containers.RepeatedScalarFieldContainer[str]
    audience: _containers.RepeatedScalarFieldContainer[str]
    authorization_code_grant_access_token_lifespan: str
    authorization_code_grant_id_token_lifespan: str
    authorization_code_grant_refresh_token_lifespan: str
    backchannel_logout_session_required: bool
    backchannel_logout_uri: str
    client_credentials_grant_access_token_lifespan: str
    client_id: str
    client_name: str
    client_secret: str
    client_secret_expires_at: int
    client_uri: str
    contacts: _containers.RepeatedScalarFieldContainer[str]
    created_at_seconds: int
    frontchannel_logout_session_required: bool
    frontchannel_logout_uri: str
    grant_types: _containers.RepeatedScalarFieldContainer[str]
    implicit_grant_access_token_lifespan: str
    implicit_grant_id_token_lifespan: str
    jwks: _containers.RepeatedScalarFieldContainer[str]
    jwks_uri: str
    jwt_bearer_grant_access_token_lifespan: str
    logo_uri: str
    owner: str
    policy_uri: str
    post_logout_redirect_uris: _containers.RepeatedScalarFieldContainer[str]
    redirect_uris: _containers.RepeatedScalarFieldContainer[str]
    refresh_token_grant_access_token_lifespan: str
    refresh_token_grant_id_token_lifespan: str
    refresh_token_grant_refresh_token_lifespan: str
    registration_access_token: str
    registration_client_uri: str
    request_object_signing_alg: str
    request_uris: _containers.RepeatedScalarFieldContainer[str]
    response_types: _containers.RepeatedScalarFieldContainer[str]
    scope: str
    sector_identifier_uri: str
    skip_consent: bool
    skip_logout_consent: bool
    subject_type: str
    token_endpoint_auth_method: str
    token_endpoint_auth_signing_alg: str
    tos_uri: str
    updated_at_seconds: int
    userinfo_signed_response_alg: str
    def __init__(self, access_token_strategy: _Optional[str] = ..., allowed_cors_origins: _Optional[_Iterable[str]] = ..., audience: _Optional[_Iterable[str]] = ..., authorization_code_grant_access_token_lifespan: _Optional[str] = ..., authorization_code_grant_id_token_lifespan: _Optional[str] = ..., authorization_code_grant_refresh_token_lifespan: _Optional[str] = ..., backchannel_logout_session_required: _Optional[bool] = ..., backchannel_logout_uri: _Optional[str] = ..., client_credentials_grant_access_token_lifespan: _Optional[str] = ..., client_id: _Optional[str] = ..., client_name: _Optional[str] = ..., client_secret: _Optional[str] = ..., client_secret_expires_at: _Optional[int] = ..., client_uri: _Optional[str] = ..., contacts: _Optional[_Iterable[str]] = ..., created_at_seconds: _Optional[int] = ..., frontchannel_logout_session_required: _Optional[bool] = ..., frontchannel_logout_uri: _Optional[str] = ..., grant_types: _Optional[_Iterable[str]] = ..., implicit_grant_access_token_lifespan: _Optional[str] = ..., implicit_grant_id_token_lifespan: _Optional[str] = ..., jwks: _Optional[_Iterable[str]] = ..., jwks_uri: _Optional[str] = ..., jwt_bearer_grant_access_token_lifespan: _Optional[str] = ..., logo_uri: _Optional[str] = ..., owner: _Optional[str] = ..., policy_uri: _Optional[str] = ..., post_logout_redirect_uris: _Optional[_Iterable[str]] = ..., redirect_uris: _Optional[_Iterable[str]] = ..., refresh_token_grant_access_token_lifespan: _Optional[str] = ..., refresh_token_grant_id_token_lifespan: _Optional[str] = ..., refresh_token_grant_refresh_token_lifespan: _Optional[str] = ..., registration_access_token: _Optional[str] = ..., registration_client_uri: _Optional[str] = ..., request_object_signing_alg: _Optional[str] = ..., request_uris: _Optional[_Iterable[str]] = ..., response_types: _Optional[_Iterable[str]] = ..., scope: _Optional[str] = ..., sector_identifier_uri: _Optional[str] = ..., skip_consent: _Optional[bool] = ..., skip_logout_consent: _Optional[bool] = ..., subject_type: _Optional[str] = ..., token_endpoint_auth_method: _Optional[str] = ..., token_endpoint_auth_signing_alg: _Optional[str] = ..., tos_uri: _Optional[str] = ..., updated_at_seconds: _Optional[int] = ..., userinfo_signed_response_alg: _Optional[str] = ...) -> None: ...

class MezonOauthClientList(_message.Message):
    __slots__ = ("list_mezon_oauth_client",)
    LIST_MEZON_OAUTH_CLIENT_FIELD_NUMBER: _ClassVar[int]
    list_mezon_oauth_client: _containers.RepeatedCompositeFieldContainer[MezonOauthClient]
    def __init__(self, list_mezon_oauth_client: _Optional[_Iterable[_Union[MezonOauthClient, _Mapping[str, _Any]]]] = ...) -> None: ...

class GetMezonOauthClientRequest(_message.Message):
    __slots__ = ("client_id", "client_name")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    client_name: str
    def __init__(self, client_id: _Optional[str] = ..., client_name: _Optional[str] = ...) -> None: ...

class SearchThreadRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "label")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    label: str
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., label: _Optional[str] = ...) -> None: ...

class GenerateHashChannelAppsRequest(_message.Message):
    __slots__ = ("app_id",)
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    app_id: int
    def __init__(self, app_id: _Optional[int] = ...) -> None: ...

class GenerateHashChannelAppsResponse(_message.Message):
    __slots__ = ("web_app_data",)
    WEB_APP_DATA_FIELD_NUMBER: _ClassVar[int]
    web_app_data: str
    def __init__(self, web_app_data: _Optional[str] = ...) -> None: ...

class Message2InboxRequest(_message.Message):
    __slots__ = ("message_id", "channel_id", "clan_id", "avatar", "content", "mentions", "attachments", "reactions", "references", "topic_id")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    REACTIONS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    channel_id: int
    clan_id: int
    avatar: str
    content: str
    mentions: _containers.RepeatedCompositeFieldContainer[MessageMention]
    attachments: _containers.RepeatedCompositeFieldContainer[MessageAttachment]
    reactions: _containers.RepeatedCompositeFieldContainer[MessageReaction]
    references: _containers.RepeatedCompositeFieldContainer[MessageRef]
    topic_id: int
    def __init__(self, message_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., avatar: _Optional[str] = ..., content: _Optional[str] = ..., mentions: _Optional[_Iterable[_Union[MessageMention, _Mapping[str, _Any]]]] = ..., attachments: _Optional[_Iterable[_Union[MessageAttachment, _Mapping[str, _Any]]]] = ..., reactions: _Optional[_Iterable[_Union[MessageReaction, _Mapping[str, _Any]]]] = ..., references: _Optional[_Iterable[_Union[MessageRef, _Mapping[str, _Any]]]] = ..., topic_id: _Optional[int] = ...) -> None: ...

class AccountEmail(_message.Message):
    __slots__ = ("email", "password", "prev_email", "vars")
    class VarsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    PREV_EMAIL_FIELD_NUMBER: _ClassVar[int]
    VARS_FIELD_NUMBER: _ClassVar[int]
    email: str
    password: str
    prev_email: str
    vars: _containers.ScalarMap[str, str]
    def __init__(self, email: _Optional[str] = ..., password: _Optional[str] = ..., prev_email: _Optional[str] = ..., vars: _Optional[_Mapping[str, str]] = ...) -> None: ...

class AccountMezon(_message.Message):
    __slots__ = ("phone_number", "vars")
    class VarsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PHONE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    VARS_FIELD_NUMBER: _ClassVar[int]
    phone_number: str
    vars: _containers.ScalarMap[str, str]
    def __init__(self, phone_number: _Optional[str] = ..., vars: _Optional[_Mapping[str, str]] = ...) -> None: ...

class LinkAccountConfirmRequest(_message.Message):
    __slots__ = ("req_id", "status", "otp_code")
    REQ_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OTP_CODE_FIELD_NUMBER: _ClassVar[int]
    req_id: str
    status: int
    otp_code: str
    def __init__(self, req_id: _Optional[str] = ..., status: _Optional[int] = ..., otp_code: _Optional[str] = ...) -> None: ...

class QuickMenuAccess(_message.Message):
    __slots__ = ("id", "bot_id", "clan_id", "channel_id", "menu_name", "background", "action_msg", "menu_type")
    ID_FIELD_NUMBER: _ClassVar[int]
    BOT_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MENU_NAME_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    ACTION_MSG_FIELD_NUMBER: _ClassVar[int]
    MENU_TYPE_FIELD_NUMBER: _ClassVar[int]
    id: int
    bot_id: int
    clan_id: int
    channel_id: int
    menu_name: str
    background: str
    action_msg: str
    menu_type: int
    def __init__(self, id: _Optional[int] = ..., bot_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., menu_name: _Optional[str] = ..., background: _Optional[str] = ..., action_msg: _Optional[str] = ..., menu_type: _Optional[int] = ...) -> None: ...

class ListQuickMenuAccessRequest(_message.Message):
    __slots__ = ("bot_id", "channel_id", "menu_type")
    BOT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    MENU_TYPE_FIELD_NUMBER: _ClassVar[int]
    bot_id: int
    channel_id: int
    menu_type: int
    def __init__(self, bot_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., menu_type: _Optional[int] = ...) -> None: ...

class QuickMenuAccessList(_message.Message):
    __slots__ = ("list_menus",)
    LIST_MENUS_FIELD_NUMBER: _ClassVar[int]
    list_menus: _containers.RepeatedCompositeFieldContainer[QuickMenuAccess]
    def __init__(self, list_menus: _Optional[_Iterable[_Union[QuickMenuAccess, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListForSaleItemsRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: int
    def __init__(self, page: _Optional[int] = ...) -> None: ...

class ForSaleItem(_message.Message):
    __slots__ = ("type", "preview_url")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_URL_FIELD_NUMBER: _ClassVar[int]
    type: int
    preview_url: str
    def __init__(self, type: _Optional[int] = ..., preview_url: _Optional[str] = ...) -> None: ...

class ForSaleItemList(_message.Message):
    __slots__ = ("for_sale_items",)
    FOR_SALE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    for_sale_items: _containers.RepeatedCompositeFieldContainer[ForSaleItem]
    def __init__(self, for_sale_items: _Optional[_Iterable[_Union[ForSaleItem, _Mapping[str, _Any]]]] = ...) -> None: ...

class IsFollowerRequest(_message.Message):
    __slots__ = ("follow_id",)
    FOLLOW_ID_FIELD_NUMBER: _ClassVar[int]
    follow_id: int
    def __init__(self, follow_id: _Optional[int] = ...) -> None: ...

class IsFollowerResponse(_message.Message):
    __slots__ = ("follow_id", "is_follower")
    FOLLOW_ID_FIELD_NUMBER: _ClassVar[int]
    IS_FOLLOWER_FIELD_NUMBER: _ClassVar[int]
    follow_id: int
    is_follower: bool
    def __init__(self, follow_id: _Optional[int] = ..., is_follower: _Optional[bool] = ...) -> None: ...

class TransferOwnershipRequest(_message.Message):
    __slots__ = ("clan_id", "new_owner_id")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    new_owner_id: int
    def __init__(self, clan_id: _Optional[int] = ..., new_owner_id: _Optional[int] = ...) -> None: ...

class UserIds(_message.Message):
    __slots__ = ("user_ids",)
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ReportMessageAbuseReqest(_message.Message):
    __slots__ = ("message_id", "abuse_type")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    ABUSE_TYPE_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    abuse_type: str
    def __init__(self, message_id: _Optional[int] = ..., abuse_type: _Optional[str] = ...) -> None: ...

class LogedDeviceList(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[LogedDevice]
    def __init__(self, devices: _Optional[_Iterable[_Union[LogedDevice, _Mapping[str, _Any]]]] = ...) -> None: ...

class LogedDevice(_message.Message):
    __slots__ = ("device_id", "device_name", "login_at_seconds", "status", "platform", "ip", "last_active_seconds", "location", "is_current")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    LOGIN_AT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    IP_FIELD_NUMBER: _ClassVar[int]
    LAST_ACTIVE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    IS_CURRENT_FIELD_NUMBER: _ClassVar[int]
    device_id: str
    device_name: str
    login_at_seconds: int
    status: int
    platform: str
    ip: str
    last_active_seconds: int
    location: str
    is_current: bool
    def __init__(self, device_id: _Optional[str] = ..., device_name: _Optional[str] = ..., login_at_seconds: _Optional[int] = ..., status: _Optional[int] = ..., platform: _Optional[str] = ..., ip: _Optional[str] = ..., last_active_seconds: _Optional[int] = ..., location: _Optional[str] = ..., is_current: _Optional[bool] = ...) -> None: ...

class DirectFcmProto(_message.Message):
    __slots__ = ("title", "link", "content", "channel_id", "sender_id", "avatar", "clan_id", "attachment_link", "display_name", "create_time_seconds", "update_time_seconds", "username", "mention_ids", "position_s", "position_e", "attachment_type", "has_more_attachment", "is_mention_role", "message_id", "topic_id")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENT_LINK_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    MENTION_IDS_FIELD_NUMBER: _ClassVar[int]
    POSITION_S_FIELD_NUMBER: _ClassVar[int]
    POSITION_E_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_ATTACHMENT_FIELD_NUMBER: _ClassVar[int]
    IS_MENTION_ROLE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    title: str
    link: str
    content: str
    channel_id: int
    sender_id: int
    avatar: str
    clan_id: int
    attachment_link: str
    display_name: str
    create_time_seconds: int
    update_time_seconds: int
    username: str
    mention_ids: _containers.RepeatedScalarFieldContainer[int]
    position_s: _containers.RepeatedScalarFieldContainer[int]
    position_e: _containers.RepeatedScalarFieldContainer[int]
    attachment_type: str
    has_more_attachment: bool
    is_mention_role: _containers.RepeatedScalarFieldContainer[bool]
    message_id: int
    topic_id: int
    def __init__(self, title: _Optional[str] = ..., link: _Optional[str] = ..., content: _Optional[str] = ..., channel_id: _Optional[int] = ..., sender_id: _Optional[int] = ..., avatar: _Optional[str] = ..., clan_id: _Optional[int] = ..., attachment_link: _Optional[str] = ..., display_name: _Optional[str] = ..., create_time_seconds: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., username: _Optional[str] = ..., mention_ids: _Optional[_Iterable[int]] = ..., position_s: _Optional[_Iterable[int]] = ..., position_e: _Optional[_Iterable[int]] = ..., attachment_type: _Optional[str] = ..., has_more_attachment: _Optional[bool] = ..., is_mention_role: _Optional[_Iterable[bool]] = ..., message_id: _Optional[int] = ..., topic_id: _Optional[int] = ...) -> None: ...

class MessageMentionList(_message.Message):
    __slots__ = ("mentions",)
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    mentions: _containers.RepeatedCompositeFieldContainer[MessageMention]
    def __init__(self, mentions: _Optional[_Iterable[_Union[MessageMention, _Mapping[str, _Any]]]] = ...) -> None: ...

class MessageAttachmentList(_message.Message):
    __slots__ = ("attachments",)
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    attachments: _containers.RepeatedCompositeFieldContainer[MessageAttachment]
    def __init__(self, attachments: _Optional[_Iterable[_Union[MessageAttachment, _Mapping[str, _Any]]]] = ...) -> None: ...

class MessageRefList(_message.Message):
    __slots__ = ("refs",)
    REFS_FIELD_NUMBER: _ClassVar[int]
    refs: _containers.RepeatedCompositeFieldContainer[MessageRef]
    def __init__(self, refs: _Optional[_Iterable[_Union[MessageRef, _Mapping[str, _Any]]]] = ...) -> None: ...

class MessageReactionList(_message.Message):
    __slots__ = ("reactions",)
    REACTIONS_FIELD_NUMBER: _ClassVar[int]
    reactions: _containers.RepeatedCompositeFieldContainer[MessageReaction]
    def __init__(self, reactions: _Optional[_Iterable[_Union[MessageReaction, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListChannelBadgeCountRequest(_message.Message):
    __slots__ = ("clan_id", "limit", "page")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    limit: int
    page: int
    def __init__(self, clan_id: _Optional[int] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ...) -> None: ...

class ListChannelBadgeCountResponse(_message.Message):
    __slots__ = ("channeldesc", "total_count")
    CHANNELDESC_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    channeldesc: _containers.RepeatedCompositeFieldContainer[ChannelDescription]
    total_count: int
    def __init__(self, channeldesc: _Optional[_Iterable[_Union[ChannelDescription, _Mapping[str, _Any]]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class ClanBadgeCount(_message.Message):
    __slots__ = ("clan_id", "badge", "has_unread")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    HAS_UNREAD_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    badge: int
    has_unread: bool
    def __init__(self, clan_id: _Optional[int] = ..., badge: _Optional[int] = ..., has_unread: _Optional[bool] = ...) -> None: ...

class ListClanBadgeCountResponse(_message.Message):
    __slots__ = ("list_badge",)
    LIST_BADGE_FIELD_NUMBER: _ClassVar[int]
    list_badge: _containers.RepeatedCompositeFieldContainer[ClanBadgeCount]
    def __init__(self, list_badge: _Optional[_Iterable[_Union[ClanBadgeCount, _Mapping[str, _Any]]]] = ...) -> None: ...

class ClanDiscover(_message.Message):
    __slots__ = ("clan_id", "clan_name", "invite_id", "clan_logo", "online_members", "total_members", "verified", "description", "banner", "about", "short_url", "create_time_seconds")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_NAME_FIELD_NUMBER: _ClassVar[int]
    INVITE_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_LOGO_FIELD_NUMBER: _ClassVar[int]
    ONLINE_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    BANNER_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    SHORT_URL_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    clan_name: str
    invite_id: int
    clan_logo: str
    online_members: int
    total_members: int
    verified: bool
    description: str
    banner: str
    about: str
    short_url: str
    create_time_seconds: int
    def __init__(self, clan_id: _Optional[int] = ..., clan_name: _Optional[str] = ..., invite_id: _Optional[int] = ..., clan_logo: _Optional[str] = ..., online_members: _Optional[int] = ..., total_members: _Optional[int] = ..., verified: _Optional[bool] = ..., description: _Optional[str] = ..., banner: _Optional[str] = ..., about: _Optional[str] = ..., short_url: _Optional[str] = ..., create_time_seconds: _Optional[int] = ...) -> None: ...

class ListClanDiscover(_message.Message):
    __slots__ = ("clan_discover", "page_number", "page_count")
    CLAN_DISCOVER_FIELD_NUMBER: _ClassVar[int]
    PAGE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    clan_discover: _containers.RepeatedCompositeFieldContainer[ClanDiscover]
    page_number: int
    page_count: int
    def __init__(self, clan_discover: _Optional[_Iterable[_Union[ClanDiscover, _Mapping[str, _Any]]]] = ..., page_number: _Optional[int] = ..., page_count: _Optional[int] = ...) -> None: ...

class GenerateMeetTokenExternalResponse(_message.Message):
    __slots__ = ("token", "guest_user_id", "guest_access_token")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    GUEST_USER_ID_FIELD_NUMBER: _ClassVar[int]
    GUEST_ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    guest_user_id: int
    guest_access_token: str
    def __init__(self, token: _Optional[str] = ..., guest_user_id: _Optional[int] = ..., guest_access_token: _Optional[str] = ...) -> None: ...

class KafkaActionMsg(_message.Message):
    __slots__ = ("clan_id", "channel_id", "friend_ids", "user_ids", "mode", "stream")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    FRIEND_IDS_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    friend_ids: _containers.RepeatedScalarFieldContainer[int]
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    mode: int
    stream: bytes
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., friend_ids: _Optional[_Iterable[int]] = ..., user_ids: _Optional[_Iterable[int]] = ..., mode: _Optional[int] = ..., stream: _Optional[bytes] = ...) -> None: ...

class UpdateAIAgentRequest(_message.Message):
    __slots__ = ("channel_id", "room_name")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    room_name: str
    def __init__(self, channel_id: _Optional[int] = ..., room_name: _Optional[str] = ...) -> None: ...

class TrackInfo(_message.Message):
    __slots__ = ("sid", "type")
    SID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    sid: str
    type: TrackType
    def __init__(self, sid: _Optional[str] = ..., type: _Optional[_Union[TrackType, str]] = ...) -> None: ...

class ParticipantInfo(_message.Message):
    __slots__ = ("sid", "identity", "state", "tracks", "is_publisher", "kind")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        JOINING: _ClassVar[ParticipantInfo.State]
        JOINED: _ClassVar[ParticipantInfo.State]
        ACTIVE: _ClassVar[ParticipantInfo.State]
        DISCONNECTED: _ClassVar[ParticipantInfo.State]
    JOINING: ParticipantInfo.State
    JOINED: ParticipantInfo.State
    ACTIVE: ParticipantInfo.State
    DISCONNECTED: ParticipantInfo.State
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STANDARD: _ClassVar[ParticipantInfo.Kind]
        INGRESS: _ClassVar[ParticipantInfo.Kind]
        EGRESS: _ClassVar[ParticipantInfo.Kind]
        SIP: _ClassVar[ParticipantInfo.Kind]
        AGENT: _ClassVar[ParticipantInfo.Kind]
        CONNECTOR: _ClassVar[ParticipantInfo.Kind]
        BRIDGE: _ClassVar[ParticipantInfo.Kind]
    STANDARD: ParticipantInfo.Kind
    INGRESS: ParticipantInfo.Kind
    EGRESS: ParticipantInfo.Kind
    SIP: ParticipantInfo.Kind
    AGENT: ParticipantInfo.Kind
    CONNECTOR: ParticipantInfo.Kind
    BRIDGE: ParticipantInfo.Kind
    class KindDetail(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CLOUD_AGENT: _ClassVar[ParticipantInfo.KindDetail]
        FORWARDED: _ClassVar[ParticipantInfo.KindDetail]
        CONNECTOR_WHATSAPP: _ClassVar[ParticipantInfo.KindDetail]
        CONNECTOR_TWILIO: _ClassVar[ParticipantInfo.KindDetail]
        BRIDGE_RTSP: _ClassVar[ParticipantInfo.KindDetail]
    CLOUD_AGENT: ParticipantInfo.KindDetail
    FORWARDED: ParticipantInfo.KindDetail
    CONNECTOR_WHATSAPP: ParticipantInfo.KindDetail
    CONNECTOR_TWILIO: ParticipantInfo.KindDetail
    BRIDGE_RTSP: ParticipantInfo.KindDetail
    SID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLISHER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    sid: str
    identity: str
    state: ParticipantInfo.State
    tracks: _containers.RepeatedCompositeFieldContainer[TrackInfo]
    is_publisher: bool
    kind: ParticipantInfo.Kind
    def __init__(self, sid: _Optional[str] = ..., identity: _Optional[str] = ..., state: _Optional[_Union[ParticipantInfo.State, str]] = ..., tracks: _Optional[_Iterable[_Union[TrackInfo, _Mapping[str, _Any]]]] = ..., is_publisher: _Optional[bool] = ..., kind: _Optional[_Union[ParticipantInfo.Kind, str]] = ...) -> None: ...

class ChannelTimelineAttachment(_message.Message):
    __slots__ = ("id", "file_name", "file_url", "file_type", "file_size", "width", "height", "thumbnail", "duration", "message_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_URL_FIELD_NUMBER: _ClassVar[int]
    FILE_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILE_SIZE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    file_name: str
    file_url: str
    file_type: str
    file_size: int
    width: int
    height: int
    thumbnail: str
    duration: int
    message_id: int
    def __init__(self, id: _Optional[int] = ..., file_name: _Optional[str] = ..., file_url: _Optional[str] = ..., file_type: _Optional[str] = ..., file_size: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., thumbnail: _Optional[str] = ..., duration: _Optional[int] = ..., message_id: _Optional[int] = ...) -> None: ...

class ListChannelTimelineAttachment(_message.Message):
    __slots__ = ("attachments",)
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    attachments: _containers.RepeatedCompositeFieldContainer[ChannelTimelineAttachment]
    def __init__(self, attachments: _Optional[_Iterable[_Union[ChannelTimelineAttachment, _Mapping[str, _Any]]]] = ...) -> None: ...

class ChannelTimeline(_message.Message):
    __slots__ = ("id", "clan_id", "channel_id", "start_time_seconds", "title", "description", "end_time_seconds", "location", "status", "creator_id", "create_time_seconds", "update_time_seconds", "type", "attachments", "preview_imgs")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    END_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_IMGS_FIELD_NUMBER: _ClassVar[int]
    id: int
    clan_id: int
    channel_id: int
    start_time_seconds: int
    title: str
    description: str
    end_time_seconds: int
    location: str
    status: int
    creator_id: int
    create_time_seconds: int
    update_time_seconds: int
    type: int
    attachments: bytes
    preview_imgs: bytes
    def __init__(self, id: _Optional[int] = ..., clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., start_time_seconds: _Optional[int] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., end_time_seconds: _Optional[int] = ..., location: _Optional[str] = ..., status: _Optional[int] = ..., creator_id: _Optional[int] = ..., create_time_seconds: _Optional[int] = ..., update_time_seconds: _Optional[int] = ..., type: _Optional[int] = ..., attachments: _Optional[bytes] = ..., preview_imgs: _Optional[bytes] = ...) -> None: ...

class ListChannelTimelineRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "year", "start_time", "end_time", "limit")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    year: int
    start_time: int
    end_time: int
    limit: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., year: _Optional[int] = ..., start_time: _Optional[int] = ..., end_time: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class ListChannelTimelineResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ChannelTimeline]
    def __init__(self, events: _Optional[_Iterable[_Union[ChannelTimeline, _Mapping[str, _Any]]]] = ...) -> None: ...

class CreateChannelTimelineRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "start_time_seconds", "title", "description", "end_time_seconds", "location", "type", "attachments")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    END_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    start_time_seconds: int
    title: str
    description: str
    end_time_seconds: int
    location: str
    type: int
    attachments: _containers.RepeatedCompositeFieldContainer[ChannelTimelineAttachment]
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., start_time_seconds: _Optional[int] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., end_time_seconds: _Optional[int] = ..., location: _Optional[str] = ..., type: _Optional[int] = ..., attachments: _Optional[_Iterable[_Union[ChannelTimelineAttachment, _Mapping[str, _Any]]]] = ...) -> None: ...

class CreateChannelTimelineResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: ChannelTimeline
    def __init__(self, event: _Optional[_Union[ChannelTimeline, _Mapping[str, _Any]]] = ...) -> None: ...

class UpdateChannelTimelineRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "id", "start_time_seconds", "title", "description", "location", "type", "attachments")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    id: int
    start_time_seconds: int
    title: str
    description: str
    location: str
    type: int
    attachments: _containers.RepeatedCompositeFieldContainer[ChannelTimelineAttachment]
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., id: _Optional[int] = ..., start_time_seconds: _Optional[int] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., location: _Optional[str] = ..., type: _Optional[int] = ..., attachments: _Optional[_Iterable[_Union[ChannelTimelineAttachment, _Mapping[str, _Any]]]] = ...) -> None: ...

class UpdateChannelTimelineResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: ChannelTimeline
    def __init__(self, event: _Optional[_Union[ChannelTimeline, _Mapping[str, _Any]]] = ...) -> None: ...

class ChannelTimelineDetailRequest(_message.Message):
    __slots__ = ("clan_id", "channel_id", "id", "start_time_seconds")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    channel_id: int
    id: int
    start_time_seconds: int
    def __init__(self, clan_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., id: _Optional[int] = ..., start_time_seconds: _Optional[int] = ...) -> None: ...

class ChannelTimelineDetailResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: ChannelTimeline
    def __init__(self, event: _Optional[_Union[ChannelTimeline, _Mapping[str, _Any]]] = ...) -> None: ...

class ListMutedChannelRequest(_message.Message):
    __slots__ = ("clan_id",)
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    def __init__(self, clan_id: _Optional[int] = ...) -> None: ...

class MutedChannelList(_message.Message):
    __slots__ = ("muted_list",)
    MUTED_LIST_FIELD_NUMBER: _ClassVar[int]
    muted_list: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, muted_list: _Optional[_Iterable[int]] = ...) -> None: ...

class NotificationBatchRequest(_message.Message):
    __slots__ = ("notifications",)
    class NotificationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: NotificationList
        def __init__(self, key: _Optional[int] = ..., value: _Optional[_Union[NotificationList, _Mapping[str, _Any]]] = ...) -> None: ...
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    notifications: _containers.MessageMap[int, NotificationList]
    def __init__(self, notifications: _Optional[_Mapping[int, NotificationList]] = ...) -> None: ...

class CreatePollRequest(_message.Message):
    __slots__ = ("channel_id", "clan_id", "question", "answers", "expire_hours", "type")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_HOURS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    clan_id: int
    question: str
    answers: _containers.RepeatedScalarFieldContainer[str]
    expire_hours: int
    type: PollType
    def __init__(self, channel_id: _Optional[int] = ..., clan_id: _Optional[int] = ..., question: _Optional[str] = ..., answers: _Optional[_Iterable[str]] = ..., expire_hours: _Optional[int] = ..., type: _Optional[_Union[PollType, str]] = ...) -> None: ...

class CreatePollResponse(_message.Message):
    __slots__ = ("poll_id", "message_id", "question", "answers", "answer_counts", "exp", "is_closed", "creator_id", "type", "total_votes")
    POLL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_COUNTS_FIELD_NUMBER: _ClassVar[int]
    EXP_FIELD_NUMBER: _ClassVar[int]
    IS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_VOTES_FIELD_NUMBER: _ClassVar[int]
    poll_id: int
    message_id: int
    question: str
    answers: _containers.RepeatedCompositeFieldContainer[PollAnswer]
    answer_counts: _containers.RepeatedScalarFieldContainer[int]
    exp: int
    is_closed: bool
    creator_id: int
    type: PollType
    total_votes: int
    def __init__(self, poll_id: _Optional[int] = ..., message_id: _Optional[int] = ..., question: _Optional[str] = ..., answers: _Optional[_Iterable[_Union[PollAnswer, _Mapping[str, _Any]]]] = ..., answer_counts: _Optional[_Iterable[int]] = ..., exp: _Optional[int] = ..., is_closed: _Optional[bool] = ..., creator_id: _Optional[int] = ..., type: _Optional[_Union[PollType, str]] = ..., total_votes: _Optional[int] = ...) -> None: ...

class VotePollRequest(_message.Message):
    __slots__ = ("poll_id", "message_id", "channel_id", "answer_indices")
    POLL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWER_INDICES_FIELD_NUMBER: _ClassVar[int]
    poll_id: int
    message_id: int
    channel_id: int
    answer_indices: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, poll_id: _Optional[int] = ..., message_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., answer_indices: _Optional[_Iterable[int]] = ...) -> None: ...

class VotePollResponse(_message.Message):
    __slots__ = ("my_answer_indices",)
    MY_ANSWER_INDICES_FIELD_NUMBER: _ClassVar[int]
    my_answer_indices: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, my_answer_indices: _Optional[_Iterable[int]] = ...) -> None: ...

class ClosePollRequest(_message.Message):
    __slots__ = ("poll_id", "message_id", "channel_id")
    POLL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    poll_id: int
    message_id: int
    channel_id: int
    def __init__(self, poll_id: _Optional[int] = ..., message_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class GetPollRequest(_message.Message):
    __slots__ = ("poll_id", "message_id", "channel_id")
    POLL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    poll_id: int
    message_id: int
    channel_id: int
    def __init__(self, poll_id: _Optional[int] = ..., message_id: _Optional[int] = ..., channel_id: _Optional[int] = ...) -> None: ...

class PollAnswer(_message.Message):
    __slots__ = ("index", "label")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    index: int
    label: str
    def __init__(self, index: _Optional[int] = ..., label: _Optional[str] = ...) -> None: ...

class PollVoterDetail(_message.Message):
    __slots__ = ("answer_index", "user_ids")
    ANSWER_INDEX_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    answer_index: int
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, answer_index: _Optional[int] = ..., user_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class GetPollResponse(_message.Message):
    __slots__ = ("poll_id", "message_id", "question", "answers", "answer_counts", "exp", "is_closed", "creator_id", "type", "total_votes", "voter_details")
    POLL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_COUNTS_FIELD_NUMBER: _ClassVar[int]
    EXP_FIELD_NUMBER: _ClassVar[int]
    IS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    CREATOR_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_VOTES_FIELD_NUMBER: _ClassVar[int]
    VOTER_DETAILS_FIELD_NUMBER: _ClassVar[int]
    poll_id: int
    message_id: int
    question: str
    answers: _containers.RepeatedCompositeFieldContainer[PollAnswer]
    answer_counts: _containers.RepeatedScalarFieldContainer[int]
    exp: int
    is_closed: bool
    creator_id: int
    type: PollType
    total_votes: int
    voter_details: _containers.RepeatedCompositeFieldContainer[PollVoterDetail]
    def __init__(self, poll_id: _Optional[int] = ..., message_id: _Optional[int] = ..., question: _Optional[str] = ..., answers: _Optional[_Iterable[_Union[PollAnswer, _Mapping[str, _Any]]]] = ..., answer_counts: _Optional[_Iterable[int]] = ..., exp: _Optional[int] = ..., is_closed: _Optional[bool] = ..., creator_id: _Optional[int] = ..., type: _Optional[_Union[PollType, str]] = ..., total_votes: _Optional[int] = ..., voter_details: _Optional[_Iterable[_Union[PollVoterDetail, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListUserOnlineRequest(_message.Message):
    __slots__ = ("clan_id", "limit", "page")
    CLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    clan_id: int
    limit: int
    page: int
    def __init__(self, clan_id: _Optional[int] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ...) -> None: ...

class ListUserOnlineResponse(_message.Message):
    __slots__ = ("users", "total_count")
    USERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[User]
    total_count: int
    def __init__(self, users: _Optional[_Iterable[_Union[User, _Mapping[str, _Any]]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class SearchCtrlKRequest(_message.Message):
    __slots__ = ("text", "type")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    text: str
    type: int
    def __init__(self, text: _Optional[str] = ..., type: _Optional[int] = ...) -> None: ...

class SearchCtrlKResponse(_message.Message):
    __slots__ = ("users", "channels")
    USERS_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[User]
    channels: _containers.RepeatedCompositeFieldContainer[ChannelDescription]
    def __init__(self, users: _Optional[_Iterable[_Union[User, _Mapping[str, _Any]]]] = ..., channels: _Optional[_Iterable[_Union[ChannelDescription, _Mapping[str, _Any]]]] = ...) -> None: ...

class NoParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
