"""``mezon send``: post a message through a webhook URL, for shell scripts."""

from __future__ import annotations

import os
import sys

from mezon import MezonError, Webhook
from mezon.cli.output import WRONG_USE, fail

#: Environment variable with the URL, which keeps the token out of the process list.
URL_VARIABLE = "MEZON_WEBHOOK_URL"


def post(target: str, text: str | None, to: str | None, images: list[str]) -> None:
    """Send one message. Exits with an error message if that fails.

    Args:
        target: The webhook's URL, or ``-`` for the one in the environment.
        text: The text; None reads standard input, unless images are given and standard input is a terminal.
    """
    url = os.environ.get(URL_VARIABLE, "") if target == "-" else target
    if not url:
        fail(f"{URL_VARIABLE} is not set: set it, or pass the URL instead of -", WRONG_USE)
    if text is None:
        text = "" if images and sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    try:
        Webhook(url).send_sync(text, to=to, images=images)
    except ValueError as error:
        fail(str(error), WRONG_USE)
    except MezonError as error:
        fail(str(error))
