"""Many bots in one process: MEZON_BOTS="id:key id:key ..." in the environment.

The bots share the commands; each has its own state.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter

from mezon.ext.commands import Bot, Context, Router

everyone = Router()
said: Counter[int] = Counter()


@everyone.command()
async def who(ctx: Context) -> None:
    """Every bot answers for itself."""
    said[ctx.bot.client_id] += 1
    await ctx.reply(f"I am bot {ctx.bot.client_id}, this is answer {said[ctx.bot.client_id]}.")


def make(account: str) -> Bot:
    bot_id, _, key = account.partition(":")
    # Each bot has its own message store.
    bot = Bot(bot_id, key, message_db=f"mezon-cache/{bot_id}.db")
    bot.include(everyone)
    return bot


async def main(stopped: asyncio.Event) -> None:
    bots = [make(account) for account in os.environ["MEZON_BOTS"].split()]
    try:
        # A failed login of one bot does not affect the others.
        for bot, outcome in zip(
            bots, await asyncio.gather(*(bot.login() for bot in bots), return_exceptions=True), strict=True
        ):
            print(bot, "is ready" if outcome is None else f"is not: {outcome}")
        await stopped.wait()
    finally:
        await asyncio.gather(*(bot.disconnect(drain=5) for bot in bots))


async def run() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await main(stopped)


if __name__ == "__main__":
    asyncio.run(run())
