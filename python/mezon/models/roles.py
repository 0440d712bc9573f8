"""Models of roles and permissions."""

from collections.abc import Mapping
from typing import ClassVar

from mezon.models._base import LEFT_OUT, MezonBaseModel, Model, SentInt


class ApiPermission(Model):
    """One permission of a role."""

    id: int | None = None
    active: int | None = None
    description: str | None = None
    level: int | None = None
    scope: int | None = None
    slug: str | None = None
    title: str | None = None


class ApiPermissionList(Model):
    """The permissions of a role."""

    max_level_permission: int | None = None
    permissions: list[ApiPermission] | None = None


class RoleUserListRoleUser(Model):
    """A member of a role."""

    id: int | None = None
    avatar_url: str | None = None
    display_name: str | None = None
    lang_tag: str | None = None
    location: str | None = None
    online: bool | None = None
    username: str | None = None


class ApiRoleUserList(Model):
    """The members of a role."""

    cursor: str | None = None
    role_users: list[RoleUserListRoleUser] | None = None


class ApiRole(MezonBaseModel):
    """A role of a clan."""

    id: SentInt = LEFT_OUT
    title: str | None = None
    color: str | None = None
    role_icon: str | None = None
    slug: str | None = None
    description: str | None = None
    creator_id: int | None = None
    clan_id: int | None = None
    active: int | None = None
    display_online: int | None = None
    allow_mention: int | None = None
    max_level_permission: int | None = None
    order_role: int | None = None
    channel_ids: list[int] | None = None
    permission_list: ApiPermissionList | None = None
    role_user_list: ApiRoleUserList | None = None
    role_channel_active: int | None = None


class ApiRoleList(MezonBaseModel):
    """A list of roles."""

    cacheable_cursor: str | None = None
    next_cursor: str | None = None
    prev_cursor: str | None = None
    roles: list[ApiRole] | None = None

    max_level_permission: int | None = None


class ApiRoleListEventResponse(MezonBaseModel):
    """The response to a role listing."""

    proto_fields: ClassVar[Mapping[str, str]] = {"clan_id": "clanId"}

    clan_id: int | None = None
    cursor: str | None = None
    limit: int | None = None
    roles: ApiRoleList | None = None
    state: int | None = None
