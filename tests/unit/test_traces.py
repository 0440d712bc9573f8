"""Traces: what is redacted, what stays, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mezon.ports import HttpExchange
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.traces import TraceError, read_trace, write_trace

SECRET = "the-key-of-the-bot"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxfQ.c2lnbmF0dXJl"


def write(path: Path, *rows: tuple[str, bytes], **options: Any) -> list[dict[str, Any]]:
    count = write_trace(
        path,
        [(1000.0 + number, kind, body) for number, (kind, body) in enumerate(rows)],
        bot_id=7,
        reason="a test",
        version="1.2.3",
        secrets=(SECRET,),
        **options,
    )
    assert count == len(rows)
    return [json.loads(line) for line in path.read_text().splitlines()][1:]


def message(**fields: Any) -> bytes:
    return realtime_pb2.Envelope(channel_message=api_pb2.ChannelMessage(**fields)).SerializeToString()


def test_texts_keep_their_shape_and_nothing_else(tmp_path: Path) -> None:
    content = {
        "t": "Gặp Bob ở 12 Lê Lợi 💥 nhé",
        "mk": [{"type": "b", "s": 0, "e": 3}],
        "embed": [{"title": "Bí mật"}],
    }
    mentions = api_pb2.MessageMentionList(
        mentions=[api_pb2.MessageMention(user_id=5, username="bob", s=4, e=7)]
    )
    (line,) = write(
        tmp_path / "t.mzt",
        (
            "received",
            message(
                channel_id=1,
                message_id=2,
                sender_id=3,
                username="alice",
                content=json.dumps(content),
                mentions=mentions.SerializeToString(),
                attachments=b'[{"url":"https://cdn/x?sig=1","filetype":"image/png"}]',
            ),
        ),
    )
    shown = line["message"]
    assert (shown["channel_id"], shown["message_id"], shown["username"]) == ("1", "2", "xxxxx")
    redacted = json.loads(shown["content"])
    assert redacted["t"] == "xxx xxx x 00 xx xxx 🟦 xxx"
    assert redacted["mk"] == content["mk"]
    assert redacted["embed"] == [{"title": "xx xxx"}]
    envelope = read_trace(tmp_path / "t.mzt").records[0].envelope()
    kept = api_pb2.MessageMentionList.FromString(envelope.channel_message.mentions)
    assert [(one.user_id, one.username, one.s, one.e) for one in kept.mentions] == [(5, "xxx", 4, 7)]
    assert json.loads(envelope.channel_message.attachments) == [
        {"url": "xxxxx://xxx/x?xxx=0", "filetype": "image/png"}
    ]


def test_with_texts_only_secrets_are_redacted(tmp_path: Path) -> None:
    content = json.dumps({"t": f"my key is {SECRET}, my token {JWT}", "token": "abc-1"})
    write(tmp_path / "t.mzt", ("sent", message(content=content, username="alice")), texts=True)
    text = (tmp_path / "t.mzt").read_text()
    assert "my key is [hidden], my token [hidden]" in text
    assert '"username":"alice"' in text
    assert "abc-1" not in text
    assert read_trace(tmp_path / "t.mzt").header["texts"] is True


def test_ids_of_buttons_and_errors_of_the_server_stay(tmp_path: Path) -> None:
    click = realtime_pb2.Envelope(
        message_button_clicked=realtime_pb2.MessageButtonClicked(
            message_id=4, button_id="order:12", extra_data='{"wish":"no onions"}'
        )
    )
    error = realtime_pb2.Envelope(cid=9, error=realtime_pb2.Error(code=3, message="no such channel"))
    lines = write(
        tmp_path / "t.mzt", ("received", click.SerializeToString()), ("received", error.SerializeToString())
    )
    assert lines[0]["message"]["button_id"] == "order:12"
    assert json.loads(lines[0]["message"]["extra_data"]) == {"wish": "xx xxxxxx"}
    assert (lines[1]["cid"], lines[1]["message"]["message"]) == (9, "no such channel")
    assert [record.is_event for record in read_trace(tmp_path / "t.mzt").records] == [True, False]


def test_unknown_fields_are_named_without_their_content(tmp_path: Path) -> None:
    # Field 99 of a ChannelMessage, of a newer server.
    body = api_pb2.ChannelMessage(channel_id=1).SerializeToString() + b"\x9a\x06\x06hidden"
    envelope = realtime_pb2.Envelope(
        channel_message=api_pb2.ChannelMessage.FromString(body)
    ).SerializeToString()
    assert b"hidden" in envelope
    (line,) = write(tmp_path / "t.mzt", ("received", envelope))
    assert line["unknown"] == ["99:2"]
    assert "hidden" not in (tmp_path / "t.mzt").read_text()


def test_http_exchanges_and_what_is_no_envelope(tmp_path: Path) -> None:
    login = HttpExchange(
        "authenticate", "POST", "/v2/apps/authenticate/token", 200, 0.1,
        json.dumps({"account": {"appid": "7", "token": SECRET}}).encode(), JWT.encode(),
    )  # fmt: skip
    listing = HttpExchange(
        "ListClanDescs", "POST", "/mezon.api.Mezon/ListClanDescs", 200, 0.1, b"",
        api_pb2.ClanDescList(clandesc=[api_pb2.ClanDesc(clan_id=8, clan_name="Company")]).SerializeToString(),
    )  # fmt: skip
    upload = HttpExchange("upload", "PUT", "/bucket/secret-plan.pdf", 0, 2.0, b"%PDF", b"", "HttpFailure")
    lines = write(
        tmp_path / "t.mzt",
        *(("http", one.encode()) for one in (login, listing, upload)),
        ("received", b"\x08\x80"),
        ("chunk", b"\xff\x00\x07\x00\x02\x00\xffpayload"),
        ("lost", b"the server closed the connection"),
    )
    assert lines[0]["request"] == {"json": {"account": {"appid": "7", "token": "xxx-xxx-xx-xxx-xxx"}}}
    assert lines[0]["response"] == {"size": len(JWT)}
    assert lines[1]["response"]["message"] == {"clandesc": [{"clan_name": "xxxxxxx", "clan_id": "8"}]}
    assert (lines[2]["path"], lines[2]["status"], lines[2]["error"]) == ("", 0, "HttpFailure")
    assert (lines[3]["event"], lines[3]["size"]) == ("", 2)
    assert lines[4] == {"at": 1004.0, "kind": "chunk", "cid": 7, "code": 2, "last": True, "size": 7}
    assert lines[5]["reason"] == "the server closed the connection"
    text = (tmp_path / "t.mzt").read_text()
    assert not [word for word in (SECRET, JWT, "Company", "secret-plan", "payload", "PDF") if word in text]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file"),
        ("", "is not a trace of mezon-rs"),
        ("hello\n", "is not a trace of mezon-rs"),
        ("[1]\n", "is not a trace of mezon-rs"),
        ('{"mezon_trace":2}\n', "has version 2 of the format; this mezon-rs reads 1: upgrade it"),
        ('{"mezon_trace":1}\n{"kind":"sent"}\n', "is damaged: a line has no time or no kind"),
    ],
)
def test_what_is_no_trace_is_named(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "t.mzt"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TraceError, match=sentence):
        read_trace(path)


def test_a_trace_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "t.mzt"
    write(path, ("opened", b"tcp"))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="Expecting value"):
        write(path, ("http", b"\x00\x00\x00\x02no"))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o077 == 0
