"""``mezon send``: post a message through a webhook URL, for shell scripts."""

from __future__ import annotations

import os
import sys

from mezon import MezonError, Webhook
from mezon.cli.output import WRONG_USE, fail

#: Environment variable with the URL, so that the token is not in the list of processes.
URL_VARIABLE = "MEZON_WEBHOOK_URL"


def post(target: str, text: str | None, to: str | None, images: list[str]) -> None:
    """Send one message, and end the command with a sentence if that fails.

    Args:
        target: The webhook's URL, or ``-`` for the one in the environment.
        text: The text; None reads standard input, unless there are images and a terminal.
    """
    url = os.environ.get(URL_VARIABLE, "") if target == "-" else target
    if not url:
        fail(f"the URL is '-', and {URL_VARIABLE} is not set", WRONG_USE)
    if text is None:
        text = "" if images and sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    try:
        Webhook(url).send_sync(text, to=to, images=images)
    except ValueError as error:
        fail(str(error), WRONG_USE)
    except MezonError as error:
        fail(str(error))
