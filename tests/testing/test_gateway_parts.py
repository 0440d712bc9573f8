"""The parts of the local gateway work without a gateway: a test creates the part that it needs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import Limits, Sent, User, World
from mezon.testing.connection import ConnectionRegistry
from mezon.testing.faults import FaultRules
from mezon.testing.interactions import Interactions
from mezon.testing.limits import TOO_MANY, LimitEnforcer
from mezon.testing.recorder import Recorder
from mezon.testing.records import Tap
from mezon.testing.rpc import Caller, RpcError, call
from mezon.testing.state import ServerState
from mezon.testing.users import SimulatedUsers

BOT = 7


class Events(Tap):
    def __init__(self) -> None:
        self.published: list[realtime_pb2.Envelope] = []

    def on_published(self, envelope: realtime_pb2.Envelope, receivers: Sequence[int] = ()) -> None:
        self.published.append(envelope)


@pytest.fixture
def state() -> ServerState:
    return ServerState(World(User(BOT, "echo", is_bot=True)))


@pytest.fixture
def registry(state: ServerState) -> ConnectionRegistry:
    return ConnectionRegistry(state, Recorder(state.world), FaultRules())


def send(text: str = "hi", *, at: float = 0.0, channel_id: int = 0) -> Sent:
    message = realtime_pb2.ChannelMessageSend(channel_id=channel_id, content=f'{{"t":"{text}"}}')
    return Sent("channel_message_send", message, cid=1, time=at, connection=1)


def test_fault_rules_add_delays_up_and_end_with_the_first_error() -> None:
    rules = FaultRules()
    rules.delay("message", 1.0)
    rules.delay("*", 0.5, times=1)
    rules.answer_with_error("message", 7, match=lambda sent: "no" in sent.content)
    rules.silence("message")
    seconds, rule = rules.for_socket(send("no"))
    assert (seconds, rule.error if rule is not None else None) == (1.5, (7, "refused by the test", {}))
    seconds, rule = rules.for_socket(send("no"))
    assert (seconds, rule.silent if rule is not None else None) == (1.0, True)
    rules.clear()
    assert rules.for_socket(send("no")) == (0.0, None)


def test_a_stall_needs_a_started_gateway() -> None:
    rules = FaultRules()
    with pytest.raises(RuntimeError, match=r"call start\(\) before stall\(\)"):
        rules.stall()
    assert not rules.stalled


def test_the_limit_enforcer_slides_its_window() -> None:
    enforcer, limits = LimitEnforcer(), Limits(sends_per_second=2)
    assert [enforcer.check(send(at=at), limits) for at in (0.0, 0.5)] == [None, None]
    refusal = enforcer.check(send(at=0.9), limits)
    assert refusal is not None
    assert (refusal.code, refusal.text) == (TOO_MANY, "more than 2 messages in a second")
    assert enforcer.check(send(at=1.0), limits) is None


async def test_the_recorder_lists_what_was_sent_instead(state: ServerState) -> None:
    recorder = Recorder(state.world)
    recorder.record_sent(send("other", channel_id=state.world.channel("general").id))
    with pytest.raises(AssertionError, match=r"it sent instead:\n  message in general: 'other'$"):
        await recorder.expect("hello", timeout=0.01)
    assert (await recorder.expect("other")).text == "other"
    await recorder.expect_nothing(seconds=0.0)


def test_the_state_accepts_a_message_and_forgets_an_ephemeral_one(state: ServerState) -> None:
    general = state.world.channel("general")
    request = realtime_pb2.ChannelMessageSend(channel_id=general.id, content='{"t":"hi"}')
    ack, message = state.accept_message(BOT, request)
    assert ack.message_id == message.message_id == state.find_message(message.message_id).message_id
    _, ephemeral = state.accept_message(BOT, request, remember=False)
    assert [one.message_id for one in state.world.messages(general)] == [message.message_id]
    assert state.find_message(ephemeral.message_id) is ephemeral
    with pytest.raises(LookupError, match="there is no message 1 "):
        state.find_message(1)


def test_an_upload_is_accepted_once(state: ServerState) -> None:
    state.expect_upload("a.txt", "text/plain")
    (key,) = state.expected_uploads
    upload = state.receive_upload(key, b"x")
    assert upload is not None
    assert state.uploads == {upload.url: upload}
    assert state.receive_upload(key, b"y") is None


async def test_users_and_interactions_need_no_connection(registry: ConnectionRegistry) -> None:
    events, world = Events(), registry.state.world
    registry.recorder.taps.append(events)
    content = {"components": [{"components": [{"id": "ok", "type": 1, "component": {"label": "OK"}}]}]}
    message_id = await SimulatedUsers(registry).say("general", world.bot, content)
    await Interactions(registry).click(message_id, "bob", "OK", extra_data="{}")
    said, clicked = events.published
    assert said.channel_message.message_id == message_id
    assert clicked.message_button_clicked == realtime_pb2.MessageButtonClicked(
        message_id=message_id,
        channel_id=world.channel("general").id,
        button_id="ok",
        sender_id=world.bot.id,
        user_id=world.user("bob").id,
        extra_data="{}",
    )


def test_an_rpc_needs_no_transport(registry: ConnectionRegistry) -> None:
    caller = Caller(registry, BOT)
    _, answer = call(caller, "ListClanDescs", b"")
    assert isinstance(answer, api_pb2.ClanDescList)
    assert [clan.clan_name for clan in answer.clandesc] == ["Playground"]
    with pytest.raises(RpcError, match="the local gateway has no RPC Nothing") as refused:
        call(caller, "Nothing", b"")
    assert refused.value.status == 404


def test_the_old_name_of_ensure_senders_is_deprecated(state: ServerState) -> None:
    with pytest.warns(DeprecationWarning, match=r"World\.ensure_senders"):
        channels, users = state.world.ensure_crowd(3, 4)
    assert (len(channels), len(users)) == (3, 4)
