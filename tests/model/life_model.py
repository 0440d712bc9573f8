"""A client's lifecycle as a hypothesis state machine, and the ledger of invariants."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections import Counter, defaultdict
from typing import Any, Final

from fault_kit import Bot
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from mezon import DeliveryUnknownError, GapOptions, MezonConnectionError, MezonError, MezonTimeoutError
from mezon.testing import GatewayThread, Sent
from patience import patient
from waiting import until

CHANNELS: Final = ("general", "random", "third")
LOGIN: Final = "/v2/apps/authenticate/token"
RATE: Final = 80

channels = st.sampled_from(CHANNELS)


class ClientLife(RuleBasedStateMachine):
    """One client at one gateway. The client's loop runs during a rule, the gateway in its own thread.

    Attributes:
        transport: The transport of the client.
    """

    transport: str = "auto"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.said: dict[int, list[int]] = defaultdict(list)
        self.number = 0
        self.tried: list[str] = []
        self.acknowledged: list[str] = []
        self.unknown: set[str] = set()
        self.refused: set[str] = set()

    def run(self, work: Any) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(patient(40)):
                return await work

        return self.runner.run(bounded())

    # At the start the bot receives a message of each channel, so that gaps are filled there.

    @initialize()
    def log_in(self) -> None:
        self.run(self._log_in())

    async def _log_in(self) -> None:
        self.server = GatewayThread().start()
        self.gateway = self.server.gateway
        self.gateway.world.add_channel("third")
        self.bot = Bot(self.gateway, fill_gaps=GapOptions(timeout=60.0), transport=self.transport)
        await self.bot.login()
        await self.server.arun(self.gateway.wait_joined())
        await self._be_heard_everywhere()

    async def _be_heard_everywhere(self) -> None:
        """Gaps are filled in channels with a message since the login."""
        for name in CHANNELS:
            await self._say(name)
        wanted = sum(map(len, self.said.values()))
        await until(lambda: len(self._heard()) == wanted, "a message of each channel")

    # Actions of users

    async def _say(self, channel: str) -> None:
        self.number += 1
        message_id = await self.server.arun(self.gateway.say(channel, "alice", f"said {self.number}"))
        self.said[self.gateway.world.channel(channel).id].append(message_id)

    @rule(channel=channels, count=st.integers(1, 30))
    def users_talk(self, channel: str, count: int) -> None:
        async def talk() -> None:
            for _ in range(count):
                await self._say(channel)

        self.run(talk())

    # Actions of the bot

    async def _send(self, channel: str) -> None:
        text = f"sent {len(self.tried)}"
        self.tried.append(text)
        room = self.gateway.world.channel(channel)
        try:
            await self.bot.send_message(room.clan_id, room.id, 2, True, text)
        except (DeliveryUnknownError, MezonTimeoutError):
            self.unknown.add(text)
        except MezonConnectionError:
            self.refused.add(text)
        else:
            self.acknowledged.append(text)

    @rule(channel=channels, count=st.integers(1, 4))
    def bot_sends(self, channel: str, count: int) -> None:
        async def send() -> None:
            for _ in range(count):
                await self._send(channel)

        self.run(send())

    @rule(channel=channels, count=st.integers(2, 90))
    def bot_sends_at_once(self, channel: str, count: int) -> None:
        async def send() -> None:
            await asyncio.gather(*(self._send(channel) for _ in range(count)))

        self.run(send())

    @rule(channel=channels, reset=st.booleans())
    def line_is_cut_while_the_bot_sends(self, channel: str, reset: bool) -> None:
        async def send() -> None:
            sends = [asyncio.ensure_future(self._send(channel)) for _ in range(5)]
            await asyncio.sleep(0.001)
            await self.server.arun(self.gateway.drop(reset=reset))
            await asyncio.gather(*sends)

        self.run(send())

    @rule()
    def bot_logs_out_and_in(self) -> None:
        async def again() -> None:
            await self._calm()
            await self.bot.disconnect()
            await self.bot.login()
            await self.server.arun(self.gateway.wait_joined())
            await self._be_heard_everywhere()

        self.run(again())

    # Faults

    @rule(reset=st.booleans())
    def line_is_cut(self, reset: bool) -> None:
        self.run(self.server.arun(self.gateway.drop(reset=reset)))

    @rule(code=st.sampled_from((1001, 4006)))
    def server_closes(self, code: int) -> None:
        self.run(self.server.arun(self.gateway.close(code)))

    @rule(channel=channels, count=st.integers(0, 20))
    def server_restarts_and_users_talk_meanwhile(self, channel: str, count: int) -> None:
        async def restart() -> None:
            await self.server.arun(self.gateway.stop())
            for _ in range(count):
                await self._say(channel)
            await self.server.arun(self.gateway.start())

        self.run(restart())

    @rule(channel=channels, seconds=st.floats(0.0, 0.05))
    def server_stalls(self, channel: str, seconds: float) -> None:
        async def stall() -> None:
            self.server.call(self.gateway.stall)
            await self._say(channel)
            await asyncio.sleep(seconds)
            self.server.call(self.gateway.resume)

        self.run(stall())

    @rule()
    def line_is_cut_in_a_stall(self) -> None:
        async def cut() -> None:
            self.server.call(self.gateway.stall)
            await self._say("general")
            await self.server.arun(self.gateway.drop())
            self.server.call(self.gateway.resume)

        self.run(cut())

    @rule(times=st.integers(1, 2))
    def socket_is_refused(self, times: int) -> None:
        self.gateway.http_status("/ws", 503, times=times)
        self.gateway.refuse_tcp(times=times, status=503)

    @rule(status=st.sampled_from((500, 503)))
    def login_fails_once(self, status: int) -> None:
        self.gateway.http_status(LOGIN, status)

    @rule()
    def tokens_expire(self) -> None:
        self.server.call(self.gateway.expire_tokens)

    @rule(
        split=st.sampled_from((None, 1, 7)),
        interleave=st.booleans(),
        padding=st.sampled_from(("zeros", "more", "none")),
    )
    def server_writes_otherwise(self, split: int | None, interleave: bool, padding: Any) -> None:
        wire = self.gateway.wire
        wire.split, wire.interleave, wire.padding = split, interleave, padding

    @rule()
    def faults_clear(self) -> None:
        self.run(self._calm())

    # The ledger

    def _heard(self) -> list[Any]:
        return [m for m in self.bot.heard if m.sender_id != self.gateway.bot_id]

    @invariant()
    def nothing_comes_twice(self) -> None:
        if hasattr(self, "bot"):
            counts = Counter(m.message_id for m in self._heard())
            assert [i for i, count in counts.items() if count > 1] == []

    @invariant()
    def order_is_kept(self) -> None:
        if not hasattr(self, "bot"):
            return
        heard: dict[int, list[int]] = defaultdict(list)
        for message in self._heard():
            heard[message.channel_id].append(message.message_id)
        assert all(ids == sorted(ids) for ids in heard.values())

    @invariant()
    def no_second_has_more_frames_than_the_rate(self) -> None:
        if hasattr(self, "gateway"):
            found = self._busiest_second()
            counts = dict(Counter((s.connection, s.kind) for s in found))
            assert len(found) <= RATE, (
                f"{len(found)} frames within {found[-1].time - found[0].time:.3f} s: {counts}"
            )

    def _busiest_second(self) -> list[Sent]:
        """Return the frames of the busiest second, handshake pings included."""
        sent = list(self.gateway.sent)
        return max(
            ([s for s in sent[at : at + 200] if s.time < sent[at].time + 1] for at in range(len(sent))),
            key=len,
            default=[],
        )

    async def _calm(self) -> None:
        """Remove all faults, and wait until every message was received."""
        self.server.call(self.gateway.clear_faults)
        self.gateway.wire.split = None
        await until(lambda: self.bot.state == "ready", lambda: f"ready; it is {self.bot.state}")
        wanted = sum(map(len, self.said.values()))
        await until(
            lambda: len(self._heard()) >= wanted,
            lambda: f"all that was said; lost: {self._missing()}, stats: {self.bot.stats()}",
        )

    def _missing(self) -> list[int]:
        heard = {m.message_id for m in self._heard()}
        return [i for ids in self.said.values() for i in ids if i not in heard]

    def _settle_accounts(self) -> None:
        assert self._missing() == [], "lost with fill_gaps"
        arrived = Counter(sent["t"] for name in CHANNELS for sent in self._sent_to(name))
        assert [text for text, count in arrived.items() if count > 1] == [], "sent twice"
        assert [text for text in self.acknowledged if not arrived[text]] == [], "a false ok"
        assert [text for text in self.refused if arrived[text]] == [], "said not to be sent, and was"
        assert set(self.tried) == {*self.acknowledged, *self.unknown, *self.refused}

    def _sent_to(self, name: str) -> list[Any]:
        messages = self.gateway.world.messages(name)
        return [json.loads(m.content) for m in messages if m.sender_id == self.gateway.bot_id]

    def teardown(self) -> None:
        try:
            if hasattr(self, "bot"):
                self.run(self._calm())
                self._settle_accounts()
        finally:
            self.run(self._end())
            self.runner.close()

    async def _end(self) -> None:
        if hasattr(self, "bot"):
            try:
                await self.bot.disconnect()
            except MezonError as error:
                warnings.warn(f"the bot could not be closed: {error}", stacklevel=1)
        if hasattr(self, "server"):
            self.server.stop()
