"""Moderation by role: members with the role Moderator can warn, mute and kick.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment, in a clan with the roles Moderator and Muted.
"""

from __future__ import annotations

import os
from collections import Counter

from mezon import Text, User
from mezon.ext.commands import Bot, Context, Router, clan_only, has_role

MOST_WARNINGS = 3

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
staff = Router(checks=[clan_only(), has_role("Moderator")])
warnings: Counter[tuple[int, int]] = Counter()


@staff.command()
async def warn(ctx: Context, user: User, *, why: str) -> None:
    """Warn somebody; the third warning mutes."""
    warnings[ctx.clan.id, user.id] += 1
    count = warnings[ctx.clan.id, user.id]
    await ctx.send(Text().mention(user).add(f", warning {count} of {MOST_WARNINGS}: ").bold(why))
    if count >= MOST_WARNINGS:
        await mute(ctx, user)


@staff.command()
async def mute(ctx: Context, user: User) -> None:
    """Give somebody the role Muted."""
    await (await ctx.clan.role("Muted")).give(user)
    await ctx.send(Text().mention(user).add(" is muted."))


@staff.command()
async def unmute(ctx: Context, user: User) -> None:
    """Take the role Muted away, and the warnings."""
    await (await ctx.clan.role("Muted")).take(user)
    del warnings[ctx.clan.id, user.id]
    await ctx.send(Text().mention(user).add(" may speak again."))


@staff.command()
async def kick(ctx: Context, user: User, *, why: str = "no reason given") -> None:
    """Show somebody out, and tell them why."""
    await user.send_dm_message(f"You were removed from {ctx.clan.name}: {why}")
    await ctx.clan.kick(user)


bot.include(staff)

if __name__ == "__main__":
    bot.run()
