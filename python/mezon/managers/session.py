"""The login call and the current session."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mezon.models import ApiAccountApp, ApiAuthenticateRequest
from mezon.utils.secrets import masked

if TYPE_CHECKING:
    from mezon.api.mezon_api import MezonApi
    from mezon.models import ApiSession
    from mezon.session import Session

__all__ = ["SessionManager"]


class SessionManager:
    """Authenticates with an API client and holds the current session.

    Attributes:
        api_client: The API client.
        session: The current session, or None.
    """

    def __init__(self, api_client: MezonApi, session: Session | None = None) -> None:
        self.api_client = api_client
        self.session = session

    def get_session(self) -> Session:
        """Return the current session. It is None before the login, which the type omits because bots read `.token`."""
        return cast("Session", self.session)

    async def authenticate(self, client_id: str | int, client_secret: str) -> ApiSession:
        """Authenticate. The answer is not kept: create a `Session` from it and set ``session``.

        Args:
            client_id: The bot's id.
            client_secret: Its API key.

        Raises:
            AuthenticationError: If the server refuses the credentials, or answers without a token.
            ApiError, MezonTimeoutError, MezonConnectionError: See `MezonApi`.
        """
        client_secret = masked(client_secret)
        return await self.api_client.mezon_authenticate(
            basic_auth_username=client_id,
            basic_auth_password=client_secret,
            body=ApiAuthenticateRequest(account=ApiAccountApp(appid=str(client_id), token=client_secret)),
        )
