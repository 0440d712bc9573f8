"""What messages do to the caches: most show nothing new and are passed over, and the caches end up the same."""

from __future__ import annotations

from collections.abc import Coroutine
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mezon import _core
from mezon._events import default_effects
from mezon._events.default_effects import Effects
from mezon._gateway.codec import event_plan
from mezon.managers.cache import CacheManager
from mezon.models import ChannelMessage
from mezon.models._lazy import SenderPreview, Senders
from mezon.models.message import UserInitData
from mezon.protobuf.api import api_pb2

IDS = {"message_id": 1, "clan_id": 7, "channel_id": 1, "sender_id": 2}
LOOKS = attrgetter("username", "display_name", "clan_nick", "avatar", "clan_avatar")


async def never(key: int) -> Any:
    raise AssertionError(key)


class User:
    def __init__(self, data: UserInitData | SenderPreview) -> None:
        self.looks: list[Any] = [LOOKS(data)]

    def merge(self, message: Any) -> None:
        self.looks.append(LOOKS(message))


class Objects:
    """Makes as little as the effects need."""

    def new_clan(self, clan_id: int) -> Any:
        async def load_channels() -> None: ...

        return SimpleNamespace(id=clan_id, channels=CacheManager(never), load_channels=load_channels)

    def new_channel(self, description: Any, clan: Any) -> Any:
        return SimpleNamespace(id=description.channel_id, clan=clan)

    def new_user(self, data: UserInitData | SenderPreview) -> User:
        return User(data)

    async def refresh_clans(self) -> dict[int, Any]:
        return {}


