"""Login, the Bearer check, recorded requests, RPCs over HTTP."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gateway_peer import Peer
from google.protobuf.wrappers_pb2 import StringValue
from mezon import MezonClient
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from mezon.testing.tokens import address_of

pytestmark = pytest.mark.transports("websocket")  # HTTP alone

VECTORS = Path(__file__).parents[1] / "vectors" / "http.jsonl"


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims


@pytest.mark.parametrize("suffix", ["", "?"])
async def test_login_answers_a_whole_session(gateway: LocalGateway, suffix: str) -> None:
    body = json.dumps({"account": {"appid": str(gateway.bot_id), "token": gateway.api_key}})
    headers = {"Accept": "application/x-protobuf", "Content-Type": "application/proto"}
    url = f"{gateway.url}/v2/apps/authenticate/token{suffix}"
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as response:
        assert response.status == 200
        session = api_pb2.Session.FromString(await response.read())
    claims = claims_of(session.token)
    assert claims["uid"] == session.user_id == gateway.bot_id
    assert claims["exp"] > 0
    assert "vrs" in claims
    assert session.api_url == gateway.url
    assert session.ws_url == gateway.ws_url
    assert session.refresh_token
    assert session.id_token
    assert gateway.requests[-1].status == 200
    assert gateway.api_key not in repr(gateway.requests)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"account": {"appid": "1", "token": "local-gateway-api-key"}}, 401),
        ({"account": {"appid": "1830000000000000001", "token": "wrong"}}, 401),
        ({"account": {"appid": "1830000000000000001", "token": None}}, 401),
        ({"account": {}}, 400),
        ([], 400),
    ],
)
async def test_login_refuses(gateway: LocalGateway, body: object, status: int) -> None:
    url = f"{gateway.url}/v2/apps/authenticate/token"
    async with aiohttp.ClientSession() as http, http.post(url, data=json.dumps(body)) as response:
        assert response.status == status


async def test_every_recorded_request_is_understood(gateway_factory: Any) -> None:
    gateway: LocalGateway = await gateway_factory(bot_id=1, api_key="key")
    world = gateway.world
    async with Peer(gateway) as peer:
        seen = set()
        for line in VECTORS.read_text().splitlines():
            vector = json.loads(line)
            request = vector["request"]
            headers = dict(request["headers"])
            if headers["Authorization"].startswith("Bearer"):
                headers["Authorization"] = f"Bearer {peer.session.token}"
            body = bytes.fromhex(request["body"])
            if vector["call"] == "create_channel_desc":
                for user_id in api_pb2.CreateChannelDescRequest.FromString(body).user_ids:
                    world.add_user(f"u{user_id}", id=user_id)
            async with peer.http.request(
                request["method"],
                gateway.url + request["path"],
                params=request["query"],
                data=body,
                headers=headers,
            ) as response:
                assert response.status == 200, (vector["call"], await response.text())
            seen.add(vector["call"])
    assert len(seen) == 10


async def test_tokens_are_checked_and_expire(gateway: LocalGateway, peer: Peer) -> None:
    url = f"{gateway.url}/mezon.api.Mezon/ListClanDescs"
    for headers in (
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"Basic {peer.session.token}"},
    ):
        async with peer.http.post(url, data=b"", headers=headers) as response:
            assert response.status == 401
    await peer.rpc("ListClanDescs", b"", api_pb2.ClanDescList)
    gateway.expire_tokens()
    await peer.rpc("ListClanDescs", b"", api_pb2.ClanDescList, status=401)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await peer.connect()
    assert refused.value.status == 401
    await peer.login()
    await peer.rpc("ListClanDescs", b"", api_pb2.ClanDescList)


async def test_a_token_ends_with_its_lifetime(gateway_factory: Any) -> None:
    gateway = await gateway_factory(token_lifetime=-1)
    async with Peer(gateway) as peer:
        await peer.rpc("ListClanDescs", b"", api_pb2.ClanDescList, status=401)


async def test_unknown_method_and_broken_body(peer: Peer) -> None:
    await peer.rpc("MakeCoffee", b"", api_pb2.ClanDescList, status=404)
    await peer.rpc("ListChannelDetail", b"\xff\xff", api_pb2.ChannelDescription, status=400)


async def test_session_fields_are_replaced(gateway: LocalGateway, peer: Peer) -> None:
    gateway.session_fields = {"ws_url": "ws://127.0.0.1:1", "token": "broken"}
    await peer.login()
    assert peer.session.ws_url == "ws://127.0.0.1:1"
    assert peer.session.token == "broken"
    assert peer.session.api_url == gateway.url


async def test_clans_and_channels(gateway: LocalGateway, peer: Peer) -> None:
    world = gateway.world
    second = world.add_clan("Second", logo="https://x.example/logo.png")
    room = world.add_channel("room", second, topic="talk")
    thread = world.add_thread("thread", room)
    world.add_channel("hidden", second, private=True, members=["alice"])
    clans = await peer.rpc("ListClanDescs", b"", api_pb2.ClanDescList)
    assert [c.clan_name for c in clans.clandesc] == ["Playground", "Second"]
    assert clans.clandesc[1].logo == "https://x.example/logo.png"
    request = api_pb2.ListChannelDescsRequest(channel_type=1, clan_id=second.id)
    channels = await peer.rpc("ListChannelDescs", request, api_pb2.ChannelDescList)
    assert [c.channel_label for c in channels.channeldesc] == ["room", "thread", "hidden"]
    assert channels.channeldesc[1].parent_id == room.id
    detail = await peer.rpc(
        "ListChannelDetail",
        api_pb2.ListChannelDetailRequest(channel_id=thread.id),
        api_pb2.ChannelDescription,
    )
    assert (detail.channel_label, detail.type, detail.clan_name) == ("thread", 7, "Second")
    unknown = await peer.rpc(
        "ListChannelDetail", api_pb2.ListChannelDetailRequest(channel_id=5), api_pb2.ChannelDescription
    )
    assert unknown == api_pb2.ChannelDescription()


async def test_direct_conversations(gateway: LocalGateway, peer: Peer) -> None:
    alice = gateway.world.user("alice")
    create = api_pb2.CreateChannelDescRequest(type=3, channel_private=1, user_ids=[alice.id])
    dm = await peer.rpc("CreateChannelDesc", create, api_pb2.ChannelDescription)
    again = await peer.rpc("CreateChannelDesc", create, api_pb2.ChannelDescription)
    assert dm.channel_id == again.channel_id
    assert (dm.type, dm.clan_id, list(dm.user_ids), list(dm.usernames)) == (3, 0, [alice.id], ["alice"])
    listed = await peer.rpc(
        "ListChannelDescs", api_pb2.ListChannelDescsRequest(channel_type=3), api_pb2.ChannelDescList
    )
    assert [c.channel_id for c in listed.channeldesc] == [dm.channel_id]
    stranger = api_pb2.CreateChannelDescRequest(type=3, user_ids=[7])
    await peer.rpc("CreateChannelDesc", stranger, api_pb2.ChannelDescription, status=404)


async def test_voice_users(gateway: LocalGateway, peer: Peer) -> None:
    clan = gateway.world.clan()
    room = gateway.world.add_voice_channel("talk", users=["alice", "bob"])
    gateway.world.add_voice_channel("empty")
    request = api_pb2.ListChannelUsersRequest(clan_id=clan.id, channel_type=10, limit=100)
    answer = await peer.rpc("ListChannelVoiceUsers", request, api_pb2.VoiceChannelUserList)
    (voice,) = answer.voice_channel_users
    assert voice.channel_id == room.id
    assert list(voice.user_ids) == [str(gateway.world.user(u).id) for u in ("alice", "bob")]
    for limit in (0, 501):
        request.limit = limit
        await peer.rpc("ListChannelVoiceUsers", request, api_pb2.VoiceChannelUserList, status=400)


async def test_roles(gateway: LocalGateway, peer: Peer) -> None:
    clan = gateway.world.clan()
    role = gateway.world.add_role("Helper", color="#00ff00", users=["alice"])
    role.description = "helps"
    bob = gateway.world.user("bob")
    update = api_pb2.UpdateRoleRequest(
        role_id=role.id, clan_id=clan.id, title=StringValue(value="Boss"), color=StringValue(value="")
    )
    update.add_user_ids.append(bob.id)
    await peer.rpc("UpdateRole", update, api_pb2.Role)
    listed = await peer.rpc(
        "ListRoles", api_pb2.RoleListEventRequest(clan_id=clan.id, limit=10), api_pb2.RoleListEventResponse
    )
    (found,) = listed.roles.roles
    assert (found.title, found.color, found.description) == ("Boss", "", "helps")
    assert bob.id in [u.id for u in found.role_user_list.role_users]
    assert listed.clanId == clan.id
    await peer.rpc("UpdateRole", api_pb2.UpdateRoleRequest(role_id=1), api_pb2.Role, status=404)


async def test_quick_menus(gateway: LocalGateway, peer: Peer) -> None:
    menu = api_pb2.QuickMenuAccess(bot_id=gateway.bot_id, menu_name="n", action_msg="/a", menu_type=1)
    added = await peer.rpc("AddQuickMenuAccess", menu, api_pb2.QuickMenuAccess)
    assert added.id
    request = api_pb2.ListQuickMenuAccessRequest(bot_id=gateway.bot_id, menu_type=1)
    listed = await peer.rpc("ListQuickMenuAccess", request, api_pb2.QuickMenuAccessList)
    assert list(listed.list_menus) == [added]
    await peer.rpc("DeleteQuickMenuAccess", api_pb2.QuickMenuAccess(id=added.id), api_pb2.QuickMenuAccess)
    listed = await peer.rpc("ListQuickMenuAccess", request, api_pb2.QuickMenuAccessList)
    assert not listed.list_menus


async def test_friends(gateway: LocalGateway, peer: Peer) -> None:
    world = gateway.world
    alice, bob, chi = world.user("alice"), world.user("bob"), world.user("chi")
    world.friends[alice.id] = 2
    world.friends[chi.id] = 0
    added = await peer.rpc(
        "AddFriends", api_pb2.AddFriendsRequest(ids=[alice.id], usernames=["bob"]), api_pb2.AddFriendsResponse
    )
    assert list(added.ids) == [alice.id, bob.id]
    first = await peer.rpc("ListFriends", api_pb2.ListFriendsRequest(limit=2), api_pb2.FriendList)
    rest = await peer.rpc(
        "ListFriends", api_pb2.ListFriendsRequest(limit=2, cursor=first.cursor), api_pb2.FriendList
    )
    states = {f.user.username: f.state for f in [*first.friends, *rest.friends]}
    assert states == {"alice": 0, "bob": 1, "chi": 0}
    assert rest.cursor == ""
    invited = await peer.rpc("ListFriends", api_pb2.ListFriendsRequest(state=1), api_pb2.FriendList)
    assert [f.user.username for f in invited.friends] == ["bob"]
    await peer.rpc("AddFriends", api_pb2.AddFriendsRequest(ids=[5]), api_pb2.AddFriendsResponse, status=404)


async def test_history(gateway: LocalGateway, peer: Peer) -> None:
    room = gateway.world.channel("general")
    ids = [await gateway.say(room, "alice", f"message {n}") for n in range(7)]
    topic = await gateway.say(room, "alice", "elsewhere", topic_id=9)

    async def page(**options: int) -> list[int]:
        request = api_pb2.ListChannelMessagesRequest(clan_id=room.clan_id, channel_id=room.id, **options)
        answer = await peer.rpc("ListChannelMessages", request, api_pb2.ChannelMessageList)
        return [m.message_id for m in answer.messages]

    assert await page() == ids[::-1]
    assert await page(limit=2) == [ids[6], ids[5]]
    assert await page(limit=2, message_id=ids[3], direction=3) == [ids[2], ids[1]]
    assert await page(limit=2, message_id=ids[3], direction=1) == [ids[5], ids[4]]
    assert await page(limit=3, message_id=ids[3], direction=2) == [ids[4], ids[3], ids[2]]
    assert await page(topic_id=9) == [topic]
    unknown = api_pb2.ListChannelMessagesRequest(channel_id=1)
    await peer.rpc("ListChannelMessages", unknown, api_pb2.ChannelMessageList, status=404)


async def test_upload(gateway: LocalGateway, peer: Peer) -> None:
    request = api_pb2.UploadAttachmentRequest(filename="báo cáo #1.txt", filetype="text/plain", size=5)
    answer = await peer.rpc("UploadAttachmentFile", request, api_pb2.UploadAttachment)
    async with peer.http.put(answer.url, data=b"hello") as response:
        assert response.status == 200
    async with peer.http.get(answer.url) as response:
        assert await response.read() == b"hello"
        assert response.content_type == "text/plain"
    assert gateway.uploads[answer.url].body == b"hello"
    assert gateway.uploads[answer.url].filename == "báo cáo #1.txt"
    async with peer.http.put(answer.url, data=b"again") as response:
        assert response.status == 403


async def test_play_media(gateway: LocalGateway, peer: Peer) -> None:
    body = {"room_name": "r", "url": "https://x.example/a.mp3", "name": "n"}
    async with peer.http.post(gateway.url + "/api/playmedia", json=body) as response:
        assert response.status == 200
    assert gateway.requests[-1].message == body
    async with peer.http.post(gateway.url + "/api/playmedia", json={}) as response:
        assert response.status == 400


async def test_send_over_http(gateway: LocalGateway, peer: Peer) -> None:
    room = gateway.world.channel("general")
    request = realtime_pb2.ChannelMessageSend(clan_id=room.clan_id, channel_id=room.id, content='{"t": "hi"}')
    ack = await peer.rpc("SendChannelMessage", request, realtime_pb2.ChannelMessageAck)
    event = await peer.read()
    assert event.channel_message.message_id == ack.message_id
    assert event.channel_message.content == '{"t": "hi"}'


@pytest.mark.parametrize(
    ("accept", "json_wanted"),
    [
        ("application/json", True),
        ("application/json, text/plain", True),
        ("application/proto", False),
        ("application/x-protobuf, application/json", False),
        ("*/*", False),
    ],
)
async def test_the_accept_header_says_json_or_protobuf(
    gateway: LocalGateway, peer: Peer, accept: str, json_wanted: bool
) -> None:
    menu = api_pb2.QuickMenuAccess(bot_id=gateway.bot_id, menu_name="thực đơn", action_msg="/a")
    headers = {"Authorization": f"Bearer {peer.session.token}", "Accept": accept}
    url = f"{gateway.url}/mezon.api.Mezon/AddQuickMenuAccess"
    async with peer.http.post(url, data=menu.SerializeToString(), headers=headers) as response:
        data = await response.read()
        assert response.content_type == ("application/json" if json_wanted else "application/proto")
    if json_wanted:
        answer = json.loads(data)
        assert (answer["menu_name"], answer["bot_id"]) == ("thực đơn", str(gateway.bot_id))
    else:
        assert api_pb2.QuickMenuAccess.FromString(data).menu_name == "thực đơn"


async def test_a_socket_opened_as_the_typescript_sdk_does(gateway: LocalGateway, peer: Peer) -> None:
    """The TypeScript SDK adds a scheme to ``ws_url``, which must therefore have none."""
    gateway.announce(ws_url="host:port")
    session = gateway.new_session(gateway.bot_id)
    assert "://" not in session.ws_url
    url = f"ws://{session.ws_url}/ws?lang=en&status=true&token={session.token}&format=protobuf"
    async with peer.http.ws_connect(url) as socket:
        await socket.send_bytes(realtime_pb2.Envelope(cid=1, ping=realtime_pb2.Ping()).SerializeToString())
        answer = realtime_pb2.Envelope.FromString(await socket.receive_bytes())
        assert (answer.cid, answer.WhichOneof("message")) == (1, "pong")


@pytest.mark.parametrize("path", ["clandesc", "channeldesc/5", "friend"])
async def test_the_rest_api_of_older_typescript_sdks_is_refused_with_a_reason(
    gateway: LocalGateway, peer: Peer, path: str
) -> None:
    async with peer.http.get(f"{gateway.url}/v2/{path}") as response:
        assert response.status == 404
        assert "use mezon-sdk 2.8.53" in await response.text()
    async with peer.http.get(f"{gateway.url}/other/{path}") as response:
        assert (response.status, await response.text()) == (
            404,
            f"the local gateway has no GET /other/{path}",
        )


async def test_json_for_a_client_that_says_protobuf(gateway: LocalGateway, peer: Peer) -> None:
    """The TypeScript SDK 2.8.53 requests protobuf in the header, but decodes the response as JSON."""
    gateway.json_answers |= {"UpdateRole", "AddQuickMenuAccess"}
    headers = {"Authorization": f"Bearer {peer.session.token}", "Accept": "application/proto"}
    menu = api_pb2.QuickMenuAccess(bot_id=gateway.bot_id, menu_name="thực đơn", action_msg="/a")
    update = api_pb2.UpdateRoleRequest(
        role_id=gateway.world.add_role("Helper").id, title=StringValue(value="Boss")
    )
    answers = {}
    for name, request in (("AddQuickMenuAccess", menu), ("UpdateRole", update)):
        url = f"{gateway.url}/mezon.api.Mezon/{name}?"
        async with peer.http.post(url, data=request.SerializeToString(), headers=headers) as response:
            answers[name] = await response.json()
    assert (answers["AddQuickMenuAccess"]["menu_name"], answers["UpdateRole"]) == ("thực đơn", {})
    listing = api_pb2.ListClanDescRequest().SerializeToString()
    url = f"{gateway.url}/mezon.api.Mezon/ListClanDescs"
    async with peer.http.post(url, data=listing, headers=headers) as response:
        assert api_pb2.ClanDescList.FromString(await response.read()).clandesc


async def test_this_package_reads_json_answers_too(gateway: LocalGateway) -> None:
    gateway.json_answers |= {"AddQuickMenuAccess", "UpdateRole"}
    client = MezonClient(**gateway.client_options())
    await client.login()
    clan = await client.clans.fetch(next(iter(gateway.world.clans)))
    role = gateway.world.add_role("Helper")
    assert await clan.update_role(role.id, {"title": "Boss"}) is True
    assert role.title == "Boss"
    await client.disconnect()


async def test_an_empty_answer_as_json(gateway: LocalGateway, peer: Peer) -> None:
    role = gateway.world.add_role("Helper")
    update = api_pb2.UpdateRoleRequest(role_id=role.id, title=StringValue(value="Boss"))
    headers = {"Authorization": f"Bearer {peer.session.token}", "Accept": "application/json"}
    url = f"{gateway.url}/mezon.api.Mezon/UpdateRole"
    async with peer.http.post(url, data=update.SerializeToString(), headers=headers) as response:
        assert await response.json() == {}
    assert role.title == "Boss"


@pytest.mark.parametrize("status", [403, 404, 410, 501])
async def test_every_rpc_may_be_refused_while_the_login_works(
    gateway: LocalGateway, peer: Peer, status: int
) -> None:
    gateway.http_status("rpc", status, times=None)
    await peer.login()
    for name in ("ListClanDescs", "ListChannelDescs", "UploadAttachmentFile"):
        await peer.rpc(name, b"", api_pb2.ClanDescList, status=status)
    await peer.connect()
    code, body, _ = await peer.raw_call("ListClanDescs", api_pb2.ListClanDescRequest())
    assert (code, len(api_pb2.ClanDescList.FromString(body).clandesc)) == (0, 1)


@pytest.mark.parametrize("slashes", ["/", "//"])
async def test_the_proof_service_with_a_slash_too_many(
    peer: Peer, gateway: LocalGateway, slashes: str
) -> None:
    body = {
        "user_id": str(gateway.bot_id),
        "ephemeral_pk": address_of(1),
        "jwt": "j",
        "address": address_of(gateway.bot_id),
        "client_type": "mezon",
    }
    async with peer.http.post(f"{gateway.url}/zk-api{slashes}prove", json=body) as response:
        assert response.status == 200
        assert set((await response.json())["data"]) == {"proof", "public_input"}


def test_only_loopback() -> None:
    with pytest.raises(ValueError, match="loopback"):
        LocalGateway(host="0.0.0.0")
