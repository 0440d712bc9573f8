"""The calls of a client that need no object of a channel or a user; a face of ``mezon.MezonClient``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from mezon._client.sessions import Sessions
    from mezon._client.tokens import Tokens
    from mezon._tokens import AddTxResponse, EphemeralKeyPair, GetCurrentNonceResponse, ZkProof
    from mezon.api import MezonApi
    from mezon.managers.socket import SocketManager
    from mezon.models import (
        ApiFriendList,
        ApiMessageAttachment,
        ApiMessageMention,
        ApiMessageRef,
        ApiQuickMenuAccess,
        ApiQuickMenuAccessList,
        ApiSentTokenRequest,
        ChannelMessageAck,
    )
    from mezon.models._outgoing import Content


class ClientCalls:
    """Messages by ids, friends, files, quick menus, tokens. It has no state of its own."""

    client_id: int
    api_client: MezonApi
    socket_manager: SocketManager
    _sessions: Sessions
    _tokens: Tokens

    # ---- messages, friends, files, menus

    async def send_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        msg: Content,
        mentions: Sequence[ApiMessageMention] | None = None,
        attachments: Sequence[ApiMessageAttachment] | None = None,
        ref: Sequence[ApiMessageRef] | None = None,
        anonymous_message: bool | None = None,
        mention_everyone: bool | None = None,
        avatar: str | None = None,
        code: int | None = None,
        topic_id: int | None = None,
    ) -> ChannelMessageAck:
        """Send a message by ids; ``TextChannel.send`` is shorter.

        ```python
        await client.send_message(channel.clan.id, channel.id, mode=2, is_public=True, msg="by ids")
        ```

        Raises:
            MezonError: One of its kinds, if it cannot be sent.
        """
        self._sessions.token()
        return await self.socket_manager.write_chat_message(
            clan_id,
            channel_id,
            mode,
            is_public,
            msg,
            mentions,
            attachments,
            ref,
            anonymous_message,
            mention_everyone,
            avatar,
            code,
            topic_id,
        )

    async def get_list_friends(
        self, limit: int = 100, state: int | None = None, cursor: str | None = None
    ) -> ApiFriendList:
        """Fetch the bot's friends: ``answer.friends``, ``answer.cursor`` for the next page; also by key.

        Args:
            limit: How many at most.
            state: 0 friends, 1 invitations sent, 2 received, 3 blocked; None for all.
            cursor: From an earlier answer.
        """
        token = self._sessions.token()
        return await self.api_client.list_friends(token, limit, state, cursor)

    async def accept_friend(self, user_id: str | int, username: str | None = None) -> None:
        """Accept a user's friend request."""
        token = self._sessions.token()
        await self.api_client.add_friends(token, ids=[user_id], usernames=[username] if username else None)

    async def add_friend(self, username: str, user_id: str | int | None = None) -> None:
        """Ask a user to be the bot's friend."""
        token = self._sessions.token()
        await self.api_client.add_friends(
            token, ids=[user_id] if user_id else None, usernames=[username] if username else None
        )

    async def upload_file(
        self,
        file_path: str | PathLike[str] | bytes,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> Any:
        """Upload a file; the answer's ``url`` goes into an attachment.

        ```python
        upload = await client.upload_file(b"what was said", filename="minutes.txt")
        await channel.send("The minutes", attachments=[upload])
        ```

        Raises:
            OSError: If the file cannot be read.
            MezonError: If it cannot be uploaded.
        """
        token = self._sessions.token()
        return await self.api_client.upload_file(token, file_path, filename, content_type)

    async def add_quick_menu_access(
        self, channel_id: int, clan_id: int, menu_type: int, action_msg: str, background: str, menu_name: str
    ) -> ApiQuickMenuAccess:
        """Add an entry of the bot to the quick menu of a channel."""
        from mezon.utils.helper import generate_snowflake_id

        token = self._sessions.token()
        return await self.api_client.add_quick_menu_access(
            token,
            channel_id,
            clan_id,
            menu_type,
            action_msg,
            background,
            menu_name,
            generate_snowflake_id(),
            self.client_id,
        )

    async def delete_quick_menu_access(
        self,
        id: int | None = None,
        clan_id: int | None = None,
        bot_id: int | None = None,
        menu_name: str | None = None,
        background: str | None = None,
        action_msg: str | None = None,
    ) -> Any:
        """Delete entries of the bot from the quick menu."""
        token = self._sessions.token()
        return await self.api_client.delete_quick_menu_access(
            token,
            id=id,
            clan_id=clan_id,
            bot_id=self.client_id if bot_id is None else bot_id,
            menu_name=menu_name,
            background=background,
            action_msg=action_msg,
        )

    async def list_quick_menu_access(
        self, bot_id: int | None = None, channel_id: int | None = None, menu_type: int | None = None
    ) -> ApiQuickMenuAccessList:
        """Fetch the entries of the quick menu: ``answer.list_menus``."""
        from mezon.models import ApiQuickMenuAccessList, protobuf_to_pydantic

        token = self._sessions.token()
        answer = await self.api_client.list_quick_menu_access(
            token, self.client_id if bot_id is None else bot_id, channel_id or 0, menu_type or 0
        )
        return protobuf_to_pydantic(answer, ApiQuickMenuAccessList)

    # ---- tokens

    async def send_token(self, token_event: ApiSentTokenRequest) -> AddTxResponse:
        """Pay tokens to a user. What the node says is in the answer: ``ok``, ``tx_hash``, ``error``.

        Raises:
            InvalidArgumentError: If nothing was sent because of a wrong value or a missing ``mmn_api_url``.
            TokenTransferError: If a step before or at the node failed.
        """
        return await self._tokens.service.send_token(token_event)

    def get_ephemeral_key_pair(self) -> EphemeralKeyPair:
        """Make a new key pair.

        Raises:
            InvalidArgumentError: If the client has no ``mmn_api_url`` (a ValueError).
        """
        return self._tokens.service.new_key_pair()

    def get_address_from_user_id(self, user_id: str | int) -> str:
        """Give the address of a user.

        Raises:
            InvalidArgumentError: If the client has no ``mmn_api_url`` (a ValueError).
        """
        return self._tokens.service.address_of(user_id)

    async def get_zk_proof(self) -> ZkProof:
        """Fetch a proof for the client's key pair, from the proof service.

        Raises:
            InvalidArgumentError: If the client has no ``zk_api_url`` or is not logged in (a ValueError).
            TokenTransferError: If the service gave none.
        """
        return await self._tokens.service.fetch_proof()

    async def get_current_nonce(
        self, user_id: str | int, tag: Literal["latest", "pending"] = "latest"
    ) -> GetCurrentNonceResponse:
        """Fetch the nonce of a user's account, as ``answer.nonce``."""
        return await self._tokens.service.current_nonce(user_id, tag)
