"""The clans, channels and users that a client knows, and how it fetches unknown ones."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mezon import errors, models, structures
from mezon._client.view import manager_of
from mezon.errors import InvalidArgumentError
from mezon.managers.cache import CacheManager
from mezon.utils.ids import required_id
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon._client.view import ClientView
    from mezon.models import ApiClanDesc, ApiClanDescList, ChannelMessage, ChannelMessageAck
    from mezon.models._lazy import SenderPreview
    from mezon.models.message import UserInitData
    from mezon.structures import Clan, Message, MessageHandle, TextChannel, User

logger = get_logger("mezon.client")

#: The maximum number of clans that the server lists.
MAX_LISTED_CLANS: Final = 100


def stored_clans(path: object) -> set[int]:
    """Return the ids of the clans whose messages are in the file of a message store. It reads the whole table."""
    if not isinstance(path, str) or not os.path.isfile(path):
        return set()
    # Start-up time: few clients are in so many clans that this is called.
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as file:
            rows = file.execute("SELECT DISTINCT clan_id FROM messages").fetchall()
    except sqlite3.Error as error:
        logger.debug("The clans in %s cannot be read: %s", path, error)
        return set()
    return {int(row[0]) for row in rows if str(row[0]).isdecimal()}


class Directory:
    """The caches of clans, channels and users, their ``fetch``, and the factory of all such objects.

    Args:
        client: The client the objects belong to.
        token: Returns the token of the session.
        cache_size: How many clans, channels and users each are cached.
    """

    def __init__(self, client: ClientView, token: Callable[[], str], cache_size: int) -> None:
        self._client = client
        self._token = token
        self.clans: CacheManager[int, Clan] = CacheManager(self.fetch_clan, cache_size, id_name="clan_id")
        self.channels: CacheManager[int, TextChannel] = CacheManager(
            client.get_channel_from_id, cache_size, id_name="channel_id"
        )
        self.users: CacheManager[int, User] = CacheManager(
            client.get_user_from_id, cache_size, id_name="user_id"
        )
        self._has_warned = False

    # ---- creating objects

    def new_clan(self, clan_id: int, name: str = "", welcome_channel_id: int = 0, token: str = "") -> Clan:
        """Return a new clan object, which is cached."""
        client = self._client
        clan = structures.Clan(
            clan_id=clan_id,
            clan_name=name,
            welcome_channel_id=welcome_channel_id,
            client=client,
            api_client=client.api_client,
            socket_manager=client.socket_manager,
            session_token=token or self._token(),
            message_db=client.message_db,
        )
        self.clans.set(clan_id, clan)
        return clan

    def new_channel(self, description: Any, clan: Clan) -> TextChannel:
        """Return a new channel object for a description, or for an event about the channel."""
        return structures.TextChannel(description, clan, self._client.socket_manager, self._client.message_db)

    def new_user(self, data: UserInitData | SenderPreview) -> User:
        """Return a new user object."""
        return structures.User(data, self._client.socket_manager, self._client.channel_manager)

    # ---- the objects of an event

    def channel_of(self, message: Any) -> TextChannel:
        """Return the channel of a message; created from the message if it is unknown."""
        return structures.channel_of_message(self._client, message)

    def author_of(self, message: ChannelMessage) -> User:
        """Return the author of a message; created from the message if they are unknown."""
        return structures.user_of_message(self._client, message)

    def message_of(self, message: ChannelMessage) -> Message:
        """Return the object of a received message."""
        return structures.as_message(self._client, message)

    def handle_of(self, channel_id: int, message_id: int, sender_id: int) -> MessageHandle:
        """Return the handle of a message by its ids."""
        return structures.MessageHandle(self._client, channel_id, message_id, sender_id)

    def handle_of_ack(self, ack: ChannelMessageAck) -> MessageHandle:
        """Return the handle of a sent message."""
        return structures.MessageHandle.of_ack(self._client, ack)

    # ---- clans

    def update_clan(self, description: ApiClanDesc, token: str = "") -> Clan:
        """Return the clan of a description: the cached object, updated, or a new one."""
        clan_id = description.clan_id or 0
        clan = self.clans.get(clan_id)
        if clan is None:
            return self.new_clan(
                clan_id, description.clan_name or "", description.welcome_channel_id or 0, token
            )
        clan.update_from(description)
        return clan

    async def list_clans(self, token: str) -> ApiClanDescList:
        """List the clans of the bot, and those that the server's list lacks.

        The server is reported to list 100 clans at most, in no order and without a next page. The others come from
        ``GatewayOptions(clans=[...])``, and, if the list is full, from the caches and the message store.
        """
        client = self._client
        answer = await client.api_client.list_clans_descs(token)
        listed = {description.clan_id or 0 for description in answer.clandesc or ()}
        more = set(client.gateway.clans)
        if len(listed) == MAX_LISTED_CLANS:
            manager = manager_of(client)
            more |= {
                *(clan.id for clan in self.clans.values()),
                *(manager.joined_clans if manager is not None else ()),
            }
            more |= await asyncio.to_thread(stored_clans, getattr(client.message_db, "db_path", None))
            if not self._has_warned:
                self._has_warned = True
                logger.warning(
                    "The server lists %d clans, its maximum: the bot may be in more, whose events it does not receive. "
                    "%d more are joined because they are known; name all others: GatewayOptions(clans=[...])",
                    MAX_LISTED_CLANS,
                    len(more - listed - {0}),
                )
        unlisted = sorted(more - listed - {0})
        if unlisted:
            known = [models.ApiClanDesc(clan_id=clan_id) for clan_id in unlisted]
            answer.clandesc = [*(answer.clandesc or ()), *known]
        return answer

    async def refresh_clans(self) -> dict[int, Clan]:
        """Fetch the list of clans, update the cache and return the clans by id."""
        answer = await self.list_clans(self._token())
        return {clan.id: clan for clan in map(self.update_clan, answer.clandesc or ())}

    async def fetch_clan(self, clan_id: int) -> Clan:
        """Fetch a clan that is not cached.

        Raises:
            InvalidArgumentError: If the bot is in no such clan (a ValueError).
        """
        if clan_id == 0:
            # The clan of direct messages is in no list, and the cache may have evicted it.
            return self.new_clan(0)
        clan_id = required_id("clan_id", clan_id)
        # Not from the cache, which may be small or disabled.
        clan = (await self.refresh_clans()).get(clan_id)
        if clan is None:
            raise InvalidArgumentError(f"the bot is in no clan {clan_id}; add it to the clan first")
        return clan

    # ---- channels and users

    async def fetch_channel(self, channel_id: int) -> TextChannel:
        """Fetch a channel that is not cached.

        Raises:
            InvalidArgumentError: If there is no such channel, or the bot is not in its clan (a ValueError).
        """
        channel_id = required_id("channel_id", channel_id)
        known = self.channels.get(channel_id)
        if known is not None:
            return known
        token = self._token()
        detail = await self._client.api_client.get_channel_detail(token, channel_id)
        if not detail.channel_id:
            raise InvalidArgumentError(f"there is no channel {channel_id}, or the bot may not see it")
        clan = await self.clans.fetch(detail.clan_id or 0)
        known = self.channels.get(channel_id) or clan.channels.get(channel_id)
        if known is None:
            known = self.new_channel(detail, clan)
            clan.channels.set(channel_id, known)
        self.channels.set(channel_id, known)
        return known

    async def fetch_user(self, user_id: int) -> User:
        """Fetch a user that is not cached by opening the DM with them.

        Raises:
            InvalidArgumentError: If the user cannot be reached (a ValueError).
        """
        self._token()
        user_id = required_id("user_id", user_id)
        unknown = f"there is no user {user_id}, or the bot may not write to them"
        try:
            channel = await self._client.channel_manager.create_dm_channel(user_id)
        except errors.ApiError as error:
            if error.status == 404:
                raise InvalidArgumentError(f"{unknown}: the server answered 404") from error
            raise
        if channel is None or not channel.channel_id:
            raise InvalidArgumentError(unknown)
        user = self.new_user(models.UserInitData.from_channel(channel, user_id))
        self.users.set(user.id, user)
        return user

    def user_of(self, user_id: int) -> User:
        """Return a user: the cached object, otherwise a new one without names. Makes no call."""
        dms = self._client.channel_manager.get_all_dm_channels() or {}
        known = self.users.get(user_id)
        return known or self.new_user(models.UserInitData(id=user_id, dm_channel_id=dms.get(user_id, 0)))

    def remember_user(self, profile: UserInitData) -> None:
        """Cache a user that a list shows: fill in the names of a known user, or add the user if there is room."""
        known = self.users.get(profile.id)
        dms = self._client.channel_manager.get_all_dm_channels() or {}
        profile.dm_channel_id = profile.dm_channel_id or dms.get(profile.id, 0)
        if known is not None:
            known.merge(profile)
        elif len(self.users.cache) < self.users.max_size:
            self.users.set(profile.id, self.new_user(profile))

    def cache_dm_users(self) -> None:
        """Cache the users of the listed DMs."""
        manager = self._client.channel_manager
        for user_id, channel_id in (manager.get_all_dm_channels() or {}).items():
            known = self.users.get(user_id)
            if known is not None:
                known.dm_channel_id = known.dm_channel_id or channel_id
                continue
            seen = manager.dm_users.get(user_id) or models.UserInitData(id=user_id, dm_channel_id=channel_id)
            self.users.set(user_id, self.new_user(seen))
