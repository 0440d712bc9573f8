"""A tap on the gateway is told of frames both ways, of what happens in the world, and of HTTP requests."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_peer import Peer
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from mezon.testing.records import Request, Sent
from mezon.testing.tap import Answer, Tap


class Ear(Tap):
    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def came(self, sent: Sent) -> None:
        self.heard.append(("came", sent.kind))

    def went(self, answer: Answer) -> None:
        kind = answer.envelope.WhichOneof("message") if answer.envelope is not None else answer.code
        self.heard.append(("went", kind))

    def told(self, envelope: realtime_pb2.Envelope, receivers: Sequence[int] = ()) -> None:
        self.heard.append(("told", (envelope.WhichOneof("message"), list(receivers))))

    def requested(self, request: Request) -> None:
        self.heard.append(("requested", (request.name, request.status)))

    def connected(self, live: int) -> None:
        self.heard.append(("connected", live))


async def test_what_a_tap_hears(gateway: LocalGateway) -> None:
    ear = Ear()
    gateway.taps.append(ear)
    general, alice = gateway.world.channel("general"), gateway.world.user("alice")
    await gateway.say(general, alice, "nobody is there")
    assert ear.heard == [("told", ("channel_message", []))]
    async with Peer(gateway) as peer:
        await peer.connect()
        assert ("requested", ("/v2/apps/authenticate/token", 200)) in ear.heard
        assert ear.heard[-1] == ("connected", 1)
        ear.heard.clear()

        send = realtime_pb2.ChannelMessageSend(channel_id=general.id, content='{"t":"hi"}')
        await peer.write(channel_message_send=send)
        await peer.read_bytes()
        await peer.read_bytes()
        assert ear.heard == [
            ("came", "channel_message_send"),
            ("went", "channel_message_ack"),
            ("told", ("channel_message", [])),
            ("went", "channel_message"),
        ]
        ear.heard.clear()

        whisper = realtime_pb2.EphemeralMessageSend(message=send, receiver_ids=[alice.id])
        await peer.write(ephemeral_message_send=whisper)
        await peer.read_bytes()
        assert ear.heard[-1] == ("told", ("channel_message", [alice.id]))
        ear.heard.clear()

        await peer.write(api_request_event=realtime_pb2.ApiRequestEvent(api_name="NoSuchApi"))
        await peer.read_bytes()
        (came, went) = ear.heard
        assert came == ("came", "api_request_event")
        assert went[0] == "went"
        assert went[1] != 0
    await gateway.wait_disconnected()
    assert ("connected", 0) in ear.heard


async def test_a_refused_request_is_told_with_its_status(gateway: LocalGateway) -> None:
    ear = Ear()
    gateway.taps.append(ear)
    async with Peer(gateway) as peer:
        gateway.http_status("ListClanDescs", 429)
        await peer.http.post(gateway.url + "/mezon.api.Mezon/ListClanDescs")
    assert ear.heard[-1] == ("requested", ("ListClanDescs", 429))


async def test_what_was_sent_knows_its_message(gateway: LocalGateway) -> None:
    general = gateway.world.channel("general")
    async with Peer(gateway) as peer:
        await peer.connect()
        send = realtime_pb2.ChannelMessageSend(channel_id=general.id, content='{"t":"hi"}')
        await peer.write(channel_message_send=send)
        sent = await gateway.next_sent("channel_message_send")
        await peer.read_bytes()
        assert sent.message_id == gateway.world.messages(general)[-1].message_id
        gateway.answer_with_error("channel_message_send", 7)
        await peer.write(channel_message_send=send)
        assert (await gateway.next_sent("channel_message_send")).message_id == 0
