"""The commands and their options. Each implementation is a module that is imported when its command runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import mezon
from mezon.cli import cluster
from mezon.cli.cache import app as cache_app
from mezon.cli.state import app as state_app

_EXIT_CODES = "Exit codes: 0 success, 1 failure, 2 usage error, 130 interrupted."

app: typer.Typer = typer.Typer(
    name="mezon",
    help="Create, run, test and inspect bots for Mezon.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Template(StrEnum):
    """The templates of ``mezon new``."""

    echo = "echo"
    commands = "commands"
    ai = "ai"


_TARGET = typer.Argument(
    metavar="[BOT]",
    help="The bot: bot.py, package.module, bot.py:client. Default: [tool.mezon] bot in pyproject.toml, else "
    "bot.py, main.py, app.py or client.py here, in src, bot or app.",
    show_default=False,
)
_ENV_FILE = typer.Option(
    "--env-file", help="File with lines NAME=VALUE for the environment. Default: .env, if it exists."
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mezon-rs {mezon.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Create, run, test and inspect bots for Mezon."""


@app.command(
    short_help="Create a bot: a folder with everything it needs.",
    epilog="Example: mezon new lunch-bot --template commands",
)
def new(
    name: Annotated[str, typer.Argument(help="Name of the new folder, such as lunch-bot.")],
    template: Annotated[Template, typer.Option(help="Template to start from.")] = Template.echo,
) -> None:
    """Create a bot: a folder with bot, test, pyproject.toml, Dockerfile, .env.example and README."""
    from mezon.cli.new import make

    make(name, template.value)


@app.command(
    epilog="Examples: mezon run; mezon run bot.py --reload; mezon run shop.bots:lunch --env-file prod.env"
)
def run(
    bot: Annotated[str | None, _TARGET] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Restart the process when a file is saved.")
    ] = False,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
    health: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Address of /live, /ready and /stats, unless the bot sets its own.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a bot on the Mezon server of its settings. Ctrl-C shuts it down gracefully."""
    from mezon.cli.run import run_bot

    run_bot(bot, reload=reload, env_file=env_file, health=health)


@app.command(
    short_help="Develop a bot: local gateway, playground and reload in one.",
    epilog="Examples: mezon dev; mezon dev bot.py --port 7350 --open",
)
def dev(
    bot: Annotated[str | None, _TARGET] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the local gateway; 0 picks a free one.")
    ] = 0,
    playground_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the playground; 0 picks a free one.")
    ] = 0,
    state_file: Annotated[
        Path | None, typer.Option("--world", help="JSON file with clans, channels and users.")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the playground in the browser.")] = False,
    no_reload: Annotated[
        bool, typer.Option("--no-reload", help="Do not restart the bot when files change.")
    ] = False,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
) -> None:
    """Develop a bot: local gateway, playground in the browser, and reload. Needs no account and no network.

    Keys: o opens the playground, r restarts the bot, d drops its connection, q quits.
    """
    from mezon.cli.dev import develop

    develop(
        bot,
        port=port,
        playground_port=playground_port,
        state_file=state_file,
        open_page=open_page,
        reload=not no_reload,
        env_file=env_file,
    )


@app.command(epilog="Examples: mezon chat; mezon chat bot.py --as bob --in random; echo '!ping' | mezon chat")
def chat(
    bot: Annotated[str | None, _TARGET] = None,
    user: Annotated[str, typer.Option("--as", help="The user to send as.")] = "alice",
    channel: Annotated[str, typer.Option("--in", help="The channel to start in.")] = "general",
    state_file: Annotated[
        Path | None, typer.Option("--world", help="JSON file with clans, channels and users.")
    ] = None,
    logs: Annotated[
        bool, typer.Option("--logs", help="Show the whole log; warnings, errors and output are always shown.")
    ] = False,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
) -> None:
    """Talk to a bot in the terminal. /help lists the commands of the prompt.

    Piped lines are sent one after the other; the answers are printed as plain text.
    """
    from mezon.cli.chat import talk

    talk(bot, user=user, channel=channel, state_file=state_file, logs=logs, env_file=env_file)


@app.command(
    epilog='Examples: mezon gateway --port 7350 --playground; eval "$(mezon gateway --port 7350 --export)"'
)
def gateway(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 0,
    tls: Annotated[
        bool, typer.Option("--tls", help="Use https and wss with a certificate created at start.")
    ] = False,
    state_file: Annotated[
        Path | None, typer.Option("--world", help="JSON file with clans, channels and users.")
    ] = None,
    playground: Annotated[bool, typer.Option("--playground", help="Serve the playground, too.")] = False,
    export: Annotated[
        bool,
        typer.Option(
            "--export",
            help="Only print the export lines that point the bots of a shell at the gateway on --port.",
        ),
    ] = False,
    json_log: Annotated[bool, typer.Option("--json", help="Log one JSON object a line.")] = False,
) -> None:
    """Run the local gateway with a live log of the traffic."""
    from mezon.cli.gateway import serve

    serve(port=port, tls=tls, state_file=state_file, playground=playground, export=export, json_log=json_log)


@app.command(epilog="Examples: mezon doctor; mezon doctor --listen 10; mezon doctor --json | jq '.checks[]'")
def doctor(
    bot: Annotated[str | None, _TARGET] = None,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Skip the checks that need the network.")
    ] = False,
    listen: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Connect for this time and count the events by kind.",
            show_default=False,
        ),
    ] = 0.0,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check what may keep a bot from working; each problem comes with its fix. Exits with 1 if a check fails."""
    from mezon.cli.doctor import examine

    examine(bot, env_file=env_file, offline=offline, json_output=json_output, listen=listen)


