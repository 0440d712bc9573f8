"""`SessionManager`: logs in, and holds the session of the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mezon.models import ApiAccountApp, ApiAuthenticateRequest
from mezon.utils.masked import masked

if TYPE_CHECKING:
    from mezon.api.mezon_api import MezonApi
    from mezon.models import ApiSession
    from mezon.session import Session

__all__ = ["SessionManager"]


class SessionManager:
    """Logs in through an API client and holds the session that came of it.

    Attributes:
        api_client: The API client.
        session: The current session, or None.
    """

    def __init__(self, api_client: MezonApi, session: Session | None = None) -> None:
        self.api_client = api_client
        self.session = session

    def get_session(self) -> Session:
        """Give the current session; None before the login, left out of the type as bots read `.token`."""
        return cast("Session", self.session)

    async def authenticate(self, client_id: str | int, client_secret: str) -> ApiSession:
        """Log in. The answer is returned and not kept: make a `Session` of it and set ``session``.

        Args:
            client_id: The bot's id.
            client_secret: Its API key.

        Raises:
            AuthenticationError: The server refuses the pair, or answers without a token.
            ApiError, MezonTimeoutError, MezonConnectionError: See `MezonApi`.
        """
        client_secret = masked(client_secret)
        return await self.api_client.mezon_authenticate(
            basic_auth_username=client_id,
            basic_auth_password=client_secret,
            body=ApiAuthenticateRequest(account=ApiAccountApp(appid=str(client_id), token=client_secret)),
        )
