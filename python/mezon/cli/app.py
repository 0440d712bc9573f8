"""The commands and their options. What they do is in modules of their own, imported when they are called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mezon.cli.cache import app as cache_app

_EXIT_CODES = "Exit codes: 0 done, 1 it failed, 2 wrong use, 130 interrupted."

app = typer.Typer(
    name="mezon",
    help="Bots on Mezon: begin one, run it, talk to it on your own machine, look into it.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(cache_app, name="cache")


class Template(StrEnum):
    """What ``mezon new`` can begin with."""

    echo = "echo"
    commands = "commands"
    ai = "ai"


_TARGET = typer.Argument(
    metavar="[BOT]",
    help="The bot: bot.py, package.module, bot.py:client. Without it: [tool.mezon] bot in pyproject.toml, else "
    "bot.py, main.py, app.py or client.py here, in src, bot or app.",
    show_default=False,
)
_ENV_FILE = typer.Option(
    "--env-file", help="Lines NAME=VALUE for the environment. Without it: .env, if there is one."
)


def _version(wanted: bool) -> None:
    if wanted:
        import mezon

        typer.echo(f"mezon-rs {mezon.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Bots on Mezon: begin one, run it, talk to it on your own machine, look into it."""


@app.command(epilog="Example: mezon new lunch-bot --template commands")
def new(
    name: Annotated[str, typer.Argument(help="Name of the folder to make, such as lunch-bot.")],
    template: Annotated[Template, typer.Option(help="What the bot does at first.")] = Template.echo,
) -> None:
    """Begin a bot: a folder with bot, test, pyproject.toml, Dockerfile, .env.example and README."""
    from mezon.cli.new import make

    make(name, template.value)


@app.command(
    epilog="Examples: mezon run; mezon run bot.py --reload; mezon run shop.bots:lunch --env-file prod.env"
)
def run(
    bot: Annotated[str | None, _TARGET] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start the process again when a file is saved.")
    ] = False,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
) -> None:
    """Run a bot against the Mezon its settings name. Ctrl-C ends it in order."""
    from mezon.cli.run import run_bot

    run_bot(bot, reload=reload, env_file=env_file)
