"""Default effects: what the SDK does on an event before the bot's handlers start (docs/contract.md, "Default effects").

Effects do not wait: caches are updated at once, and calls to the server run in background tasks. The message store is
not updated here: the core saves a message before Python receives it.
"""

from __future__ import annotations

import time
from functools import partial, update_wrapper
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from mezon.constants.enum import ChannelType, TypeMessage
from mezon.models._lazy import ChannelPreview, SenderPreview, Senders
from mezon.models.message import UserInitData

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mezon.managers.cache import CacheManager
    from mezon.managers.channel import ChannelManager
    from mezon.managers.socket import SocketManager
    from mezon.models import (
        ChannelCreatedEvent,
        ChannelDeletedEvent,
        ChannelMessage,
        ChannelUpdatedEvent,
        NotificationEvent,
        TokenSentEvent,
        UserChannelAddedEvent,
        UserClanRemovedEvent,
    )
    from mezon.structures import Clan, TextChannel, User

#: The number of remembered sender profiles; if there are more, all are forgotten.
_MAX_SENDERS = 4096

#: Seconds before a list of channels is fetched again after a failure.
_RELIST_DELAY = 10.0

#: The code of a friend request (docs/contract.md, "Promises").
_FRIEND_REQUEST = -2


class EffectsClient(Protocol):
    """The attributes of a client that the effects use; this layer must not import the client."""

    client_id: int
    auto_accept_friends: bool
    channel_manager: ChannelManager
    socket_manager: SocketManager

    @property
    def clans(self) -> CacheManager[int, Clan]: ...
    @property
    def channels(self) -> CacheManager[int, TextChannel]: ...
    @property
    def users(self) -> CacheManager[int, User]: ...
    async def accept_friend(self, user_id: str | int, username: str | None = None) -> None: ...


class Objects(Protocol):
    """Creates the objects of clans, channels and users."""

    def new_clan(self, clan_id: int) -> Clan: ...
    def new_channel(self, description: Any, clan: Clan) -> TextChannel: ...
    def new_user(self, data: UserInitData | SenderPreview) -> User: ...
    async def refresh_clans(self) -> dict[int, Clan]: ...


