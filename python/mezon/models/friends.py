"""Models of the friend list, which also support the dict access of mezon-sdk."""

from typing import Any

from pydantic import Field

from mezon.models._base import LEFT_OUT, MezonBaseModel, SentInt


class _DictLike(MezonBaseModel):
    """A model whose fields are also accessible with ``model["name"]`` and ``model.get("name")``."""

    def __getitem__(self, key: str) -> Any:
        if key in type(self).model_fields:
            return getattr(self, key)
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return key in type(self).model_fields

    def get(self, key: str, default: Any = None) -> Any:
        """Return the field ``key``, or ``default`` if there is no such field."""
        return getattr(self, key) if key in type(self).model_fields else default


class ApiUser(_DictLike):
    """A user's profile. Times are UNIX seconds."""

    id: SentInt = LEFT_OUT
    username: str | None = None
    display_name: str | None = None
    avatar_url: str | None = None
    lang_tag: str | None = None
    location: str | None = None
    timezone: str | None = None
    user_status: str | None = None
    online: bool | None = None
    phone_number: str | None = None
    edge_count: int | None = None
    create_time_seconds: int | None = None
    update_time_seconds: int | None = None
    about_me: str | None = None
    join_time_seconds: int | None = None
    is_mobile: bool | None = None
    dob_seconds: int | None = None
    mezon_id: str | None = None
    list_nick_names: list[str] = Field(default_factory=list)
    status: str | None = None


class ApiFriend(_DictLike):
    """A friend, or an invitation. ``state``: 0 friend, 1 invitation sent, 2 received, 3 blocked."""

    user: ApiUser | None = None
    state: int = 0
    update_time_seconds: int = 0
    source_id: int = 0


class ApiFriendList(_DictLike):
    """A page of the friend list; ``cursor`` requests the next page and is empty on the last."""

    friends: list[ApiFriend] = Field(default_factory=list)
    cursor: str = ""
