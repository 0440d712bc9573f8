"""A poll with buttons: ``!poll "Lunch?" phở "bún chả"``.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from mezon import ButtonMessageStyle, Text
from mezon.ext.commands import Bot, Context, clan_only
from mezon.ext.components import Button, Click

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


@dataclass
class Poll:
    question: str
    choices: tuple[str, ...]
    owner: int
    votes: dict[int, int] = field(default_factory=dict)

    def text(self) -> Text:
        text = Text().bold(self.question).line()
        for number, choice in enumerate(self.choices):
            text.line(f"{list(self.votes.values()).count(number)} {choice}")
        return text

    def buttons(self, poll: int) -> list[Button]:
        votes = [vote.button(name, poll=poll, choice=number) for number, name in enumerate(self.choices)]
        return [*votes, close.button("Close", poll=poll, style=ButtonMessageStyle.DANGER)]


polls: list[Poll] = []


@bot.command("poll", checks=[clan_only()])
async def begin(ctx: Context, question: str, *choices: str) -> None:
    """Ask everybody."""
    polls.append(Poll(question, choices[:4] or ("yes", "no"), ctx.user_id))
    await ctx.send(polls[-1].text(), buttons=polls[-1].buttons(len(polls) - 1))


@bot.button("vote/{poll:int}/{choice:int}")
async def vote(click: Click, poll: int, choice: int) -> None:
    polls[poll].votes[click.user_id] = choice
    await click.update(polls[poll].text(), buttons=polls[poll].buttons(poll))


@bot.button("close/{poll:int}")
async def close(click: Click, poll: int) -> None:
    if click.user_id == polls[poll].owner:
        await click.update(polls[poll].text().add("The poll is closed."))


if __name__ == "__main__":
    bot.run()
