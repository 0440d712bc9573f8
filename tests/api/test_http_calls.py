"""The calls the vectors do not have: roles, friends, history, uploads, media, calls of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from google.protobuf.wrappers_pb2 import StringValue
from http_doubles import Server
from mezon import errors
from mezon.api import MezonApi
from mezon.models import ApiAccountApp, ApiAuthenticateRequest, ApiCreateChannelDescRequest
from mezon.protobuf.api import api_pb2

ID = 1840000000767623395


def proto(message: Any, **options: Any) -> web.Response:
    return web.Response(body=message.SerializeToString(), **options)


async def test_update_role_sets_what_is_given(server: Server, api: MezonApi) -> None:
    given = {
        "title": "Admins",
        "description": "",
        "role_icon": None,
        "allow_mention": 1,
        "add_user_ids": [str(ID), 2],
        "clan_id": str(ID),
        "max_permission_id": 9,
    }
    assert await api.update_role("T", str(ID), given) is True  # type: ignore[arg-type]
    sent = api_pb2.UpdateRoleRequest.FromString(server.seen[0].body)
    assert sent == api_pb2.UpdateRoleRequest(
        role_id=ID,
        title=StringValue(value="Admins"),
        description=StringValue(value=""),
        allow_mention=1,
        add_user_ids=[ID, 2],
        clan_id=ID,
        max_permission_id=9,
    )
    assert sent.HasField("description")
    assert not sent.HasField("color")
    assert not sent.HasField("role_icon")
    assert server.seen[0].path == "/mezon.api.Mezon/UpdateRole"
    with pytest.raises(errors.InvalidArgumentError, match="colour"):
        await api.update_role("T", ID, {"colour": "red"})


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(),
        web.Response(text="", content_type="text/plain"),
        web.Response(body=b"\x08\x01", content_type="application/proto"),
        web.Response(text="{}", content_type="application/json"),
    ],
)
async def test_update_role_takes_any_success(answer: web.Response, server: Server, api: MezonApi) -> None:
    server.script = [answer]
    assert await api.update_role("T", 1, {}) is True


async def test_list_friends(server: Server, api: MezonApi) -> None:
    server.script = [
        proto(
            api_pb2.FriendList(
                friends=[
                    api_pb2.Friend(user=api_pb2.User(id=ID, username="an"), state=2),
                    api_pb2.Friend(user=api_pb2.User(id=6)),
                ],
                cursor="next",
            )
        )
    ]
    page = await api.list_friends("T", 10, state=2, cursor="c")
    assert server.seen[0].path == "/mezon.api.Mezon/ListFriends"
    sent = api_pb2.ListFriendsRequest.FromString(server.seen[0].body)
    assert sent == api_pb2.ListFriendsRequest(limit=10, state=2, cursor="c")
    assert [
        (friend.user.id, friend.user.username, friend.state) for friend in page.friends if friend.user
    ] == [
        (ID, "an", 2),
        (6, "", 0),
    ]
    assert page.cursor == page["cursor"] == page.get("cursor") == "next"


@pytest.mark.parametrize(
    ("arguments", "ids", "usernames"),
    [
        ({"ids": [ID, "7"]}, [ID, 7], []),
        ({"ids": str(ID)}, [ID], []),
        ({"ids": ID, "usernames": "an"}, [ID], ["an"]),
        ({"usernames": ["an", "", "binh"]}, [], ["an", "binh"]),
    ],
)
async def test_add_friends(
    arguments: dict[str, Any], ids: list[int], usernames: list[str], server: Server, api: MezonApi
) -> None:
    server.script = [proto(api_pb2.AddFriendsResponse(ids=[ID]))]
    answer = await api.add_friends("T", **arguments)
    assert list(answer.ids) == [ID]
    sent = api_pb2.AddFriendsRequest.FromString(server.seen[0].body)
    assert (list(sent.ids), list(sent.usernames)) == (ids, usernames)


async def test_add_friends_needs_somebody(server: Server, api: MezonApi) -> None:
    for arguments in ({}, {"ids": [0]}, {"usernames": ""}):
        with pytest.raises(errors.InvalidArgumentError, match="pass ids or usernames"):
            await api.add_friends("T", **arguments)  # type: ignore[arg-type]
    assert server.seen == []


async def test_list_channel_messages(server: Server, api: MezonApi) -> None:
    server.script = [
        proto(
            api_pb2.ChannelMessageList(
                messages=[
                    api_pb2.ChannelMessage(message_id=1, channel_id=ID, content='{"t":"xin chào"}'),
                    api_pb2.ChannelMessage(message_id=2, channel_id=ID, content="broken"),
                ]
            )
        )
    ]
    messages = await api.list_channel_messages("T", None, str(ID), 9, limit=20, direction=1, topic_id=4)  # type: ignore[arg-type]
    sent = api_pb2.ListChannelMessagesRequest.FromString(server.seen[0].body)
    assert sent == api_pb2.ListChannelMessagesRequest(
        channel_id=ID, message_id=9, limit=20, direction=1, topic_id=4
    )
    assert [(message.message_id, message.content) for message in messages] == [
        (1, {"t": "xin chào"}),
        (2, {}),
    ]


@pytest.mark.parametrize("from_disk", [True, False])
async def test_upload_file(from_disk: bool, server: Server, api: MezonApi, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    signed = f"{server.url}/store/a%7Eb%2fc.png?X-Amz-Signature=s%2Bs&X-Amz-Expires=9"
    asked: list[str] = []

    async def store(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.Response()

    server.script = [proto(api_pb2.UploadAttachment(filename="1/2/c.png", url=signed)), store]
    if from_disk:
        (tmp_path / "cát.png").write_bytes(content)
        attachment = await api.upload_file("T", tmp_path / "cát.png", width=4, height=5)
    else:
        attachment = await api.upload_file("T", content, filename="cát.png", width=4, height=5)
    request = api_pb2.UploadAttachmentRequest.FromString(server.seen[0].body)
    assert request == api_pb2.UploadAttachmentRequest(
        filename="cát.png", filetype="image/png", size=len(content), width=4, height=5
    )
    put = server.seen[1]
    assert put.method == "PUT"
    assert put.body == content
    assert put.headers["Content-Type"] == "image/png"
    assert put.headers["Content-Length"] == str(len(content))
    assert "Authorization" not in put.headers
    # The signature is over the URL as it was given, so not a character of it may change.
    assert asked == ["/store/a%7Eb%2fc.png?X-Amz-Signature=s%2Bs&X-Amz-Expires=9"]
    assert attachment.url == f"{server.url}/store/a%7Eb%2fc.png"
    assert (attachment.filename, attachment.filetype, attachment.size) == (
        "cát.png",
        "image/png",
        len(content),
    )
    assert (attachment.width, attachment.height) == (4, 5)


async def test_an_upload_url_without_a_signature_is_kept_whole(server: Server, api: MezonApi) -> None:
    url = f"{server.url}/f?version=3"
    server.script = [proto(api_pb2.UploadAttachment(filename="f", url=url))]
    attachment = await api.upload_file("T", b"", filename="f.bin-x", content_type="text/x")
    assert attachment.url == url
    assert server.seen[1].headers["Content-Type"] == "text/x"
    assert server.seen[1].headers["Content-Length"] == "0"


async def test_uploads_that_fail(server: Server, api: MezonApi, tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="filename="):
        await api.upload_file("T", b"x")
    with pytest.raises(FileNotFoundError):
        await api.upload_file("T", str(tmp_path / "none"))
    with pytest.raises(errors.InvalidArgumentError, match="too many"):
        await api.upload_attachment_file("T", "f", "t", 2**31)
    assert server.seen == []
    with pytest.raises(errors.MezonError, match="returned no URL"):
        await api.upload_file("T", b"x", filename="f")
    place = proto(api_pb2.UploadAttachment(filename="f", url=f"{server.url}/f?sig=signature-secret"))
    server.script = [place, web.Response(status=403, text="Signature expired: sig")]
    with pytest.raises(errors.ApiError, match="storage did not accept the file") as caught:
        await api.upload_file("T", b"x", filename="f")
    assert caught.value.status == 403
    assert "signature-secret" not in repr(vars(caught.value))


async def test_play_media(server: Server, api: MezonApi) -> None:
    assert api.playmedia_url == "https://stn.mezon.ai/api/playmedia"
    api.playmedia_url = f"{server.url}/api/playmedia"
    server.script = [web.json_response({"ok": True})]
    body = {"room_name": "r", "participant_identity": "1", "participant_name": "b", "url": "u", "name": None}
    assert await api.play_media("T", body) == {"ok": True}
    [seen] = server.seen
    assert (seen.method, seen.path, seen.token) == ("POST", "/api/playmedia", "T")
    assert seen.headers["Content-Type"] == seen.headers["Accept"] == "application/json"
    assert json.loads(seen.body) == {name: value for name, value in body.items() if value is not None}
    assert await api.play_media("T", body) is None  # an empty answer


async def test_a_call_of_ones_own(server: Server, api: MezonApi) -> None:
    server.script = [web.json_response([1]), proto(api_pb2.ClanDesc(clan_id=ID)), web.Response(text="plain")]
    assert await api.call_api("GET", "/v2/x", {"a": "b c", "n": None}) == [1]
    assert (server.seen[0].path, server.seen[0].query) == ("/v2/x", {"a": "b c"})
    message = await api.call_api("POST", "/y", body=b"\x01", response_proto_class=api_pb2.ClanDesc)
    assert message.clan_id == ID
    assert await api.call_api("POST", f"{server.url}/z", body="text") == "plain"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/proto"},
        {"Content-Type": "application/x-protobuf"},
        {"Content-Type": "application/protobuf"},
        {"Content-Type": "application/octet-stream"},
        {"Content-Type": "text/plain; charset=utf-8"},
        {"Content-Type": "text/plain;charset=UTF-8"},
        {"Content-Type": "Application/Proto; messageType=x"},
    ],
)
@pytest.mark.parametrize("empty", [True, False])
async def test_binary_answers_under_any_type_or_none(
    headers: dict[str, str], empty: bool, server: Server, api: MezonApi
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        if not headers:
            response.headers["Content-Type"] = "x"
            response._prepare_headers = _without_type(response)  # type: ignore[method-assign]
        await response.prepare(request)
        if not empty:
            await response.write(
                api_pb2.ClanDescList(clandesc=[api_pb2.ClanDesc(clan_id=ID)]).SerializeToString()
            )
        return response

    server.script = [answer]
    clans = await api.list_clans_descs("T")
    assert [clan.clan_id for clan in clans.clandesc] == ([] if empty else [ID])


def _without_type(response: web.StreamResponse) -> Any:
    prepare = response._prepare_headers

    async def wrapped() -> None:
        await prepare()
        response.headers.popall("Content-Type", None)

    return wrapped


@pytest.mark.parametrize(
    "value",
    [
        {"clandesc": [{"clan_id": str(ID), "clan_name": "n", "unknown": 1}]},
        {"clandesc": [{"clanId": ID, "clanName": "n"}]},
    ],
)
async def test_json_answers(value: Any, server: Server, api: MezonApi) -> None:
    server.script = [web.json_response(value)]
    clans = await api.list_clans_descs("T")
    assert [(clan.clan_id, clan.clan_name) for clan in clans.clandesc] == [(ID, "n")]


async def test_login_in_json(server: Server, api: MezonApi) -> None:
    server.script = [web.json_response({"token": "t", "api_url": "https://a", "user_id": str(ID)})]
    request = ApiAuthenticateRequest(account=ApiAccountApp(appid="77", token="key:ö", vars={"a": "b"}))
    session = await api.mezon_authenticate("77", "key:ö", request)
    assert (session.token, session.api_url, session.user_id, session.ws_url) == ("t", "https://a", ID, None)
    assert json.loads(server.seen[0].body) == {
        "account": {"appid": "77", "token": "key:ö", "vars": {"a": "b"}}
    }
    assert server.seen[0].headers["Authorization"] == "Basic Nzc6a2V5OsO2"  # 77:key:ö in UTF-8


async def test_ids_may_be_strings_of_digits(server: Server, api: MezonApi) -> None:
    await api.get_channel_detail("T", str(ID))  # type: ignore[arg-type]
    assert api_pb2.ListChannelDetailRequest.FromString(server.seen[0].body).channel_id == ID
    await api.create_channel_desc("T", ApiCreateChannelDescRequest(type=3, user_ids=[ID]))
    assert list(api_pb2.CreateChannelDescRequest.FromString(server.seen[1].body).user_ids) == [ID]
    for wrong in ("12a", 1.5, 2**63, "", []):
        if wrong == "":
            await api.get_channel_detail("T", wrong)  # type: ignore[arg-type]
            continue
        with pytest.raises(errors.InvalidArgumentError, match="channel_id must be an id"):
            await api.get_channel_detail("T", wrong)  # type: ignore[arg-type]


async def test_none_counts_as_nothing_given(server: Server, api: MezonApi) -> None:
    await api.list_channel_voice_users("T", ID, None, None, 500, None, None)
    sent = api_pb2.ListChannelUsersRequest.FromString(server.seen[0].body)
    assert sent == api_pb2.ListChannelUsersRequest(clan_id=ID, limit=500)
    await api.list_quick_menu_access("T", None, None, None)
    await api.delete_quick_menu_access("T")
    assert [seen.body for seen in server.seen[1:]] == [b"", b""]