class Effects:
    """The default effects of one client.

    Args:
        client: The client.
        objects: Creates the objects of an event that are not cached.
        spawn: Runs a coroutine in a background task, given a description for the log.
        new_token: Called with the token and the refresh token when the server sends new ones.
    """

    def __init__(
        self,
        client: EffectsClient,
        objects: Objects,
        spawn: Callable[[Coroutine[Any, Any, Any], str], object],
        new_token: Callable[[str, str | None], None],
    ) -> None:
        self._client = client
        self._objects = objects
        self._spawn = spawn
        self._new_token = new_token
        #: By clan, the time before which its channels are not listed again: infinity unless listing failed.
        self._listed: dict[int, float] = {}
        #: Clans that were looked up: once each, even if the cache drops them.
        self._looked_up: set[int] = set()
        #: The profile in the last message of each sender, which was merged into the user: repetitions are skipped.
        self._senders = Senders(_MAX_SENDERS)

    def begin(self) -> None:
        """Reset before a login: closing the client may have cancelled a listing of channels."""
        self._listed.clear()

    def table(self) -> dict[str, Callable[[Any], None]]:
        """Return the effects by envelope field."""
        client = self._client
        # One call into the core per message: Python is called only for a message that shows something new.
        message = partial(
            self._senders.notify_diff, client.channels.use, client.users.use, self._add_new_parts
        )
        effects: dict[str, Callable[[Any], None]] = {
            "channel_message": update_wrapper(message, self._add_new_parts),
            "channel_created_event": self.channel_changed,
            "channel_updated_event": self.channel_updated,
            "channel_deleted_event": self.channel_deleted,
            "clan_updated_event": self.clan_updated,
            "user_clan_removed_event": self.users_removed,
            "user_channel_added_event": self.channel_added,
            "add_clan_user_event": self.clan_joined,
            "token_sent_event": self.token_sent,
            "refresh_session_event": self.session_refreshed,
        }
        if client.auto_accept_friends:
            effects["notifications"] = self.friend_requested
        return effects

    # ---- messages

    def _add_new_parts(
        self, message: ChannelMessage, new_channel: bool, new_sender: bool, new_profile: bool
    ) -> None:
        """Update the caches from a message. The core keeps the message itself until the channel's cache is read."""
        client = self._client
        if new_channel:
            self._add_channel(message)
        if new_sender:
            self._add_user(message)
        elif new_profile:
            user = client.users.get(message.sender_id)
            if user is not None:
                user.merge(message)

    def _add_channel(self, message: ChannelMessage) -> TextChannel:
        """Create a channel from a message. Its description is fetched in the background."""
        client = self._client
        clan = self._clan(message.clan_id)
        channel = clan.channels.get(message.channel_id)
        if channel is None:
            channel = self._objects.new_channel(ChannelPreview(message), clan)
            clan.channels.set(channel.id, channel)
            self._list_channels(clan)
        client.channels.set(channel.id, channel)
        return channel

    def _add_user(self, message: ChannelMessage) -> None:
        client = self._client
        seen = SenderPreview(message, client.channel_manager.get_all_dm_channels())
        client.users.set(message.sender_id, self._objects.new_user(seen))

    def _clan(self, clan_id: int) -> Clan:
        clan = self._client.clans.get(clan_id)
        if clan is None:
            clan = self._objects.new_clan(clan_id)
            if clan_id and clan_id not in self._looked_up:
                self._looked_up.add(clan_id)
                self._spawn(self._objects.refresh_clans(), f"looking up clan {clan_id}")
        return clan

    def _list_channels(self, clan: Clan) -> None:
        """List the channels of a clan in the background, once per login unless that fails."""
        if clan.id and self._listed.get(clan.id, 0.0) <= time.monotonic():
            self._listed[clan.id] = inf
            self._spawn(self._load_channels(clan), f"listing the channels of clan {clan.id}")

    async def _load_channels(self, clan: Clan) -> None:
        try:
            await clan.load_channels()
        except BaseException:
            # The next new channel of the clan tries again.
            self._listed[clan.id] = time.monotonic() + _RELIST_DELAY
            raise

    # ---- channels and clans

    def channel_changed(self, event: ChannelCreatedEvent | ChannelUpdatedEvent) -> None:
        """Add or update the channel in the caches. A cached object keeps its identity."""
        client = self._client
        clan = client.clans.get(event.clan_id)
        if clan is None:
            return
        channel = client.channels.get(event.channel_id) or clan.channels.get(event.channel_id)
        if channel is None:
            channel = self._objects.new_channel(event, clan)
        else:
            channel.update_from(event)
        client.channels.set(channel.id, channel)
        clan.channels.set(channel.id, channel)

    def channel_updated(self, event: ChannelUpdatedEvent) -> None:
        """Join a thread that became active, and update the channel."""
        if event.channel_type == ChannelType.CHANNEL_TYPE_THREAD and event.status == 1:
            self._join(event.clan_id, event.channel_id, event.channel_type, is_public=False)
        self.channel_changed(event)

    def channel_deleted(self, event: ChannelDeletedEvent) -> None:
        """Remove the channel from the caches."""
        client = self._client
        client.channels.delete(event.channel_id)
        clan = client.clans.get(event.clan_id)
        if clan is not None:
            clan.channels.delete(event.channel_id)

    def clan_updated(self, event: Any) -> None:
        """Update the name of the clan."""
        clan = self._client.clans.get(event.clan_id)
        if clan is not None:
            clan.update_from(event)

    def channel_added(self, event: UserChannelAddedEvent) -> None:
        """Join a channel that the bot was added to."""
        channel = event.channel_desc
        if channel is None or not any(user.user_id == self._client.client_id for user in event.users):
            return
        self._join(
            event.clan_id, channel.channel_id or 0, channel.type or 0, is_public=not channel.channel_private
        )

    def clan_joined(self, event: Any) -> None:
        """Add the user to the cache. If it is the bot, join the clan and list its channels."""
        client = self._client
        user = event.user
        if user.user_id != client.client_id:
            known = client.users.get(user.user_id)
            if known is not None:
                known.merge(user)
                return
            seen = UserInitData(
                id=user.user_id, username=user.username, avatar=user.avatar, display_name=user.display_name
            )
            client.users.set(user.user_id, self._objects.new_user(seen))
            return
        clan = self._clan(event.clan_id)
        socket = client.socket_manager.get_socket()
        self._spawn(socket.join_clan_chat(clan.id), f"joining clan {clan.id}")
        self._list_channels(clan)

    def _join(self, clan_id: int, channel_id: int, channel_type: int, *, is_public: bool) -> None:
        socket = self._client.socket_manager.get_socket()
        self._spawn(
            socket.join_chat(clan_id, channel_id, channel_type, is_public), f"joining channel {channel_id}"
        )

    # ---- users

    def users_removed(self, event: UserClanRemovedEvent) -> None:
        """Remove the users from the cache."""
        for user_id in event.user_ids:
            self._client.users.delete(user_id)
            self._senders.forget(user_id)

    def token_sent(self, event: TokenSentEvent) -> None:
        """Send a message to the receiver of the bot's tokens."""
        if event.sender_id == self._client.client_id:
            self._spawn(self._notify_receiver(event), f"notifying user {event.receiver_id} of the transfer")

    async def _notify_receiver(self, event: TokenSentEvent) -> None:
        receiver = await self._client.users.fetch(event.receiver_id)
        text = f"Funds Transferred: {int(event.amount):,}₫ | {event.note or 'Transfer funds'}"
        await receiver.send_dm_message({"t": text}, code=TypeMessage.SEND_TOKEN)

    def friend_requested(self, event: NotificationEvent) -> None:
        """Accept the friend requests, with ``auto_accept_friends``."""
        for notification in event.notifications:
            if notification.code == _FRIEND_REQUEST and notification.sender_id:
                sender = notification.sender_id
                self._spawn(self._client.accept_friend(str(sender)), f"accepting user {sender} as a friend")

    # ---- the session

    def session_refreshed(self, event: Any) -> None:
        """Use the token that the server sent for HTTP calls."""
        if event.token:
            self._new_token(event.token, event.refresh_token or None)
