"""Fields of a later schema: kept where the protobuf message is handed on, and logged once at DEBUG."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from client_types import Connect
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from patience import patient
from waiting import until

#: The process logs each field once, so each transport sends a number of its own.
NUMBERS = {"websocket": 1900, "tcp": 1901}


def later_field(number: int) -> bytes:
    """Field `number` with the text ``later``."""
    key = number << 3 | 2
    return bytes([key & 0x7F | 0x80, key >> 7]) + b"\x05later"


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = [record for record in caplog.records if record.name == "mezon.core"]
    assert {record.levelno for record in records if "does not know" in record.getMessage()} <= {logging.DEBUG}
    return [text for record in records if "does not know" in (text := record.getMessage())]


async def test_unknown_fields_are_kept_and_logged_once(
    gateway: LocalGateway, connect: Connect, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="mezon.core")
    number = NUMBERS[transport]
    later = later_field(number)
    heard: asyncio.Queue[Any] = asyncio.Queue()
    client = await connect(heard.put_nowait)
    client.on("message_button_clicked", heard.put_nowait)

    clicked = realtime_pb2.MessageButtonClicked(button_id="yes", channel_id=5).SerializeToString() + later
    files = api_pb2.MessageAttachmentList(
        attachments=[
            api_pb2.MessageAttachment.FromString(
                api_pb2.MessageAttachment(filename="a").SerializeToString() + later
            )
        ]
    )
    message = api_pb2.ChannelMessage(
        channel_id=5, message_id=6, sender_id=7, content='{"t":"hi"}', attachments=files.SerializeToString()
    )
    for _ in range(3):
        await gateway.push(message_button_clicked=realtime_pb2.MessageButtonClicked.FromString(clicked))
        event = await asyncio.wait_for(heard.get(), patient(5))
        assert event.button_id == "yes"
        assert later in event.SerializeToString(), "the event is handed on with its unknown fields"

        known = realtime_pb2.Envelope(
            channel_message=api_pb2.ChannelMessage.FromString(message.SerializeToString() + later)
        )
        await gateway.push_raw(known.SerializeToString() + later)
        received = await asyncio.wait_for(heard.get(), patient(5))
        assert received.content == {"t": "hi"}
        assert [file.filename for file in received.attachments] == ["a"]

    def expected(message: str) -> str:
        return f"the server sends field {number} of mezon.{message}, which this version does not know"

    # The attachments were decoded on access, so the next events bring the record.
    await until(lambda: len(logged(caplog)) >= 4)
    await client.disconnect()
    assert sorted(logged(caplog)) == [
        expected("api.ChannelMessage"),
        expected("api.MessageAttachment"),
        expected("realtime.Envelope"),
        expected("realtime.MessageButtonClicked"),
    ]


async def test_unknown_fields_are_not_logged_above_debug(
    gateway: LocalGateway, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mezon.core")
    heard: asyncio.Queue[Any] = asyncio.Queue()
    await connect(heard.put_nowait)
    message = api_pb2.ChannelMessage(channel_id=5, message_id=6, content='{"t":"hi"}').SerializeToString()
    known = api_pb2.ChannelMessage.FromString(message + later_field(1950))
    for _ in range(2):
        await gateway.push(channel_message=known)
        assert (await asyncio.wait_for(heard.get(), patient(5))).content == {"t": "hi"}
    assert logged(caplog) == []
