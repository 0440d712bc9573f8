"""Roles of a clan, and the quick menu of a bot."""

from __future__ import annotations

from typing import Any

from mezon.api._rpc import RpcCaller
from mezon.api._values import as_id, update_role_request
from mezon.models import ApiQuickMenuAccess, ApiRoleListEventResponse

__all__ = ["ClanCalls"]


class ClanCalls(RpcCaller):
    """The calls about roles and quick menus, as a part of `mezon.api.MezonApi`."""

    async def update_role(
        self, token: str, role_id: int, request: dict[str, Any], options: dict[str, Any] | None = None
    ) -> Any:
        """Change a role. Only the keys given are changed.

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
        from mezon.protobuf.api import api_pb2

        request = api_pb2.RoleListEventRequest(
            clan_id=as_id("clan_id", clan_id), limit=limit or 0, state=state or 0, cursor=cursor or ""
        )
        answer = await self._rpc("ListRoles", token, request, api_pb2.RoleListEventResponse, options=options)
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
        """Put an entry into the bot's quick menu; returns it as `ApiQuickMenuAccess`."""
        from mezon.protobuf.api import api_pb2

        request = api_pb2.QuickMenuAccess(
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
            "AddQuickMenuAccess", bearer_token, request, api_pb2.QuickMenuAccess, options=options
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
        """Take an entry out of the bot's quick menu; returns the protobuf ``QuickMenuAccess``."""
        from mezon.protobuf.api import api_pb2

        request = api_pb2.QuickMenuAccess(
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
            api_pb2.QuickMenuAccess,
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
        """List the bot's quick menu: the protobuf ``QuickMenuAccessList`` with ``list_menus``."""
        from mezon.protobuf.api import api_pb2

        request = api_pb2.ListQuickMenuAccessRequest(
            bot_id=as_id("bot_id", bot_id),
            channel_id=as_id("channel_id", channel_id),
            menu_type=menu_type or 0,
        )
        return await self._rpc(
            "ListQuickMenuAccess",
            bearer_token,
            request,
            api_pb2.QuickMenuAccessList,
            options=options,
        )