class Plainly(Effects):
    """Looks at every message, whatever it shows: the rule that the shorter way has to keep."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.remembered: dict[int, Any] = {}

    def table(self) -> dict[str, Any]:
        return super().table() | {"channel_message": self.message}

    def message(self, message: ChannelMessage) -> None:
        client = self._client
        if client.channels.get(message.channel_id) is None:
            self._add_channel(message)
        user, looks = client.users.get(message.sender_id), LOOKS(message)
        if user is None:
            self._add_user(message)
        elif self.remembered.get(message.sender_id) == looks:
            return
        else:
            user.merge(message)
        if self.remembered.get(message.sender_id) != looks:
            if len(self.remembered) >= default_effects._MAX_SENDERS:
                self.remembered.clear()
            self.remembered[message.sender_id] = looks

    def users_removed(self, event: Any) -> None:
        super().users_removed(event)
        for user_id in event.user_ids:
            self.remembered.pop(user_id, None)


class EffectsState:
    """The effects of a client with small caches."""

    def __init__(self, kind: type[Effects], size: float) -> None:
        self.client = SimpleNamespace(
            client_id=1,
            auto_accept_friends=False,
            clans=CacheManager(never, size),
            channels=CacheManager(never, size),
            users=CacheManager(never, size),
            channel_manager=SimpleNamespace(get_all_dm_channels=dict),
        )
        self.spawned: list[str] = []
        self.effects = kind(self.client, Objects(), self.run, lambda token, refresh: None)
        self.on_message = self.effects.table()["channel_message"]

    def run(self, work: Coroutine[Any, Any, Any], what: str) -> None:
        work.close()
        self.spawned.append(what)

    def seen(self) -> Any:
        users = [(key, user.looks) for key, user in self.client.users.cache.items()]
        return list(self.client.channels.cache), users, self.spawned


ids = st.integers(1, 5)
names = st.sampled_from(["", "ann", "bob"])
sent = st.tuples(
    st.just("message"), ids, ids, names, names, st.sampled_from(["received", "decoded", "by hand"])
)
steps = st.lists(
    sent
    | sent
    | sent
    | st.tuples(st.just("removed"), ids)
    | st.tuples(st.sampled_from(["user deleted", "channel deleted", "looked up"]), ids)
    | st.tuples(st.just("cleared")),
    max_size=40,
)


def step(state: EffectsState, what: tuple[Any, ...]) -> None:
    client = state.client
    match what:
        case "message", channel, sender, name, nick, way:
            message = api_pb2.ChannelMessage(
                message_id=1, channel_id=channel, clan_id=7, sender_id=sender, username=name, clan_nick=nick
            )
            plan = event_plan("channel_message")
            assert plan is not None
            if way == "by hand":
                # As a missed message from the history: what it does not say is None.
                got = ChannelMessage(
                    message_id=1, channel_id=channel, clan_id=7, sender_id=sender, username=name or None
                )
            else:
                got = (plan.receive if way == "received" else plan.decode)(message.SerializeToString())
            state.on_message(got)
        case "removed", user:
            state.effects.users_removed(SimpleNamespace(user_ids=[user]))  # type: ignore[arg-type]
        case "user deleted", user:
            client.users.delete(user)
        case "channel deleted", channel:
            client.channels.delete(channel)
        case "looked up", key:
            client.users.get(key)
            client.channels.get(key)
        case ("cleared",):
            client.users.clear()


@settings(max_examples=400, deadline=None)
@given(steps, st.sampled_from([0, 1, 2, 3, float("inf")]), st.sampled_from([2, 4096]))
def test_the_caches_are_as_if_every_message_were_looked_at(steps: Any, size: float, most: int) -> None:
    before, default_effects._MAX_SENDERS = default_effects._MAX_SENDERS, most
    try:
        short, plain = EffectsState(Effects, size), EffectsState(Plainly, size)
        for one in steps:
            step(short, one)
            step(plain, one)
            assert short.seen() == plain.seen()
    finally:
        default_effects._MAX_SENDERS = before


def test_the_profile_is_the_same_by_any_route_of_a_message() -> None:
    plan = event_plan("channel_message")
    assert plan is not None
    body = api_pb2.ChannelMessage(username="ann", clan_nick="Ánh", avatar="a.png").SerializeToString()
    received, decoded = plan.receive(body), plan.receive(body)
    assert decoded.model_dump()["username"] == "ann"
    by_hand = ChannelMessage(**IDS, username="ann", clan_nick="Ánh", avatar="a.png")
    shown = ("ann", "", "Ánh", "a.png", "")
    assert [_core.sender_profile(message) for message in (received, decoded, by_hand)] == [shown] * 3


def test_a_cache_that_fails_is_no_cache_that_lacks() -> None:
    class Broken(Exception):
        pass

    def broken(key: int) -> None:
        raise Broken(key)

    message = ChannelMessage(**IDS)
    senders, known = Senders(10), {}.get
    diffs: list[tuple[bool, bool, bool]] = []

    def on_diff(changed: Any, *diff: bool) -> None:
        assert changed is message
        diffs.append(diff)  # type: ignore[arg-type]

    senders.notify_diff(known, known, on_diff, message)
    assert diffs == [(False, False, True)]
    senders.notify_diff(known, known, on_diff, message)
    assert len(diffs) == 1
    senders.notify_diff({}.__getitem__, known, on_diff, message)
    assert diffs[1:] == [(True, False, False)]
    with pytest.raises(Broken):
        senders.notify_diff(known, broken, on_diff, message)
    # Nor is what raises it while the caches are updated.
    with pytest.raises(KeyError, match="1"):
        senders.notify_diff({}.__getitem__, known, lambda *diff: {}[1], message)


def test_a_message_that_shows_nothing_new_is_not_decoded() -> None:
    state = EffectsState(Effects, 100)
    plan = event_plan("channel_message")
    assert plan is not None
    body = api_pb2.ChannelMessage(channel_id=1, sender_id=2, username="ann").SerializeToString()
    first, second = plan.receive(body), plan.receive(body)
    state.on_message(first)
    state.on_message(second)
    assert not hasattr(first, "_undecoded")
    assert hasattr(second, "_undecoded")
    assert state.client.users.get(2).looks == [("ann", "", "", "", "")]
