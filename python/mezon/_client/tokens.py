"""The token transfers of a client, made when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mezon._tokens import TokenService
    from mezon._tokens.service import TokenClient
    from mezon.ports import Ports


class Tokens:
    """Makes the service of one client's token transfers, and ends it.

    Args:
        client: The client.
        ports: Where HTTP requests go.
    """

    def __init__(self, client: TokenClient, ports: Ports) -> None:
        self._client = client
        self._ports = ports
        self._service: TokenService | None = None

    @property
    def service(self) -> TokenService:
        """The service."""
        if self._service is None:
            from mezon._tokens import TokenService

            self._service = TokenService(self._client, self._ports.http())
        return self._service

    async def prepare(self) -> None:
        """Make keys and fetch the proof for a login; trouble with the proof fails nothing."""
        self.service.open()
        await self.service.prepare()

    async def close(self) -> None:
        """End what runs. Safe at any time."""
        if self._service is not None:
            await self._service.close()
