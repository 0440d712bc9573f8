"""Models of the HTTP API: session, clans, channels and what they contain."""

from typing import Any, ClassVar

from pydantic import Field

from mezon.models._base import LEFT_OUT, MezonBaseModel, Model, SentInt


class ApiSession(MezonBaseModel):
    """The response to a login. The repr omits the tokens."""

    refresh_token: str | None = Field(default=None, repr=False)
    token: str | None = Field(default=None, repr=False)
    user_id: int | None = None
    api_url: str | None = None
    id_token: str | None = Field(default=None, repr=False)
    ws_url: str | None = None
    tcp_url: str | None = None


class ApiAccountApp(Model):
    """The credentials of a bot. The repr omits the key."""

    appid: str | None = None
    appname: str | None = None
    token: str | None = Field(default=None, repr=False)
    vars: dict[str, str] | None = None


class ApiAuthenticateRequest(Model):
    """The body of a login."""

    account: ApiAccountApp | None = None


class ApiClanDesc(MezonBaseModel):
    """A clan in the clan list."""

    banner: str | None = None
    clan_id: SentInt = LEFT_OUT
    clan_name: str | None = None
    creator_id: int | None = None
    logo: str | None = None
    status: int | None = None
    badge_count: int | None = None
    is_onboarding: bool | None = None
    welcome_channel_id: int | None = None
    onboarding_banner: str | None = None

    clan_order: int | None = None
    is_community: bool | None = None
    community_banner: str | None = None
    description: str | None = None
    about: str | None = None
    short_url: str | None = None
    prevent_anonymous: bool | None = None
    has_unread_message: bool | None = None


class ApiClanDescList(MezonBaseModel):
    """The clans of the bot."""

    clandesc: list[ApiClanDesc] = Field(default_factory=list)


class ClanDesc(Model):
    """A clan in its short form."""

    banner: str | None = None
    clan_id: int | None = None
    clan_name: str | None = None
    creator_id: int | None = None
    logo: str | None = None
    status: int | None = None


class ApiChannelMessageHeader(Model):
    """The header of a message in a channel list."""

    attachment: str | None = None
    content: str | None = None
    id: int | None = None
    mention: str | None = None
    reaction: str | None = None
    referece: str | None = None
    sender_id: int | None = None
    timestamp_seconds: int | None = None


class ApiChannelDescription(MezonBaseModel):
    """A channel, thread, DM or group."""

    active: int | None = None
    avatars: list[str] | None = None
    category_id: int | None = None
    category_name: str | None = None
    channel_avatar: str | list[str] | None = None
    channel_id: int | None = None
    channel_label: str | None = None
    channel_private: int | None = None
    clan_id: int | None = None
    clan_name: str | None = None
    count_mess_unread: int | None = None
    create_time_seconds: int | None = None
    creator_id: int | None = None
    creator_name: str | None = None
    display_names: list[str] | None = None
    last_pin_message: str | None = None
    last_seen_message: ApiChannelMessageHeader | None = None
    last_sent_message: ApiChannelMessageHeader | None = None
    meeting_code: str | None = None
    meeting_uri: str | None = None
    onlines: list[bool] | None = None
    parent_id: int | None = None
    status: int | None = None
    type: int | None = None
    update_time_seconds: int | None = None
    user_id: list[int] | None = None
    user_ids: list[int] | None = None
    usernames: list[str] | None = None

    app_id: int | None = None
    is_mute: bool | None = None
    age_restricted: int | None = None
    topic: str | None = None
    e2ee: int | None = None
    member_count: int | None = None

    always_set: ClassVar[frozenset[str]] = frozenset({"type"})


class ApiChannelDescList(MezonBaseModel):
    """A list of channels."""

    channeldesc: list[ApiChannelDescription] | None = None
    cursor: str | None = None


class ApiCreateChannelDescRequest(Model):
    """The request for a new channel or DM."""

    category_id: int | None = None
    channel_id: int | None = None
    channel_label: str | None = None
    channel_private: int | None = None
    clan_id: int | None = None
    parent_id: int | None = None
    type: int | None = None
    user_ids: list[int] | None = None

    app_id: int | None = None


class ApiVoiceChannelUser(MezonBaseModel):
    """The users in one voice room. ``user_ids`` are strings, as the server sends them."""

    id: int | None = None
    channel_id: int | None = None
    participant: str | None = None
    user_id: int | None = None

    user_ids: list[str] | None = None
    room_name: str | None = None
    share_screen_ids: list[str] | None = None


class ApiVoiceChannelUserList(MezonBaseModel):
    """The users in the voice rooms of a clan or channel."""

    voice_channel_users: list[ApiVoiceChannelUser] | None = None


class ApiQuickMenuAccess(MezonBaseModel):
    """One entry of a bot's quick menu."""

    id: SentInt = LEFT_OUT
    bot_id: int | None = None
    clan_id: int | None = None
    channel_id: int | None = None
    menu_name: str | None = None
    background: str | None = None
    action_msg: str | None = None
    menu_type: int | None = None


class ApiQuickMenuAccessList(MezonBaseModel):
    """The entries of a bot's quick menu."""

    list_menus: list[ApiQuickMenuAccess] | None = None


class ApiSentTokenRequest(Model):
    """The request for a token transfer."""

    receiver_id: int
    amount: int
    sender_id: int | None = None
    sender_name: str | None = None
    note: str | None = None
    extra_attribute: str | None = None
    mmn_extra_info: dict[str, Any] | None = None
    timestamp: int | None = None
