"""State in the commands of a bot, over TCP, across restarts of the bot's process."""

from __future__ import annotations

from pathlib import Path

from bot_process import bot
from mezon.testing import LocalGateway

BOT = """
import os
from mezon.ext.commands import Bot, Click, Context
from mezon.ext.components import Button
from mezon.ext.state import State

bot = Bot(
    os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"],
    message_db=":memory:", http_rate_period=0.0, blocked_loop_warning=0, state=os.environ["STATE_FILE"],
)

class Score(State):
    points: int = 0

@bot.command()
async def win(ctx: Context) -> None:
    async with ctx.state.edit(Score) as score:
        score.points += 1
    await ctx.reply(f"{score.points} points", buttons=[Button("More", id="more")])

@bot.button("more")
async def more(click: Click) -> None:
    async with click.state.edit(Score) as score:
        score.points += 10
    await click.reply(f"{score.points} points")

@bot.command()
async def best(ctx: Context) -> None:
    rows = await ctx.state.top(Score, by="points")
    await ctx.reply(" ".join(f"{row.user_id}:{row.value.points}" for row in rows))

@bot.on_ready
async def ready(client) -> None:
    print("ready", flush=True)

bot.run()
"""


async def test_records_survive_a_killed_process(gateway: LocalGateway, tmp_path: Path) -> None:
    alice, bob = (gateway.world.user(name).id for name in ("alice", "bob"))
    state = {"STATE_FILE": str(tmp_path / "here" / "state.db")}
    async with bot(BOT, gateway, **state) as first:
        assert await first.line() == "ready"
        await gateway.say("general", "alice", "!win")
        sent = await gateway.next_sent("message")
        assert sent.text == "1 points"
        await gateway.click(sent, "more", user="bob")
        assert (await gateway.next_sent("message")).text == "10 points"
        first.process.kill()
        await first.process.wait()
    await gateway.wait_disconnected()
    async with bot(BOT, gateway, **state) as second:
        assert await second.line() == "ready"
        await gateway.say("general", "alice", "!win")
        assert (await gateway.next_sent("message")).text == "2 points"
        await gateway.say("general", "alice", "!best")
        assert (await gateway.next_sent("message")).text == f"{bob}:10 {alice}:2"
        second.process.terminate()
        code, _, errors = await second.end()
        assert (code, "Traceback" in errors) == (0, False)
