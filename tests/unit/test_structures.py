"""Clans, channels, messages and users, against a peer that records what it is asked for.

The peer must match the write methods of the socket manager, which tests/compat/surface.json pins.
"""

import asyncio
import inspect
import json
from typing import Any

import pytest
from mezon.errors import InvalidArgumentError, MezonError
from mezon.managers.cache import CacheManager
from mezon.managers.socket import Sent
from mezon.models import (
    ApiChannelDescList,
    ApiChannelDescription,
    ApiClanDesc,
    ApiMessageAttachment,
    ApiMessageMention,
    ChannelCreatedEvent,
    ChannelMessage,
    ChannelMessageAck,
    ChannelMessageContent,
    ChannelUpdatedEvent,
    ClanUpdatedEvent,
    UserInitData,
)
from mezon.models._outgoing import OutgoingMessage
from mezon.models.message import sent_message
from mezon.structures import Clan, Message, TextChannel, User

BOT = 99


class Peer:
    """Socket manager, HTTP API, channel manager and store in one; ``calls`` has (name, arguments)."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.ack = ChannelMessageAck(message_id=500, username="bot", create_time_seconds=7, code=0)
        self.channels: list[ApiChannelDescription] = []
        self.stored: ChannelMessage | None = None
        self.dm_channel: ApiChannelDescription | None = ApiChannelDescription(channel_id=77)
        self.error: Exception | None = None
        #: The server's own copy of a message comes before its acknowledgement.
        self.copy_comes_first = False

    async def _record(self, call: str, **arguments: Any) -> None:
        self.calls.append((call, arguments))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error

    async def write_chat_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        content: Any,
        mentions: Any = None,
        attachments: Any = None,
        references: Any = None,
        anonymous_message: Any = None,
        mention_everyone: Any = None,
        avatar: Any = None,
        code: Any = None,
        topic_id: Any = None,
    ) -> ChannelMessageAck:
        arguments = {key: value for key, value in locals().items() if key != "self" and value is not None}
        await self._record("send", **arguments)
        return self.ack

    async def send_message(self, message: OutgoingMessage, channel_label: str | None = None) -> Sent:
        ack = await self.write_chat_message(**vars(message))
        if self.copy_comes_first:
            return Sent(ack, None)
        return Sent(ack, sent_message(ack, BOT, message, channel_label))

    async def write_ephemeral_message(
        self,
        receiver_ids: list[int],
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        content: Any,
        mentions: Any = None,
        attachments: Any = None,
        references: Any = None,
        anonymous_message: Any = None,
        mention_everyone: Any = None,
        avatar: Any = None,
        code: Any = None,
        topic_id: Any = None,
        message_id: Any = None,
    ) -> str:
        arguments = {key: value for key, value in locals().items() if key != "self" and value is not None}
        await self._record("ephemeral", **arguments)
        return "ephemeral ack"

    async def update_chat_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        content: Any,
        mentions: Any = None,
        attachments: Any = None,
        hide_editted: bool = False,
        topic_id: Any = None,
        is_update_msg_topic: Any = None,
        create_time_seconds: Any = None,
    ) -> str:
        arguments = {key: value for key, value in locals().items() if key != "self" and value is not None}
        await self._record("update", **arguments)
        return "update ack"

    async def write_message_reaction(
        self,
        id: int,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        emoji_id: int,
        emoji: str,
        count: int,
        message_sender_id: int,
        action_delete: bool = False,
    ) -> str:
        arguments = {key: value for key, value in locals().items() if key != "self"}
        await self._record("react", **arguments)
        return "reaction ack"

    async def remove_chat_message(
        self, clan_id: int, channel_id: int, mode: int, is_public: bool, message_id: int, topic_id: Any = None
    ) -> str:
        await self._record("remove", message_id=message_id, topic_id=topic_id, mode=mode)
        return "remove ack"

    async def list_channel_descs(
        self, token: str, channel_type: int = 0, clan_id: int = 0
    ) -> ApiChannelDescList:
        await self._record("list", token=token, channel_type=channel_type, clan_id=clan_id)
        return ApiChannelDescList(channeldesc=self.channels or None)

    async def list_channel_voice_users(self, token: str, **arguments: Any) -> str:
        await self._record("voice", token=token, **arguments)
        return "voice users"

    async def list_roles(self, token: str, **arguments: Any) -> str:
        await self._record("roles", token=token, **arguments)
        return "roles"

    async def update_role(self, token: str, role_id: int, request: dict[str, Any]) -> None:
        await self._record("role", token=token, role_id=role_id, request=request)

    async def play_media(self, bearer_token: str, body: dict[str, Any]) -> str:
        await self._record("play", token=bearer_token, **body)
        return "playing"

    async def create_dm_channel(self, user_id: int) -> ApiChannelDescription | None:
        await self._record("dm", user_id=user_id)
        return self.dm_channel

    async def get_message_by_id(self, message_id: int, channel_id: int) -> ChannelMessage | None:
        await self._record("stored", message_id=message_id, channel_id=channel_id)
        return self.stored


class Client:
    """What structures use of the client."""

    def __init__(self, peer: Peer) -> None:
        self.client_id = BOT
        self.session_manager = None
        self.peer = peer
        self.users: CacheManager[int, User] = CacheManager(self.fetch_user)
        self.channels: CacheManager[int, TextChannel] = CacheManager(self.fetch_channel)
        self.fetched: list[tuple[str, int]] = []

    async def fetch_user(self, id: int) -> User:
        self.fetched.append(("user", id))
        if id == 404:
            raise ValueError("unknown")
        return user(self.peer, id=id, username="fetched", avatar="picture")

    async def fetch_channel(self, id: int) -> TextChannel:
        self.fetched.append(("channel", id))
        return "the channel"  # type: ignore[return-value]


def user(peer: Any, **fields: Any) -> User:
    return User(UserInitData(**fields), peer, peer)


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def client(peer: Peer) -> Client:
    return Client(peer)


@pytest.fixture
def clan(client: Client) -> Clan:
    peer: Any = client.peer
    made: Any = client
    return Clan(10, "clan", 11, made, peer, peer, "token", peer)


@pytest.fixture
def channel(clan: Clan) -> TextChannel:
    peer: Any = clan.api_client
    return TextChannel(
        ApiChannelDescription(channel_id=20, channel_label="general", type=1), clan, peer, peer
    )


def wire(**fields: Any) -> ChannelMessage:
    given = {"message_id": 1, "clan_id": 10, "channel_id": 20, "sender_id": 5, "topic_id": 0, **fields}
    return ChannelMessage(**{"username": "", "clan_nick": "", "display_name": "", "avatar": "", **given})


def message(channel: TextChannel, **fields: Any) -> Message:
    return Message(wire(**fields), channel, channel.socket_manager)


class TestTextChannel:
    def test_made_from_a_description(self, clan: Clan) -> None:
        description = ApiChannelDescription(
            channel_id=1,
            channel_label="c",
            type=7,
            channel_private=1,
            category_id=2,
            category_name="cat",
            parent_id=3,
            meeting_code="m",
        )
        made = TextChannel(description, clan, clan.socket_manager, None)
        assert (made.id, made.name, made.channel_type, made.is_private) == (1, "c", 7, True)
        assert (made.category_id, made.category_name, made.parent_id, made.meeting_code) == (2, "cat", 3, "m")
        assert made._messages is None  # made on first use
        assert made.messages.max_size == 200
        assert made.messages is made.messages

    def test_made_from_events_and_from_nothing(self, clan: Clan) -> None:
        event = ChannelCreatedEvent(channel_id=1, channel_label="c", channel_type=6, channel_private=1)
        made = TextChannel(event, clan, clan.socket_manager, None)
        assert (made.channel_type, made.is_private, made.category_id) == (6, True, 0)
        bare = TextChannel(ApiChannelDescription(channel_id=1), clan, clan.socket_manager, None)
        assert (bare.name, bare.channel_type, bare.is_private, bare.category_name) == (None, 0, False, "")

    def test_size_of_messages_follows_the_client(self, clan: Clan, channel: TextChannel) -> None:
        clan.client.messages_per_channel = 3  # type: ignore[attr-defined]
        assert channel.messages.max_size == 3

    def test_update_in_place_keeps_what_is_left_open(self, channel: TextChannel) -> None:
        channel.update_from(ChannelUpdatedEvent(channel_id=20, channel_label="new", channel_private=True))
        assert (channel.name, channel.is_private, channel.channel_type) == ("new", True, 1)
        channel.update_from(
            ChannelUpdatedEvent(channel_id=20, channel_label="", category_id=4, channel_type=8)
        )
        assert (channel.name, channel.is_private, channel.category_id, channel.channel_type) == (
            "new",
            False,
            4,
            8,
        )
        channel.update_from(ApiChannelDescription(channel_id=20))
        assert channel.category_id == 4

    @pytest.mark.parametrize(
        ("content", "seen"),
        [
            ("hi", {"t": "hi"}),
            ({"t": "hi", "mk": None}, {"t": "hi"}),
            (ChannelMessageContent(text="hi"), {"t": "hi"}),
        ],
    )
    async def test_send(self, channel: TextChannel, peer: Peer, content: Any, seen: dict[str, Any]) -> None:
        mentions = [ApiMessageMention(user_id=1)]
        ack = await channel.send(content, mentions, code=0, mention_everyone=True, topic_id=3)
        assert ack is peer.ack
        assert peer.calls == [
            (
                "send",
                {
                    "clan_id": 10,
                    "channel_id": 20,
                    "mode": 2,
                    "is_public": True,
                    "content": content,
                    "mentions": mentions,
                    "mention_everyone": True,
                    "code": 0,
                    "topic_id": 3,
                },
            )
        ]
        sent = channel.messages.get(500)
        assert sent is not None
        assert (sent.sender_id, sent.content, sent.mentions, sent.topic_id) == (BOT, seen, mentions, 3)
        assert (sent.create_time_seconds, sent.channel) == (7, channel)
        assert await channel.messages.fetch("500") is sent  # type: ignore[arg-type]

    @pytest.mark.parametrize(("kind", "mode"), [(1, 2), (2, 3), (3, 4), (7, 6), (8, 2), (10, 2)])
    async def test_mode(self, channel: TextChannel, peer: Peer, kind: int, mode: int) -> None:
        channel.channel_type = kind
        channel.is_private = True
        await channel.send("x")
        assert (peer.calls[0][1]["mode"], peer.calls[0][1]["is_public"]) == (mode, False)

    async def test_the_servers_copy_stays_when_it_came_first(self, channel: TextChannel) -> None:
        arrived = message(channel, message_id=500)
        channel.messages.set(500, arrived)
        await channel.send("x")
        assert channel.messages.get(500) is arrived

    async def test_nothing_is_made_when_the_copy_has_come_already(
        self, channel: TextChannel, peer: Peer
    ) -> None:
        peer.copy_comes_first = True
        ack = await channel.send("x")
        assert ack is peer.ack
        assert channel.messages.size == 0

    async def test_nothing_is_remembered_of_a_failed_send(self, channel: TextChannel, peer: Peer) -> None:
        peer.error = MezonError("no")
        with pytest.raises(MezonError):
            await channel.send("x")
        assert channel.messages.size == 0

    async def test_fetch_looks_into_the_store(self, channel: TextChannel, peer: Peer) -> None:
        with pytest.raises(ValueError, match=r"^Message 1 not found on channel 20!$"):
            await channel.messages.fetch(1)
        peer.stored = wire(topic_id=8)
        found = await channel.messages.fetch(1)
        assert (found.id, found.topic_id) == (1, 8)
        channel.message_db = None
        with pytest.raises(ValueError, match=r"^Message 2 not found on channel 20!$"):
            await channel.messages.fetch(2)

    async def test_ephemeral_by_its_old_name(self, channel: TextChannel, peer: Peer) -> None:
        old: Any = channel.send_ephemeral
        await old(receiver_id=7, content="x")
        assert peer.calls[-1][1]["receiver_ids"] == [7]
        with pytest.raises(TypeError, match=r"'receiver_ids' twice: 'receiver_id' is its old name"):
            await old(receiver_id=7, receiver_ids=[7], content="x")
        parameters = inspect.signature(TextChannel.send_ephemeral).parameters
        assert list(parameters)[:3] == ["self", "receiver_ids", "content"]

    async def test_ephemeral_with_a_reference(self, channel: TextChannel, peer: Peer) -> None:
        channel.messages.set(1, message(channel, content={"t": "chào"}, username="u", avatar="a"))
        ids: Any = ["7", 8]
        assert await channel.send_ephemeral(ids, {"t": "x"}, reference_message_id=1) == "ephemeral ack"
        [(call, arguments)] = peer.calls
        assert (call, arguments["receiver_ids"], arguments["code"]) == ("ephemeral", [7, 8], 12)
        [reference] = arguments["references"]
        assert (reference.message_ref_id, reference.message_sender_id) == (1, 5)
        assert (reference.message_sender_username, reference.message_sender_avatar) == ("u", "a")
        assert reference.content == '{"t":"chào"}'
        await channel.send_ephemeral(7, "x")
        assert (peer.calls[1][1]["receiver_ids"], peer.calls[1][1]["references"]) == ([7], [])

    async def test_play_media(self, channel: TextChannel, peer: Peer) -> None:
        with pytest.raises(InvalidArgumentError, match="no voice room"):
            await channel.play_media("https://x.example/a.mp3")
        channel.meeting_code = "room"
        assert await channel.play_media("u", name="song") == "playing"
        assert peer.calls == [
            (
                "play",
                {
                    "token": "token",
                    "room_name": "room",
                    "participant_identity": str(BOT),
                    "participant_name": "",
                    "url": "u",
                    "name": "song",
                },
            )
        ]


class TestMessage:
    async def test_reply(self, channel: TextChannel, client: Client, peer: Peer) -> None:
        client.users.set(5, user(peer, id=5, username="u", display_name="d", clan_nick="n", avatar="a"))
        files = [ApiMessageAttachment(url="u")]
        original = message(channel, content={"t": "q"}, topic_id=30, attachments=files)
        assert await original.reply("answer", attachments=files, code=0) is peer.ack
        arguments = peer.calls[0][1]
        [reference] = arguments["references"]
        assert reference.model_dump(exclude_none=True) == {
            "message_ref_id": 1,
            "message_sender_id": 5,
            "message_sender_username": "n",
            "message_sender_avatar": "a",
            "content": '{"t":"q"}',
            "has_attachment": True,
        }
        assert (arguments["topic_id"], arguments["content"], arguments["attachments"]) == (
            30,
            "answer",
            files,
        )
        kept = channel.messages.get(500)
        assert kept is not None
        assert (kept.content, kept.references) == ({"t": "answer"}, [reference])
        await original.reply("elsewhere", topic_id=31)
        assert peer.calls[1][1]["topic_id"] == 31
        assert client.fetched == []

    @pytest.mark.parametrize(
        ("names", "shown"),
        [
            ({"username": "u", "display_name": "d", "clan_nick": "n"}, "n"),
            ({"username": "u", "display_name": "d"}, "d"),
            ({"username": "u"}, "u"),
        ],
    )
    async def test_name_of_the_sender_from_the_message(
        self, channel: TextChannel, client: Client, names: dict[str, str], shown: str
    ) -> None:
        reference = await message(channel, **names).as_reference()
        assert reference.message_sender_username == shown
        assert client.fetched == []

    async def test_name_of_the_sender_from_the_server(self, channel: TextChannel, client: Client) -> None:
        reference = await message(channel).as_reference()
        assert (reference.message_sender_username, reference.message_sender_avatar) == ("fetched", "picture")
        assert (await message(channel, sender_id=404).as_reference()).message_sender_username == ""
        assert (await message(channel, sender_id=BOT).as_reference()).message_sender_username == ""
        assert client.fetched == [("user", 5), ("user", 404)]

    async def test_update_changes_the_object(self, channel: TextChannel, peer: Peer) -> None:
        own = message(channel, content={"t": "old"}, mentions=[{"user_id": 1}], topic_id=30)
        assert await own.update({"t": "new"}, attachments=[]) == "update ack"
        arguments = peer.calls[0][1]
        assert (arguments["message_id"], arguments["topic_id"], arguments["is_update_msg_topic"]) == (
            1,
            30,
            True,
        )
        assert own.content == json.loads(own.raw_content) == {"t": "new"}
        assert (len(own.mentions), own.attachments) == (1, [])
        await message(channel).update("x")
        assert peer.calls[1][1]["is_update_msg_topic"] is False
        peer.error = MezonError("no")
        with pytest.raises(MezonError):
            await own.update("newer")
        assert own.content == {"t": "new"}

    async def test_update_with_content_as_json(self, channel: TextChannel) -> None:
        raw = wire()
        raw.__dict__["content"] = '{"t":"old"}'
        own = Message(raw, channel, channel.socket_manager)
        assert own.raw_content == '{"t":"old"}'
        await own.update("new")
        assert own.content == own.raw_content == '{"t":"new"}'

    async def test_react(self, channel: TextChannel, peer: Peer) -> None:
        assert await message(channel).react(3, "thumbsup", 1) == "reaction ack"
        await message(channel).react(3, "thumbsup", 1, None, True)
        assert peer.calls[0] == (
            "react",
            {
                "id": 0,
                "clan_id": 10,
                "channel_id": 20,
                "mode": 2,
                "is_public": True,
                "message_id": 1,
                "emoji_id": 3,
                "emoji": "thumbsup",
                "count": 1,
                "message_sender_id": 5,
                "action_delete": False,
            },
        )
        assert (peer.calls[1][1]["id"], peer.calls[1][1]["action_delete"]) == (0, True)

    async def test_delete(self, channel: TextChannel, peer: Peer) -> None:
        own = message(channel, topic_id=4)
        channel.messages.set(1, own)
        peer.error = MezonError("no")
        with pytest.raises(MezonError):
            await own.delete()
        assert channel.messages.has(1)
        peer.error = None
        assert await own.delete() == "remove ack"
        assert peer.calls[1] == ("remove", {"message_id": 1, "topic_id": 4, "mode": 2})
        assert not channel.messages.has(1)

    def test_edit_from_the_server(self, channel: TextChannel) -> None:
        old = message(channel, content={"t": "old"}, reactions=[{"emoji": "x"}])
        old.update_from(wire(content={"t": "new"}))
        assert (old.content, len(old.reactions)) == ({"t": "new"}, 1)

    def test_content_that_is_no_object(self, channel: TextChannel) -> None:
        raw = wire()
        raw.__dict__["raw_content"] = "[1]"
        assert Message(raw, channel, channel.socket_manager).raw_content == "[1]"
        assert "content='{}'" in repr(message(channel))
        assert "..." in repr(message(channel, content={"t": "x" * 100}))


class TestUser:
    async def test_dm_opens_the_channel_once(self, peer: Peer) -> None:
        someone = user(peer, id=5)
        assert await someone.send_dm_message("hi") is peer.ack
        await someone.send_dm_message({"t": "again"}, 8, [ApiMessageAttachment(url="u")])
        assert [call for call, _ in peer.calls] == ["dm", "send", "send"]
        assert peer.calls[1][1] == {
            "clan_id": 0,
            "channel_id": 77,
            "mode": 4,
            "is_public": False,
            "content": "hi",
            "code": 0,
        }
        assert peer.calls[2][1]["code"] == 8

    @pytest.mark.parametrize("answer", [None, ApiChannelDescription()])
    async def test_no_channel(self, peer: Peer, answer: ApiChannelDescription | None) -> None:
        peer.dm_channel = answer
        with pytest.raises(MezonError, match="no direct message channel with user 5"):
            await user(peer, id=5).send_dm_message("hi")

    def test_merge(self, peer: Peer) -> None:
        someone = user(peer, id=5, username="u", clan_nick="n", dm_channel_id=7)
        someone.merge(UserInitData(id=5, display_name="d", clan_nick=""))
        assert (someone.username, someone.clan_nick, someone.display_name) == ("u", "n", "d")
        assert (someone.dm_channel_id, someone.shown_name) == (7, "n")
        someone.merge(wire(clan_nick="new", clan_avatar="a"))
        someone.merge(user(peer, id=5, dm_channel_id=8))
        assert (someone.clan_nick, someone.clan_avatar, someone.dm_channel_id) == ("new", "a", 8)


class TestClan:
    async def test_channels_are_loaded_once_and_objects_stay(
        self, clan: Clan, client: Client, peer: Peer, channel: TextChannel
    ) -> None:
        client.channels.set(20, channel)
        peer.channels = [
            ApiChannelDescription(channel_id=20, channel_label="renamed", type=1),
            ApiChannelDescription(channel_id=21, channel_label="other", type=1),
            ApiChannelDescription(channel_label="without id"),
        ]
        await asyncio.gather(*(clan.load_channels() for _ in range(3)))
        await clan.load_channels()
        assert peer.calls == [("list", {"token": "token", "channel_type": 1, "clan_id": 10})]
        assert clan.channels.get(20) is client.channels.get(20) is channel
        assert channel.name == "renamed"
        assert clan.channels.get(21) is client.channels.get(21)
        assert clan.channels.size == 2

    async def test_a_failed_load_is_tried_again(self, clan: Clan, peer: Peer) -> None:
        peer.error = MezonError("no")
        with pytest.raises(MezonError):
            await clan.load_channels()
        peer.error = None
        await clan.load_channels()
        assert len(peer.calls) == 2

    async def test_an_unknown_channel_is_fetched_by_the_client(self, clan: Clan, client: Client) -> None:
        assert await clan.channels.fetch(33) == "the channel"
        assert client.fetched == [("channel", 33)]
        assert clan.users is client.users

    async def test_roles_and_voice_users(self, clan: Clan, peer: Peer) -> None:
        request = {"title": "t"}
        assert await clan.update_role(5, request) is True
        assert await clan.list_roles(limit=3) == "roles"
        assert await clan.list_channel_voice_users() == "voice users"
        assert peer.calls == [
            ("role", {"token": "token", "role_id": 5, "request": request}),
            ("roles", {"token": "token", "clan_id": 10, "limit": 3, "state": None, "cursor": None}),
            (
                "voice",
                {
                    "token": "token",
                    "clan_id": 10,
                    "channel_id": 0,
                    "channel_type": 4,
                    "limit": 500,
                    "state": 0,
                    "cursor": "",
                },
            ),
        ]

    @pytest.mark.parametrize("limit", [0, -1, 501])
    async def test_limit_of_voice_users(self, clan: Clan, limit: int) -> None:
        with pytest.raises(ValueError, match="0 < limit <= 500"):
            await clan.list_channel_voice_users(limit=limit)

    def test_update_in_place(self, clan: Clan) -> None:
        clan.update_from(ApiClanDesc(clan_name="new"))
        assert (clan.name, clan.welcome_channel_id) == ("new", 11)
        clan.update_from(ClanUpdatedEvent(clan_name="", welcome_channel_id=12))
        assert (clan.name, clan.welcome_channel_id) == ("new", 12)

    def test_token_follows_the_session(self, clan: Clan) -> None:
        class Manager:
            def get_session(self) -> Any:
                return type("Session", (), {"token": "fresh"})

        assert clan.current_token == "token"
        clan.client.session_manager = Manager()
        assert clan.current_token == "fresh"
        assert "token" not in repr(clan)