@app.command(
    short_help="Compare the speed of this package with mezon-sdk.",
    epilog="Examples: mezon bench; mezon bench --quick --json",
)
def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Use fewer messages and rounds; less exact.")
    ] = False,
    python: Annotated[
        Path | None,
        typer.Option(
            help="A Python that has mezon-sdk. Default: an environment created once in the user's cache."
        ),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Measure mezon-rs only.")] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the figures as one JSON object.")
    ] = False,
) -> None:
    """Compare this package with mezon-sdk on this machine: same bot, same local gateway."""
    from mezon.cli.bench import measure

    measure(quick=quick, python=python, alone=alone, json_output=json_output)


@app.command(
    epilog='Examples: mezon send "$URL" "Deployed v1.4"; make 2>&1 | tail -1 | MEZON_WEBHOOK_URL=... mezon send -'
)
def send(
    url: Annotated[str, typer.Argument(help="URL of the webhook; - reads it from MEZON_WEBHOOK_URL.")],
    text: Annotated[
        str | None, typer.Argument(help="The message. Default: standard input.", show_default=False)
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="Username or id of the recipient (clan webhooks).", show_default=False),
    ] = None,
    image: Annotated[list[str] | None, typer.Option(help="URL of an image; repeatable.")] = None,
) -> None:
    """Send a message through the webhook of a channel or clan, without a bot."""
    from mezon.cli.send import post

    post(url, text, to, image or [])


@app.command(epilog="Examples: mezon record; mezon record trace.mzt")
def record(
    trace: Annotated[
        Path | None,
        typer.Argument(help="The trace file of the bot. Default: MEZON_RECORD.", show_default=False),
    ] = None,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
) -> None:
    """Write the flight recorder of a running bot to its trace file. The bot runs with MEZON_RECORD=trace.mzt."""
    from mezon.cli.record import record as write

    write(trace, env_file)


@app.command(epilog="Example: mezon replay trace.mzt bot.py")
def replay(
    trace: Annotated[Path, typer.Argument(help="The trace of a flight recorder.", show_default=False)],
    bot: Annotated[str | None, _TARGET] = None,
    env_file: Annotated[Path | None, _ENV_FILE] = None,
) -> None:
    """Let a bot handle the events of a trace offline, and print what it sends. Exits with 1 if a handler fails."""
    from mezon.cli.record import replay as run

    run(trace, bot, env_file)


app.command(
    epilog="Examples: mezon top 127.0.0.1:8080; mezon top --once --json; MEZON_BOT_ID=1 mezon top --nats nats://host"
)(cluster.top)
app.add_typer(cache_app, name="cache")
app.add_typer(state_app, name="state")
# Last in the list: these commands are for bots on many machines.
app.command(epilog="Example: MEZON_BOT_ID=1 MEZON_API_KEY=k mezon relay --nats nats://127.0.0.1:4222")(
    cluster.relay
)
app.command(epilog="Example: mezon worker bot.py --nats nats://127.0.0.1:4222")(cluster.worker)
app.command(epilog="Example: MEZON_BOT_ID=1 mezon status --nats nats://127.0.0.1:4222")(cluster.status)
app.add_typer(cluster.dlq, name="dlq")
