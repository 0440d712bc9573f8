"""Everything that handlers receive and bots send, as pydantic models.

The modules group the models by topic; import the models from here. A module is imported when one of its names is used:
building all classes takes longer than the rest of ``import mezon``.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if not hasattr(sys.modules["mezon"], "__distribution__"):
    # mezon-sdk was installed over this package: it overwrites mezon/__init__.py but not this file (its models are one
    # module). This file is the first of ours that the __init__ of mezon-sdk imports, and that a bot imports after
    # mezon-sdk and its __init__ were removed.
    raise ImportError(
        "files of mezon-rs are missing or were replaced: mezon-sdk owns the same folder, and was installed or "
        "uninstalled after mezon-rs. Repair it: pip uninstall -y mezon-sdk, then pip install --force-reinstall mezon-rs"
    )

if TYPE_CHECKING:
    from mezon.models._base import MezonBaseModel
    from mezon.models._envelopes import (
        ENVELOPE_TO_PYDANTIC_MAP,
        PROTO_FIELDS,
        convert_envelope_to_pydantic,
        protobuf_to_pydantic,
    )
    from mezon.models.api import (
        ApiAccountApp,
        ApiAuthenticateRequest,
        ApiChannelDescList,
        ApiChannelDescription,
        ApiChannelMessageHeader,
        ApiClanDesc,
        ApiClanDescList,
        ApiCreateChannelDescRequest,
        ApiQuickMenuAccess,
        ApiQuickMenuAccessList,
        ApiSentTokenRequest,
        ApiSession,
        ApiVoiceChannelUser,
        ApiVoiceChannelUserList,
        ClanDesc,
    )
    from mezon.models.content import (
        ChannelMessageContent,
        EMarkdownType,
        EmojiOnMessage,
        HashtagOnMessage,
        LinkOnMessage,
        LinkVoiceRoomOnMessage,
        MarkdownOnMessage,
        StartEndIndex,
    )
    from mezon.models.events import (
        AddUsers,
        ApiNotification,
        ChannelCreatedEvent,
        ChannelDeletedEvent,
        ChannelUpdatedEvent,
        ClanNameExistedEvent,
        ClanProfileUpdatedEvent,
        ClanUpdatedEvent,
        CustomStatusEvent,
        DropdownBoxSelected,
        FCMTokens,
        GiveCoffeeEvent,
        LastPinMessageEvent,
        LastSeenMessageEvent,
        MessageTypingEvent,
        NotificationEvent,
        StreamingJoinedEvent,
        StreamingLeavedEvent,
        TokenSentEvent,
        UserChannelAddedEvent,
        UserChannelRemoved,
        UserClanRemovedEvent,
        UserProfileRedis,
        UserProfileUpdatedEvent,
        VoiceEndedEvent,
        VoiceJoinedEvent,
        VoiceLeavedEvent,
        VoiceStartedEvent,
    )
    from mezon.models.friends import ApiFriend, ApiFriendList, ApiUser
    from mezon.models.interactive import (
        AnimationConfig,
        ButtonMessage,
        ButtonMessageStyle,
        InputFieldOption,
        InteractiveMessageAuthor,
        InteractiveMessageField,
        InteractiveMessageFooter,
        InteractiveMessageMedia,
        InteractiveMessageProps,
        MessageActionRow,
        MessageComponent,
        MessageComponentType,
        MessageSelectType,
        RadioFieldOption,
        SelectFieldOption,
    )
    from mezon.models.message import ChannelMessage, UserInitData
    from mezon.models.parts import (
        ApiMessageAttachment,
        ApiMessageDeleted,
        ApiMessageMention,
        ApiMessageReaction,
        ApiMessageRef,
    )
    from mezon.models.payloads import (
        EphemeralMessageData,
        MessagePayLoad,
        MessageUserPayLoad,
        ReactMessageData,
        ReactMessagePayload,
        RemoveMessageData,
        ReplyMessageData,
        SendTokenData,
        UpdateMessageData,
    )
    from mezon.models.realtime import (
        Channel,
        ChannelJoin,
        ChannelLeave,
        ChannelMessageAck,
        ChannelMessageRemove,
        ChannelMessageSend,
        ChannelMessageUpdate,
        ClanJoin,
        Ping,
        Pong,
        Presence,
        Rpc,
        SocketError,
        SocketMessage,
    )
    from mezon.models.roles import (
        ApiPermission,
        ApiPermissionList,
        ApiRole,
        ApiRoleList,
        ApiRoleListEventResponse,
        ApiRoleUserList,
        RoleUserListRoleUser,
    )
    from mezon.models.sse import (
        AIAgentSessionEndedEvent,
        AIAgentSessionStartedEvent,
        AIAgentSessionSummaryDoneEvent,
        RoomInfo,
        RoomMetadataEvent,
        SSEConfig,
        SSEMessage,
    )

__all__ = [
    "ENVELOPE_TO_PYDANTIC_MAP",
    "PROTO_FIELDS",
    "AIAgentSessionEndedEvent",
    "AIAgentSessionStartedEvent",
    "AIAgentSessionSummaryDoneEvent",
    "AddUsers",
    "AnimationConfig",
    "ApiAccountApp",
    "ApiAuthenticateRequest",
    "ApiChannelDescList",
    "ApiChannelDescription",
    "ApiChannelMessageHeader",
    "ApiClanDesc",
    "ApiClanDescList",
    "ApiCreateChannelDescRequest",
    "ApiFriend",
    "ApiFriendList",
    "ApiMessageAttachment",
    "ApiMessageDeleted",
    "ApiMessageMention",
    "ApiMessageReaction",
    "ApiMessageRef",
    "ApiNotification",
    "ApiPermission",
    "ApiPermissionList",
    "ApiQuickMenuAccess",
    "ApiQuickMenuAccessList",
    "ApiRole",
    "ApiRoleList",
    "ApiRoleListEventResponse",
    "ApiRoleUserList",
    "ApiSentTokenRequest",
    "ApiSession",
    "ApiUser",
    "ApiVoiceChannelUser",
    "ApiVoiceChannelUserList",
    "ButtonMessage",
    "ButtonMessageStyle",
    "Channel",
    "ChannelCreatedEvent",
    "ChannelDeletedEvent",
    "ChannelJoin",
    "ChannelLeave",
    "ChannelMessage",
    "ChannelMessageAck",
    "ChannelMessageContent",
    "ChannelMessageRemove",
    "ChannelMessageSend",
    "ChannelMessageUpdate",
    "ChannelUpdatedEvent",
    "ClanDesc",
    "ClanJoin",
    "ClanNameExistedEvent",
    "ClanProfileUpdatedEvent",
    "ClanUpdatedEvent",
    "CustomStatusEvent",
    "DropdownBoxSelected",
    "EMarkdownType",
    "EmojiOnMessage",
    "EphemeralMessageData",
    "FCMTokens",
    "GiveCoffeeEvent",
    "HashtagOnMessage",
    "InputFieldOption",
    "InteractiveMessageAuthor",
    "InteractiveMessageField",
    "InteractiveMessageFooter",
    "InteractiveMessageMedia",
    "InteractiveMessageProps",
    "LastPinMessageEvent",
    "LastSeenMessageEvent",
    "LinkOnMessage",
    "LinkVoiceRoomOnMessage",
    "MarkdownOnMessage",
    "MessageActionRow",
    "MessageComponent",
    "MessageComponentType",
    "MessagePayLoad",
    "MessageSelectType",
    "MessageTypingEvent",
    "MessageUserPayLoad",
    "MezonBaseModel",
    "NotificationEvent",
    "Ping",
    "Pong",
    "Presence",
    "RadioFieldOption",
    "ReactMessageData",
    "ReactMessagePayload",
    "RemoveMessageData",
    "ReplyMessageData",
    "RoleUserListRoleUser",
    "RoomInfo",
    "RoomMetadataEvent",
    "Rpc",
    "SSEConfig",
    "SSEMessage",
    "SelectFieldOption",
    "SendTokenData",
    "SocketError",
    "SocketMessage",
    "StartEndIndex",
    "StreamingJoinedEvent",
    "StreamingLeavedEvent",
    "TokenSentEvent",
    "UpdateMessageData",
    "UserChannelAddedEvent",
    "UserChannelRemoved",
    "UserClanRemovedEvent",
    "UserInitData",
    "UserProfileRedis",
    "UserProfileUpdatedEvent",
    "VoiceEndedEvent",
    "VoiceJoinedEvent",
    "VoiceLeavedEvent",
    "VoiceStartedEvent",
    "convert_envelope_to_pydantic",
    "protobuf_to_pydantic",
]

#: The module of each name; must match the imports above.
_HOMES: Final = {
    "_base": "MezonBaseModel",
    "_envelopes": "ENVELOPE_TO_PYDANTIC_MAP PROTO_FIELDS convert_envelope_to_pydantic protobuf_to_pydantic",
    "api": (
        "ApiAccountApp ApiAuthenticateRequest ApiChannelDescList ApiChannelDescription "
        "ApiChannelMessageHeader ApiClanDesc ApiClanDescList ApiCreateChannelDescRequest "
        "ApiQuickMenuAccess ApiQuickMenuAccessList ApiSentTokenRequest ApiSession ApiVoiceChannelUser "
        "ApiVoiceChannelUserList ClanDesc"
    ),
    "content": (
        "ChannelMessageContent EMarkdownType EmojiOnMessage HashtagOnMessage LinkOnMessage "
        "LinkVoiceRoomOnMessage MarkdownOnMessage StartEndIndex"
    ),
    "events": (
        "AddUsers ApiNotification ChannelCreatedEvent ChannelDeletedEvent ChannelUpdatedEvent ClanNameExistedEvent "
        "ClanProfileUpdatedEvent ClanUpdatedEvent CustomStatusEvent DropdownBoxSelected FCMTokens "
        "GiveCoffeeEvent LastPinMessageEvent LastSeenMessageEvent MessageTypingEvent NotificationEvent "
        "StreamingJoinedEvent StreamingLeavedEvent TokenSentEvent UserChannelAddedEvent UserChannelRemoved "
        "UserClanRemovedEvent UserProfileRedis UserProfileUpdatedEvent VoiceEndedEvent VoiceJoinedEvent "
        "VoiceLeavedEvent VoiceStartedEvent"
    ),
    "friends": "ApiFriend ApiFriendList ApiUser",
    "interactive": (
        "AnimationConfig ButtonMessage ButtonMessageStyle InputFieldOption InteractiveMessageAuthor "
        "InteractiveMessageField InteractiveMessageFooter InteractiveMessageMedia InteractiveMessageProps "
        "MessageActionRow MessageComponent MessageComponentType MessageSelectType RadioFieldOption "
        "SelectFieldOption"
    ),
    "message": "ChannelMessage UserInitData",
    "parts": "ApiMessageAttachment ApiMessageDeleted ApiMessageMention ApiMessageReaction ApiMessageRef",
    "payloads": (
        "EphemeralMessageData MessagePayLoad MessageUserPayLoad ReactMessageData ReactMessagePayload "
        "RemoveMessageData ReplyMessageData SendTokenData UpdateMessageData"
    ),
    "realtime": (
        "Channel ChannelJoin ChannelLeave ChannelMessageAck ChannelMessageRemove ChannelMessageSend "
        "ChannelMessageUpdate ClanJoin Ping Pong Presence Rpc SocketError SocketMessage"
    ),
    "roles": (
        "ApiPermission ApiPermissionList ApiRole ApiRoleList ApiRoleListEventResponse ApiRoleUserList "
        "RoleUserListRoleUser"
    ),
    "sse": (
        "AIAgentSessionEndedEvent AIAgentSessionStartedEvent AIAgentSessionSummaryDoneEvent RoomInfo "
        "RoomMetadataEvent SSEConfig SSEMessage"
    ),
}

_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
