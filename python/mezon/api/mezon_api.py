"""`MezonApi`: the calls of a bot over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from mezon import protobuf
from mezon._http.call import Call
from mezon._http.limiter import Limiter, Priority
from mezon._http.retry import RetryPolicy
from mezon._http.transport import AiohttpTransport
from mezon.api._download import CdnSigner, DownloadCalls
from mezon.api._routes import Routes, SocketCalls
from mezon.api._upload import UploadCalls
from mezon.api.utils import basic_credentials, build_body, build_headers, build_params
from mezon.errors import AuthenticationError, InvalidArgumentError
from mezon.models import (
    ApiAuthenticateRequest,
    ApiChannelDescList,
    ApiChannelDescription,
    ApiClanDescList,
    ApiCreateChannelDescRequest,
    ApiFriendList,
    ApiQuickMenuAccess,
    ApiRoleListEventResponse,
    ApiSession,
    ApiVoiceChannelUserList,
    ChannelMessage,
)
from mezon.options import ApiRoute
from mezon.utils.ids import as_id
from mezon.utils.secrets import masked

if TYPE_CHECKING:
    import ssl

    import aiohttp

    from mezon.ports import HttpTransport
__all__ = ["MezonApi"]


class MezonApi(UploadCalls, DownloadCalls):
    """The HTTP API of Mezon: the login, the RPCs of a bot, uploads and downloads.

    The argument ``options`` has three keys: ``priority`` (a `mezon.api.Priority`), ``timeout_ms``, and ``soon``: with
    ``api="auto"``, an idempotent call that waits for the rate limit of HTTP is also made over the socket, and the first
    answer is used. Ids may be ints or digit strings, and None is 0.

    Calls raise `ApiError` (also an ``aiohttp.ClientResponseError``) if the server refuses the call,
    `MezonTimeoutError`, and `MezonConnectionError`. A call that is not idempotent raises `DeliveryUnknownError` if the
    connection was lost before its answer.

    Args:
        client_id: The id of the bot.
        api_key: The key of the bot.
        base_url: Scheme, host and port of the server, as in ``https://gw.mezon.ai:443``.
        timeout_ms: The timeout in milliseconds of all requests of one call, without the waits for the rate limit and
            between retries; 0 for no timeout.
        rate_limit: The maximum number of calls in ``rate_period`` seconds; 0 or None for no limit.
        rate_period: The period in seconds; 0 or None for no limit.
        limiter: A limiter shared with another client, instead of the two arguments above.
        retry: The limits of retries.
        ca_file: A PEM file of additional CA certificates to trust.
        ssl_context: Custom TLS settings.
        insecure: Whether to accept any certificate; ignored with an ``ssl_context``.
        http: A transport with its own limits and TLS settings. It remains open at `close`.
        api: The route of the RPCs: ``http``, ``socket``, or ``auto`` for HTTP, and the socket if HTTP refuses a call
            (403 after a new session, 404, 410, 501) or cannot be reached.
        connection: Returns the connection of the socket, or None.

    Attributes:
        reauthenticate: Called with the rejected token if the server answers 401; returns a new token, with which
            the call is repeated. Concurrent calls share one renewal.
        playmedia_url: The URL of `play_media`.
    """

    REST_ENDPOINTS: ClassVar[dict[str, str]] = {"authenticate": "/v2/apps/authenticate/token"}
    RPC_ENDPOINTS: ClassVar[dict[str, str]] = {
        name: f"/mezon.api.Mezon/{method}"
        for name, method in {
            "list_clans_descs": "ListClanDescs",
            "list_channel_descs": "ListChannelDescs",
            "create_channel_desc": "CreateChannelDesc",
            "get_channel_detail": "ListChannelDetail",
            "list_channel_voice_users": "ListChannelVoiceUsers",
            "update_role": "UpdateRole",
            "list_roles": "ListRoles",
            "add_quick_menu_access": "AddQuickMenuAccess",
            "delete_quick_menu_access": "DeleteQuickMenuAccess",
            "list_quick_menu_access": "ListQuickMenuAccess",
        }.items()
    }
    ENDPOINTS: ClassVar[dict[str, str]] = {**REST_ENDPOINTS, **RPC_ENDPOINTS}

    DEFAULT_RATE_LIMIT = 1
    DEFAULT_RATE_PERIOD = 1.25

    def __init__(
        self,
        client_id: str | int,
        api_key: str,
        base_url: str,
        timeout_ms: int,
        rate_limit: float | None = DEFAULT_RATE_LIMIT,
        rate_period: float | None = DEFAULT_RATE_PERIOD,
        *,
        limiter: Limiter | None = None,
        retry: RetryPolicy | None = None,
        ca_file: str | PathLike[str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        insecure: bool = False,
        http: HttpTransport | None = None,
        api: ApiRoute = "auto",
        connection: Callable[[], SocketCalls | None] | None = None,
    ) -> None:
        api_key = masked(api_key)
        owned = http is None
        limiter = limiter or Limiter(rate_limit, rate_period)
        if http is None:
            http = AiohttpTransport(
                limiter=limiter, ca_file=ca_file, ssl_context=ssl_context, insecure=insecure
            )
        super().__init__(http, retry or RetryPolicy(), clock=limiter.clock, owned=owned)
        self.routes: Routes = Routes(api, connection, limiter.clock)
        self.client_id: int = as_id("client_id", client_id)
        self.api_key: str = api_key
        self.base_url = base_url
        self.timeout_ms = timeout_ms
        self.playmedia_url = "https://stn.mezon.ai/api/playmedia"
        self.cdn: CdnSigner = CdnSigner()

    def _secrets(self) -> tuple[str, ...]:
        return (self.api_key, basic_credentials(self.client_id, self.api_key))

    def __repr__(self) -> str:
        return f"MezonApi(client_id={self.client_id}, base_url={self.base_url!r})"

    @property
    def client_timeout(self) -> aiohttp.ClientTimeout:
        """The timeout of a call as an object of aiohttp."""
        import aiohttp

        return aiohttp.ClientTimeout(total=self.timeout_ms / 1000)

    async def mezon_authenticate(
        self,
        basic_auth_username: str | int,
        basic_auth_password: str,
        body: ApiAuthenticateRequest,
        options: dict[str, Any] | None = None,
    ) -> ApiSession:
        """Log in the bot. The call has priority over all waiting calls, and is not retried.

        Raises:
            ApiAuthenticationError: If the server answers 401 or 403, except for a rate limit (an AuthenticationError).
            AuthenticationError: If the answer has no token.
        """
        basic_auth_password = masked(basic_auth_password)
        headers = build_headers(
            basic_auth=(basic_auth_username, basic_auth_password),
            send_binary=True,
            additional_headers={"Accept": "application/x-protobuf"},
        )
        call = Call(
            "authenticate",
            "POST",
            self._url(self.REST_ENDPOINTS["authenticate"]),
            body=masked(build_body(body)),
            headers=headers,
            once=True,
            priority=Priority.LOGIN,
            secrets=(basic_auth_password, basic_credentials(basic_auth_username, basic_auth_password)),
        )
        session = await self._make_model(self._with(call, options), ApiSession, "mezon.api.Session")
        if not session.token:
            raise AuthenticationError(
                f"the server answered the login of bot {basic_auth_username} without a token; check client_id and host"
            )
        return session

    async def list_clans_descs(
        self,
        token: str,
        limit: int = 0,
        state: int = 0,
        cursor: str = "",
        options: dict[str, Any] | None = None,
    ) -> ApiClanDescList:
        """List the clans of the bot."""
        request = {"limit": limit or 0, "state": state or 0, "cursor": cursor or ""}
        return await self._ask("ListClanDescs", token, request, ApiClanDescList, options)

    async def list_channel_descs(
        self,
        token: str,
        channel_type: int = 0,
        clan_id: int = 0,
        limit: int = 0,
        state: int = 0,
        cursor: str = "",
        is_mobile: bool = False,
        options: dict[str, Any] | None = None,
    ) -> ApiChannelDescList:
        """List the channels of a clan, or the DMs of the bot with ``channel_type`` 3."""
        request = {
            "clan_id": as_id("clan_id", clan_id),
            "channel_type": int(channel_type or 0),
            "limit": limit or 0,
            "state": state or 0,
            "cursor": cursor or "",
            "is_mobile": bool(is_mobile),
        }
        return await self._ask("ListChannelDescs", token, request, ApiChannelDescList, options)

    async def create_channel_desc(
        self,
        token: str,
        request: ApiCreateChannelDescRequest,
        options: dict[str, Any] | None = None,
    ) -> ApiChannelDescription:
        """Create a channel, or open a DM (type 3, with the id of the user in ``user_ids``)."""
        values = {
            "clan_id": as_id("clan_id", request.clan_id),
            "channel_id": as_id("channel_id", request.channel_id),
            "channel_label": request.channel_label or "",
            "channel_private": request.channel_private or 0,
            "parent_id": as_id("parent_id", request.parent_id),
            "category_id": as_id("category_id", request.category_id),
            "type": int(request.type or 0),
            "user_ids": [as_id("user_ids", user_id) for user_id in request.user_ids or ()],
            "app_id": as_id("app_id", request.app_id),
        }
        return await self._ask("CreateChannelDesc", token, values, ApiChannelDescription, options)

    async def get_channel_detail(
        self, token: str, channel_id: int, options: dict[str, Any] | None = None
    ) -> ApiChannelDescription:
        """Return the description of a channel. That of an unknown channel has no ids."""
        request = {"channel_id": as_id("channel_id", channel_id)}
        return await self._ask("ListChannelDetail", token, request, ApiChannelDescription, options)

    async def list_channel_voice_users(
        self,
        token: str,
        clan_id: int | None = 0,
        channel_id: int | None = 0,
        channel_type: int | None = 0,
        limit: int | None = 0,
        state: int | None = 0,
        cursor: str | None = "",
        options: dict[str, Any] | None = None,
    ) -> ApiVoiceChannelUserList:
        """List the users in the voice channels of a clan, or in one channel. The server accepts a limit of 1 to 500."""
        request = protobuf.api_pb2.ListChannelUsersRequest(
            clan_id=as_id("clan_id", clan_id),
            channel_id=as_id("channel_id", channel_id),
            channel_type=int(channel_type or 0),
            limit=limit or 0,
            state=state or 0,
            cursor=cursor or "",
        )
        answer = await self._rpc(
            "ListChannelVoiceUsers",
            token,
            request,
            protobuf.api_pb2.VoiceChannelUserList,
            options=options,
        )
        return ApiVoiceChannelUserList.from_protobuf(answer)

    # ---- roles and quick menus

    async def update_role(
        self, token: str, role_id: int, request: dict[str, Any], options: dict[str, Any] | None = None
    ) -> Any:
        """Update a role. Only the given keys are changed.

        Args:
            request: Any of title, color, role_icon, description (texts), display_online, allow_mention (0
                or 1), add_user_ids, remove_user_ids, active_permission_ids, remove_permission_ids (lists of
                ids), max_permission_id, clan_id.

        Returns:
            True.
        """
        await self._rpc("UpdateRole", token, update_role_request(role_id, request), None, options=options)
        return True

    async def list_roles(
        self,
        token: str,
        clan_id: int | None = None,
        limit: int | None = None,
        state: int | None = None,
        cursor: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> ApiRoleListEventResponse:
        """List the roles of a clan."""
        request = protobuf.api_pb2.RoleListEventRequest(
            clan_id=as_id("clan_id", clan_id), limit=limit or 0, state=state or 0, cursor=cursor or ""
        )
        answer = await self._rpc(
            "ListRoles", token, request, protobuf.api_pb2.RoleListEventResponse, options=options
        )
        return ApiRoleListEventResponse.from_protobuf(answer)

    async def add_quick_menu_access(
        self,
        bearer_token: str,
        channel_id: int,
        clan_id: int,
        menu_type: int,
        action_msg: str,
        background: str,
        menu_name: str,
        menu_id: int,
        bot_id: int,
        options: dict[str, Any] | None = None,
    ) -> ApiQuickMenuAccess:
        """Add an entry to the quick menu of the bot."""
        request = protobuf.api_pb2.QuickMenuAccess(
            id=as_id("menu_id", menu_id),
            bot_id=as_id("bot_id", bot_id),
            clan_id=as_id("clan_id", clan_id),
            channel_id=as_id("channel_id", channel_id),
            menu_name=menu_name or "",
            background=background or "",
            action_msg=action_msg or "",
            menu_type=menu_type or 0,
        )
        answer = await self._rpc(
            "AddQuickMenuAccess", bearer_token, request, protobuf.api_pb2.QuickMenuAccess, options=options
        )
        return ApiQuickMenuAccess.from_protobuf(answer)

    async def delete_quick_menu_access(
        self,
        bearer_token: str,
        id: int | None = None,
        clan_id: int | None = None,
        bot_id: int | None = None,
        channel_id: int | None = None,
        menu_name: str | None = None,
        background: str | None = None,
        action_msg: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> Any:
        """Delete an entry of the quick menu of the bot. Return the protobuf ``QuickMenuAccess``."""
        request = protobuf.api_pb2.QuickMenuAccess(
            id=as_id("id", id),
            bot_id=as_id("bot_id", bot_id),
            clan_id=as_id("clan_id", clan_id),
            channel_id=as_id("channel_id", channel_id),
            menu_name=menu_name or "",
            background=background or "",
            action_msg=action_msg or "",
        )
        return await self._rpc(
            "DeleteQuickMenuAccess",
            bearer_token,
            request,
            protobuf.api_pb2.QuickMenuAccess,
            options=options,
        )

    async def list_quick_menu_access(
        self,
        bearer_token: str,
        bot_id: int | None = 0,
        channel_id: int | None = 0,
        menu_type: int | None = 0,
        options: dict[str, Any] | None = None,
    ) -> Any:
        """Return the quick menu of the bot as the protobuf ``QuickMenuAccessList`` with ``list_menus``."""
        request = protobuf.api_pb2.ListQuickMenuAccessRequest(
            bot_id=as_id("bot_id", bot_id),
            channel_id=as_id("channel_id", channel_id),
            menu_type=menu_type or 0,
        )
        return await self._rpc(
            "ListQuickMenuAccess",
            bearer_token,
            request,
            protobuf.api_pb2.QuickMenuAccessList,
            options=options,
        )

    # ---- friends and messages

    async def list_friends(
        self,
        token: str,
        limit: int = 0,
        state: int | None = None,
        cursor: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> ApiFriendList:
        """List friends and invitations.

        Args:
            state: 0 friend, 1 invitation sent, 2 invitation received, 3 blocked; None is sent as 0.
            cursor: The ``cursor`` of the previous page.
        """
        request = protobuf.api_pb2.ListFriendsRequest(limit=limit or 0, state=state or 0, cursor=cursor or "")
        answer = await self._rpc("ListFriends", token, request, protobuf.api_pb2.FriendList, options=options)
        return ApiFriendList.from_protobuf(answer)

    async def add_friends(
        self,
        token: str,
        ids: Iterable[int | str] | int | str | None = None,
        usernames: Iterable[str] | str | None = None,
        options: dict[str, Any] | None = None,
    ) -> Any:
        """Invite users as friends, or accept their invitations. Return the protobuf ``AddFriendsResponse``.

        Raises:
            InvalidArgumentError: If neither ids nor names are given (a ValueError).
        """
        id_list = [ids] if isinstance(ids, (int, str)) else list(ids or ())
        names = [usernames] if isinstance(usernames, str) else list(usernames or ())
        request = protobuf.api_pb2.AddFriendsRequest(
            ids=[number for value in id_list if (number := as_id("ids", value))],
            usernames=[name for name in names if name],
        )
        if not request.ids and not request.usernames:
            raise InvalidArgumentError("pass ids or usernames of the users")
        return await self._rpc(
            "AddFriends", token, request, protobuf.api_pb2.AddFriendsResponse, options=options
        )

    async def list_channel_messages(
        self,
        token: str,
        clan_id: int | None,
        channel_id: int,
        message_id: int | None = None,
        limit: int = 50,
        direction: int | None = None,
        topic_id: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[ChannelMessage]:
        """List messages of a channel, in the order of the server.

        Args:
            message_id: The message to start from.
            limit: The maximum number of messages.
            direction: The direction from that message, as a number of the protocol.
            topic_id: Only messages of this topic.
        """
        messages = await self.list_raw_channel_messages(
            token, clan_id, channel_id, message_id, limit, direction, topic_id, options
        )
        return [ChannelMessage.from_protobuf(message) for message in messages]

    async def list_raw_channel_messages(
        self,
        token: str,
        clan_id: int | None,
        channel_id: int,
        message_id: int | None = None,
        limit: int = 50,
        direction: int | None = None,
        topic_id: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[protobuf.api_pb2.ChannelMessage]:
        """List messages like `list_channel_messages`, as protobuf messages."""
        request = protobuf.api_pb2.ListChannelMessagesRequest(
            clan_id=as_id("clan_id", clan_id),
            channel_id=as_id("channel_id", channel_id),
            message_id=as_id("message_id", message_id),
            limit=limit or 0,
            direction=direction or 0,
            topic_id=as_id("topic_id", topic_id),
        )
        answer = await self._rpc(
            "ListChannelMessages", token, request, protobuf.api_pb2.ChannelMessageList, options=options
        )
        return list(answer.messages)

    # ---- media

    async def play_media(
        self, bearer_token: str, body: dict[str, Any], options: dict[str, Any] | None = None
    ) -> Any:
        """Play a media file in a voice channel.

        Args:
            body: room_name, participant_identity, participant_name, url and name; None values are omitted.

        Returns:
            The decoded JSON of the answer, or None if it is empty.
        """
        return await self.call_api(
            method="POST",
            url_path=self.playmedia_url,
            body=build_body(build_params(body)),
            headers=build_headers(bearer_token=bearer_token),
            options=options,
        )


_ROLE_TEXTS = ("title", "color", "role_icon", "description")
_ROLE_NUMBERS = ("display_online", "allow_mention")
_ROLE_ID_LISTS = ("add_user_ids", "active_permission_ids", "remove_user_ids", "remove_permission_ids")
_ROLE_IDS = ("clan_id", "max_permission_id")


def update_role_request(
    role_id: int | None, changes: Mapping[str, Any]
) -> protobuf.api_pb2.UpdateRoleRequest:
    """Return the message of UpdateRole. Texts that are not given remain unchanged; "" clears a text.

    Raises:
        InvalidArgumentError: If a key does not exist.
    """
    unknown = set(changes) - {*_ROLE_TEXTS, *_ROLE_NUMBERS, *_ROLE_ID_LISTS, *_ROLE_IDS, "role_id"}
    if unknown:
        raise InvalidArgumentError(f"a role has no {', '.join(sorted(unknown))} to change")
    message = protobuf.api_pb2.UpdateRoleRequest(role_id=as_id("role_id", role_id or changes.get("role_id")))
    for name in _ROLE_TEXTS:
        if changes.get(name) is not None:
            getattr(message, name).value = str(changes[name])
    for name in _ROLE_NUMBERS:
        setattr(message, name, int(changes.get(name) or 0))
    for name in _ROLE_ID_LISTS:
        getattr(message, name).extend(as_id(name, value) for value in changes.get(name) or ())
    for name in _ROLE_IDS:
        setattr(message, name, as_id(name, changes.get(name)))
    return message
