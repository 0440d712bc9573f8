"""The client of the proof service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mezon._tokens.models import ZkClientConfig, ZkClientType, ZkProof
from mezon._tokens.transport import JsonEndpoint
from mezon.errors import TokenTransferError
from mezon.utils.masked import masked

if TYPE_CHECKING:
    import aiohttp

    from mezon.ports import HttpTransport


class ZkClient:
    """Fetches the proof that lets an ephemeral key sign for a user.

    Args:
        config: Where the service is.
        http: The transport to use. It stays open.
        session: An aiohttp session to use instead. Without both the client makes its own at the first request and
            closes it with ``close``.
    """

    def __init__(
        self,
        config: ZkClientConfig,
        *,
        http: HttpTransport | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self.config = config
        self.endpoint: str = config.endpoint.rstrip("/")
        self._prove = JsonEndpoint(
            f"{self.endpoint}/prove",
            timeout_ms=config.timeout,
            headers=config.headers,
            http=http,
            session=session,
        )

    async def close(self) -> None:
        """Close the connection to the service. The client may be used again afterwards."""
        await self._prove.close()

    async def get_zk_proofs(
        self,
        user_id: int | str,
        ephemeral_public_key: str,
        jwt: str | None,
        address: str,
        client_type: ZkClientType = ZkClientType.MEZON,
    ) -> ZkProof:
        """Give the proof for one key pair and one session.

        Args:
            user_id: The user who will pay.
            ephemeral_public_key: The public half of the pair, in base58.
            jwt: The ``id_token`` of the session.
            address: The address of the user.
            client_type: Who asks.

        Raises:
            TokenTransferError: The service could not be asked, or gave no proof.
        """
        request = {
            "user_id": user_id,
            "ephemeral_pk": ephemeral_public_key,
            "jwt": jwt,
            "address": address,
            "client_type": ZkClientType(client_type).value,
        }
        answer = await self._prove.post(masked(json.dumps(request).encode()), (jwt or "",))
        try:
            return ZkProof.model_validate(answer.get("data") if isinstance(answer, dict) else None)
        except ValidationError:
            raise TokenTransferError(
                "HTTP 200: the proof service answered without a proof", status=200
            ) from None
