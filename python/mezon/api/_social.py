"""Friends and message history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mezon.api._rpc import RpcCaller
from mezon.api._values import as_id
from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mezon.models import ApiFriendList, ChannelMessage
    from mezon.protobuf.api import api_pb2

__all__ = ["SocialCalls"]


class SocialCalls(RpcCaller):
    """The calls about friends and past messages, as a part of `mezon.api.MezonApi`."""

    async def list_friends(
        self,
        token: str,
        limit: int = 0,
        state: int | None = None,
        cursor: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> ApiFriendList:
        """List friends and invitations.

        Args:
            state: 0 friend, 1 invitation sent, 2 invitation received, 3 blocked; the wire cannot tell None
                from 0.
            cursor: The ``cursor`` of the page before.
        """
        from mezon.models import ApiFriendList
        from mezon.protobuf.api import api_pb2

        request = api_pb2.ListFriendsRequest(limit=limit or 0, state=state or 0, cursor=cursor or "")
        answer = await self._rpc("ListFriends", token, request, api_pb2.FriendList, options=options)
        return ApiFriendList.from_protobuf(answer)

    async def add_friends(
        self,
        token: str,
        ids: Iterable[int | str] | int | str | None = None,
        usernames: Iterable[str] | str | None = None,
        options: dict[str, Any] | None = None,
    ) -> Any:
        """Invite users, or accept the invitations they sent; returns the protobuf ``AddFriendsResponse``.

        Raises:
            InvalidArgumentError: Neither an id nor a name is given (a ValueError).
        """
        from mezon.protobuf.api import api_pb2

        id_list = [ids] if isinstance(ids, (int, str)) else list(ids or ())
        names = [usernames] if isinstance(usernames, str) else list(usernames or ())
        request = api_pb2.AddFriendsRequest(
            ids=[number for value in id_list if (number := as_id("ids", value))],
            usernames=[name for name in names if name],
        )
        if not request.ids and not request.usernames:
            raise InvalidArgumentError("name the users: ids or usernames")
        return await self._rpc("AddFriends", token, request, api_pb2.AddFriendsResponse, options=options)

    async def list_channel_messages(
        self,
        token: str,
        clan_id: int | None,
        channel_id: int,
        message_id: int | None = None,
        limit: int = 50,
        direction: int | None = None,
        topic_id: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[ChannelMessage]:
        """List past messages of a channel, in the server's order.

        Args:
            message_id: The message to start from.
            limit: How many at most.
            direction: Which way from there, as the server counts directions; passed through.
            topic_id: Only this topic.
        """
        from mezon.models import ChannelMessage

        messages = await self.list_raw_channel_messages(
            token, clan_id, channel_id, message_id, limit, direction, topic_id, options
        )
        return [ChannelMessage.from_protobuf(message) for message in messages]

    async def list_raw_channel_messages(
        self,
        token: str,
        clan_id: int | None,
        channel_id: int,
        message_id: int | None = None,
        limit: int = 50,
        direction: int | None = None,
        topic_id: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[api_pb2.ChannelMessage]:
        """As `list_channel_messages`, the messages as protobuf."""
        from mezon.protobuf.api import api_pb2 as messages

        request = messages.ListChannelMessagesRequest(
            clan_id=as_id("clan_id", clan_id),
            channel_id=as_id("channel_id", channel_id),
            message_id=as_id("message_id", message_id),
            limit=limit or 0,
            direction=direction or 0,
            topic_id=as_id("topic_id", topic_id),
        )
        answer = await self._rpc(
            "ListChannelMessages", token, request, messages.ChannelMessageList, options=options
        )
        return list(answer.messages)
