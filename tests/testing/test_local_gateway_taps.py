"""A tap of the gateway observes frames in both directions, events and HTTP requests."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_peer import Peer
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from mezon.testing.records import Answer, Request, Sent, Tap


class RecordingTap(Tap):
    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []

    def on_sent(self, sent: Sent) -> None:
        self.calls.append(("sent", sent.kind))

    def on_written(self, answer: Answer) -> None:
        kind = answer.envelope.WhichOneof("message") if answer.envelope is not None else answer.code
        self.calls.append(("written", kind))

    def on_published(self, envelope: realtime_pb2.Envelope, receivers: Sequence[int] = ()) -> None:
        self.calls.append(("published", (envelope.WhichOneof("message"), list(receivers))))

    def on_request(self, request: Request) -> None:
        self.calls.append(("request", (request.name, request.status)))

    def on_connections(self, live: int) -> None:
        self.calls.append(("connections", live))


async def test_a_tap_observes_traffic_in_order(gateway: LocalGateway) -> None:
    tap = RecordingTap()
    gateway.taps.append(tap)
    general, alice = gateway.world.channel("general"), gateway.world.user("alice")
    await gateway.say(general, alice, "nobody is there")
    assert tap.calls == [("published", ("channel_message", []))]
    async with Peer(gateway) as peer:
        await peer.connect()
        assert ("request", ("/v2/apps/authenticate/token", 200)) in tap.calls
        assert tap.calls[-1] == ("connections", 1)
        tap.calls.clear()

        send = realtime_pb2.ChannelMessageSend(channel_id=general.id, content='{"t":"hi"}')
        await peer.write(channel_message_send=send)
        await peer.read_bytes()
        await peer.read_bytes()
        assert tap.calls == [
            ("sent", "channel_message_send"),
            ("written", "channel_message_ack"),
            ("published", ("channel_message", [])),
            ("written", "channel_message"),
        ]
        tap.calls.clear()

        whisper = realtime_pb2.EphemeralMessageSend(message=send, receiver_ids=[alice.id])
        await peer.write(ephemeral_message_send=whisper)
        await peer.read_bytes()
        assert tap.calls[-1] == ("published", ("channel_message", [alice.id]))
        tap.calls.clear()

        await peer.write(api_request_event=realtime_pb2.ApiRequestEvent(api_name="NoSuchApi"))
        await peer.read_bytes()
        (came, went) = tap.calls
        assert came == ("sent", "api_request_event")
        assert went[0] == "written"
        assert went[1] != 0
    await gateway.wait_disconnected()
    assert ("connections", 0) in tap.calls


async def test_a_refused_request_is_told_with_its_status(gateway: LocalGateway) -> None:
    tap = RecordingTap()
    gateway.taps.append(tap)
    async with Peer(gateway) as peer:
        gateway.http_status("ListClanDescs", 429)
        await peer.http.post(gateway.url + "/mezon.api.Mezon/ListClanDescs")
    assert tap.calls[-1] == ("request", ("ListClanDescs", 429))


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
