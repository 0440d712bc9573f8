"""The ways to hear of members that come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from mezon._events.listening import Listening
from mezon.constants.enum import Events

if TYPE_CHECKING:
    from mezon.filters import Filter
    from mezon.models import UserChannelAddedEvent, UserChannelRemoved, UserClanRemovedEvent
    from mezon.protobuf.rtapi import realtime_pb2

_UserRemoved = TypeVar("_UserRemoved", bound="Callable[[UserChannelRemoved], Any]")
_UserAdded = TypeVar("_UserAdded", bound="Callable[[UserChannelAddedEvent], Any]")
_ClanLeft = TypeVar("_ClanLeft", bound="Callable[[UserClanRemovedEvent], Any]")
_ClanUser = TypeVar("_ClanUser", bound="Callable[[realtime_pb2.AddClanUserEvent], Any]")


class MembershipRegistration(Listening):
    """Registration of handlers for members; a part of ``mezon.MezonClient``."""

    @overload
    def on_channel_user_removed(
        self, handler: _UserRemoved, *, filter: Filter | None = None
    ) -> _UserRemoved: ...
    @overload
    def on_channel_user_removed(
        self, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[_UserRemoved], _UserRemoved]: ...
    def on_channel_user_removed(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Handle users who were removed from a channel. With a filter, those it matches."""
        return self._listen(Events.USER_CHANNEL_REMOVED, handler, filter)

    #: The name the reference's documents use.
    on_user_channel_removed = on_channel_user_removed

    @overload
    def on_user_channel_added(self, handler: _UserAdded, *, filter: Filter | None = None) -> _UserAdded: ...
    @overload
    def on_user_channel_added(
        self, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[_UserAdded], _UserAdded]: ...
    def on_user_channel_added(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Handle users who were added to a channel. With a filter, those it matches."""
        return self._listen(Events.USER_CHANNEL_ADDED, handler, filter)

    @overload
    def on_user_clan_removed(self, handler: _ClanLeft, *, filter: Filter | None = None) -> _ClanLeft: ...
    @overload
    def on_user_clan_removed(
        self, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[_ClanLeft], _ClanLeft]: ...
    def on_user_clan_removed(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Handle users who left a clan. With a filter, those it matches."""
        return self._listen(Events.USER_CLAN_REMOVED, handler, filter)

    @overload
    def on_add_clan_user(self, handler: _ClanUser, *, filter: Filter | None = None) -> _ClanUser: ...
    @overload
    def on_add_clan_user(
        self, handler: None = None, *, filter: Filter | None = None
    ) -> Callable[[_ClanUser], _ClanUser]: ...
    def on_add_clan_user(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """Handle a user who joined a clan. With a filter, those it matches."""
        return self._listen(Events.ADD_CLAN_USER, handler, filter)
