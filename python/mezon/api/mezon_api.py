"""`MezonApi`: the calls a bot makes over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from mezon._http.call import Call
from mezon._http.limiter import Limiter, Priority
from mezon._http.retry import RetryPolicy
from mezon._http.transport import AiohttpTransport
from mezon.api._clan import ClanCalls
from mezon.api._download import CdnSigner, DownloadCalls
from mezon.api._routes import Routes, SocketCalls
from mezon.api._social import SocialCalls
from mezon.api._upload import UploadCalls
from mezon.api._values import as_id
from mezon.api.utils import basic_credentials, build_body, build_headers, build_params
from mezon.errors import AuthenticationError
from mezon.models import (
    ApiAuthenticateRequest,
    ApiChannelDescList,
    ApiChannelDescription,
    ApiClanDescList,
    ApiCreateChannelDescRequest,
    ApiSession,
    ApiVoiceChannelUserList,
)
from mezon.options import ApiRoute
from mezon.utils.masked import masked

if TYPE_CHECKING:
    import ssl

    import aiohttp

    from mezon.ports import HttpTransport

__all__ = ["MezonApi"]


class MezonApi(ClanCalls, SocialCalls, UploadCalls, DownloadCalls):
    """The HTTP API of Mezon: one login call, the RPCs a bot needs, uploads.

    Every method that takes ``options`` reads three keys of it: ``priority`` (a `mezon.api.Priority`),
    ``timeout_ms``, and ``soon``: with ``api="auto"``, a idempotent call that has to wait for the rate limit of HTTP is
    made over the socket too, and whichever answers first counts. Ids may be ints or digit strings, and None counts
    as 0.

    Calls raise `ApiError` (also an ``aiohttp.ClientResponseError``) when the server refuses,
    `MezonTimeoutError`, and `MezonConnectionError`; a call that must not be repeated raises
    `DeliveryUnknownError` when the connection was lost before its answer came.

    Args:
        client_id: The bot's id.
        api_key: Its key.
        base_url: Scheme, host and port of the server, as in ``https://gw.mezon.ai:443``.
        timeout_ms: Milliseconds for the requests of one call together; waits for the rate limit and between
            retries come on top. 0 means no limit.
        rate_limit: Calls that may start in ``rate_period`` seconds; 0 or None turns the limit off.
        rate_period: Seconds; 0 or None turns the limit off.
        limiter: A limiter to share with another client, instead of one made from the two above.
        retry: Bounds on trying again.
        ca_file: CA certificates to trust beside the system's.
        ssl_context: TLS settings of your own.
        insecure: Take any certificate; without an ``ssl_context``.
        http: A transport to use, with its limits and TLS settings, instead of one made from the seven above. It
            stays open at `close`.
        api: Which way the RPCs go: ``http``, ``socket``, or ``auto`` for HTTP and the socket once HTTP refuses one (403
            after a new session, 404, 410, 501) or cannot be reached.
        connection: Gives the connection whose socket that is; None for none.

    Attributes:
        reauthenticate: Called with the stale token when the server answers 401; returns a new one, with
            which the call is made once more. Calls that fail together share one renewal.
        playmedia_url: Where `play_media` goes.
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
        """The timeout as aiohttp takes it."""
        import aiohttp

        return aiohttp.ClientTimeout(total=self.timeout_ms / 1000)

    async def mezon_authenticate(
        self,
        basic_auth_username: str | int,
        basic_auth_password: str,
        body: ApiAuthenticateRequest,
        options: dict[str, Any] | None = None,
    ) -> ApiSession:
        """Log the bot in. Goes before every other waiting call and is not tried again by itself.

        Raises:
            ApiAuthenticationError: 401 or 403, unless it is about the rate (an AuthenticationError).
            AuthenticationError: The server answers without a token.
        """
        from mezon.protobuf.api import api_pb2

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
        session = ApiSession.from_protobuf(await self._make(self._with(call, options), api_pb2.Session))
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
        """List the clans the bot is in."""
        from mezon.protobuf.api import api_pb2

        request = api_pb2.ListClanDescRequest(limit=limit or 0, state=state or 0, cursor=cursor or "")
        answer = await self._rpc("ListClanDescs", token, request, api_pb2.ClanDescList, options=options)
        return ApiClanDescList.from_protobuf(answer)

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
        """List channels: those of a clan, or with ``channel_type`` 3 the bot's DMs."""
        from mezon.protobuf.api import api_pb2

        request = api_pb2.ListChannelDescsRequest(
            clan_id=as_id("clan_id", clan_id),
            channel_type=int(channel_type or 0),
            limit=limit or 0,
            state=state or 0,
            cursor=cursor or "",
            is_mobile=bool(is_mobile),
        )
        answer = await self._rpc("ListChannelDescs", token, request, api_pb2.ChannelDescList, options=options)
        return ApiChannelDescList.from_protobuf(answer)

    async def create_channel_desc(
        self,
        token: str,
        request: ApiCreateChannelDescRequest,
        options: dict[str, Any] | None = None,
    ) -> ApiChannelDescription:
        """Create a channel, or open a DM (type 3, the other's id in ``user_ids``)."""
        from mezon.protobuf.api import api_pb2

        message = api_pb2.CreateChannelDescRequest(
            clan_id=as_id("clan_id", request.clan_id),
            channel_id=as_id("channel_id", request.channel_id),
            channel_label=request.channel_label or "",
            channel_private=request.channel_private or 0,
            parent_id=as_id("parent_id", request.parent_id),
            category_id=as_id("category_id", request.category_id),
            type=int(request.type or 0),
            user_ids=[as_id("user_ids", user_id) for user_id in request.user_ids or ()],
            app_id=as_id("app_id", request.app_id),
        )
        answer = await self._rpc(
            "CreateChannelDesc", token, message, api_pb2.ChannelDescription, options=options
        )
        return ApiChannelDescription.from_protobuf(answer)

    async def get_channel_detail(
        self, token: str, channel_id: int, options: dict[str, Any] | None = None
    ) -> ApiChannelDescription:
        """Describe one channel. A channel nobody knows comes back without ids."""
        from mezon.protobuf.api import api_pb2

        request = api_pb2.ListChannelDetailRequest(channel_id=as_id("channel_id", channel_id))
        answer = await self._rpc(
            "ListChannelDetail", token, request, api_pb2.ChannelDescription, options=options
        )
        return ApiChannelDescription.from_protobuf(answer)

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
        """List who is in the voice rooms of a clan or channel; the server takes a limit of 1 to 500."""
        from mezon.protobuf.api import api_pb2

        request = api_pb2.ListChannelUsersRequest(
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
            api_pb2.VoiceChannelUserList,
            options=options,
        )
        return ApiVoiceChannelUserList.from_protobuf(answer)

    async def play_media(
        self, bearer_token: str, body: dict[str, Any], options: dict[str, Any] | None = None
    ) -> Any:
        """Play a media file in a voice room.

        Args:
            body: room_name, participant_identity, participant_name, url and name; None values are left out.

        Returns:
            What the JSON of the answer holds, or None for an empty answer.
        """
        return await self.call_api(
            method="POST",
            url_path=self.playmedia_url,
            body=build_body(build_params(body)),
            headers=build_headers(bearer_token=bearer_token),
            options=options,
        )
