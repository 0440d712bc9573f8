"""A quiz with a score table that survives restarts. It needs MEZON_BOT_ID and MEZON_API_KEY in the environment."""

from __future__ import annotations

import os

from mezon import Text
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Click
from mezon.ext.state import State

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
# Each with the right answer first.
QUESTIONS = [("7 x 8?", "56", "54"), ("2 + 2 x 2?", "6", "8"), ("1 + 1 x 0?", "1", "0")]


class Round(State, scope="channel"):
    id: int = 0  # that of the message with the command
    guesses: tuple[tuple[int, bool], ...] = ()  # user and right or wrong: the first guess of each user


class Score(State):
    won: frozenset[int] = frozenset()  # rounds: a click that is handled again is no second point


@bot.command()
async def quiz(ctx: Context) -> None:
    """Ask a question."""
    async with ctx.state.edit(Round) as game:
        game.id, game.guesses = ctx.message.id, ()
    question, *answers = QUESTIONS[game.id % len(QUESTIONS)]
    await ctx.send(question, buttons=[guess.button(one, id=game.id, answer=one) for one in sorted(answers)])


@bot.button("guess/{id:int}/{answer}")
async def guess(click: Click, id: int, answer: str) -> None:
    async with click.state.edit(Round) as game:
        if id == game.id and click.user_id not in dict(game.guesses):
            game.guesses += ((click.user_id, answer == QUESTIONS[id % len(QUESTIONS)][1]),)
    winner = next((user_id for user_id, right in game.guesses if right), None)
    if id == game.id and winner == click.user_id:
        async with click.state.edit(Score) as score:
            score.won |= {id}
        await click.update(Text().mention(winner).add(" is right!"))
    else:
        await click.whisper("Wrong or too late. Each player has one guess.")


@bot.command()
async def scores(ctx: Context) -> None:
    """Show the best players."""
    text = Text()
    for row in await ctx.state.top(Score, by=lambda score: len(score.won), n=5):
        text.mention(row.user_id).line(f": {len(row.value.won)}")
    await ctx.reply(text)


if __name__ == "__main__":
    bot.run()
