"""The commands and their options. What they do is in modules of their own, imported when they are called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mezon.cli import cluster
from mezon.cli.cache import app as cache_app

_EXIT_CODES = "Exit codes: 0 done, 1 it failed, 2 wrong use, 130 interrupted."

app: typer.Typer = typer.Typer(
    name="mezon",
    help="Bots on Mezon: begin one, run it, talk to it on your own machine, look into it.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    """Begin a bot on Mezon, run it, talk to it on your own machine, look into it."""


@app.command(
    short_help="Begin a bot: a folder with all it needs.",
    epilog="Example: mezon new lunch-bot --template commands",
)
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
    health: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Serve /live, /ready and /stats there, unless the bot's file says otherwise.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a bot against the Mezon its settings name. Ctrl-C ends it in order."""
    from mezon.cli.run import run_bot

    run_bot(bot, reload=reload, env_file=env_file, health=health)


@app.command(
    short_help="Develop a bot: gateway, page and reload in one.",
    epilog="Examples: mezon dev; mezon dev bot.py --port 7350 --open",
)
def dev(
    bot: Annotated[str | None, _TARGET] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the local gateway; 0 for a free one.")
    ] = 0,
    playground_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 for a free one.")
    ] = 0,
    world: Annotated[Path | None, typer.Option(help="A JSON file with clans, channels and users.")] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    no_reload: Annotated[
        bool, typer.Option("--no-reload", help="Leave the bot alone when files change.")
    ] = False,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
) -> None:
    """Develop a bot: a local gateway, a page to talk to the bot, and the bot with reload. No account, no network.

    Keys while it runs: o opens the page, r restarts the bot, d drops its connection, q quits.
    """
    from mezon.cli.dev import develop

    develop(
        bot,
        port=port,
        playground_port=playground_port,
        world=world,
        open_page=open_page,
        reload=not no_reload,
        env_file=env_file,
    )


@app.command(epilog="Examples: mezon chat; mezon chat bot.py --as bob --in random; echo '!ping' | mezon chat")
def chat(
    bot: Annotated[str | None, _TARGET] = None,
    user: Annotated[str, typer.Option("--as", help="Who speaks first.")] = "alice",
    channel: Annotated[str, typer.Option("--in", help="Where.")] = "general",
    world: Annotated[Path | None, typer.Option(help="A JSON file with clans, channels and users.")] = None,
    logs: Annotated[bool, typer.Option("--logs", help="Show what the bot prints and logs.")] = False,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
) -> None:
    """Talk to a bot in the terminal. /help lists the commands of the prompt.

    Lines from a pipe are said one after the other, and the answers are printed as plain text.
    """
    from mezon.cli.chat import talk

    talk(bot, user=user, channel=channel, world=world, logs=logs, env_file=env_file)


@app.command(
    epilog='Examples: mezon gateway --port 7350 --playground; eval "$(mezon gateway --port 7350 --export)"'
)
def gateway(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for a free one.")] = 0,
    tls: Annotated[
        bool, typer.Option("--tls", help="https and wss with a certificate made at start.")
    ] = False,
    world: Annotated[Path | None, typer.Option(help="A JSON file with clans, channels and users.")] = None,
    playground: Annotated[bool, typer.Option("--playground", help="With the page.")] = False,
    export: Annotated[
        bool,
        typer.Option(
            "--export", help="Only print the lines that point a shell's bots at the gateway on --port."
        ),
    ] = False,
    json_log: Annotated[bool, typer.Option("--json", help="The log as one JSON object a line.")] = False,
) -> None:
    """Run the local gateway with a live log of what bots send and get."""
    from mezon.cli.gateway import serve

    serve(port=port, tls=tls, world=world, playground=playground, export=export, json_log=json_log)


@app.command(epilog="Examples: mezon doctor; mezon doctor --offline; mezon doctor --json | jq '.checks[]'")
def doctor(
    bot: Annotated[str | None, _TARGET] = None,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Leave out what needs the network.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Look for what keeps a bot from working. Each line says what to do; exit code 1 if something is broken."""
    from mezon.cli.doctor import examine

    examine(bot, env_file=env_file, offline=offline, json_output=json_output)


@app.command(
    short_help="Measure this package beside mezon-sdk.",
    epilog="Examples: mezon bench; mezon bench --quick --json",
)
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer messages and rounds; less exact.")] = False,
    python: Annotated[
        Path | None,
        typer.Option(
            help="A Python that has mezon-sdk. Without it an environment is made, once, in the user's cache."
        ),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Measure mezon-rs only.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="The figures as one JSON object.")] = False,
) -> None:
    """Measure this package beside mezon-sdk on this machine: the same bot, the same local gateway."""
    from mezon.cli.bench import measure

    measure(quick=quick, python=python, alone=alone, json_output=json_output)


@app.command(
    epilog='Examples: mezon send "$URL" "Deployed v1.4"; make 2>&1 | tail -1 | MEZON_WEBHOOK_URL=... mezon send -'
)
def send(
    url: Annotated[str, typer.Argument(help="URL of a webhook; - takes it from MEZON_WEBHOOK_URL.")],
    text: Annotated[
        str | None, typer.Argument(help="The message. Without it standard input is sent.", show_default=False)
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="Username or id of the member a clan webhook writes to.", show_default=False),
    ] = None,
    image: Annotated[list[str] | None, typer.Option(help="URL of an image; may be repeated.")] = None,
) -> None:
    """Send a message through the webhook of a channel or clan. Needs no bot."""
    from mezon.cli.send import post

    post(url, text, to, image or [])


# Last in the list: one bot needs the commands above, many machines these.
app.add_typer(cache_app, name="cache")
app.command(epilog="Example: MEZON_BOT_ID=1 MEZON_API_KEY=k mezon relay --nats nats://127.0.0.1:4222")(
    cluster.relay
)
app.command(epilog="Example: mezon worker bot.py --nats nats://127.0.0.1:4222")(cluster.worker)
app.add_typer(cluster.dlq, name="dlq")
