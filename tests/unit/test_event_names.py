"""Every envelope field has a member of `Events` and a helper, and misspelled names raise a warning."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import pytest
from mezon import Events, MezonClient
from mezon._gateway.codec import TAGS
from mezon.ext.commands import Bot
from patience import patient


def test_every_member_of_the_envelope_has_a_name_and_a_helper() -> None:
    client = MezonClient(1, "key")
    assert set(TAGS) <= {event.value for event in Events}
    helpers = {
        name: getattr(client, name)
        for name in dir(client)
        if name.startswith("on_")
        and hasattr(client, name)
        and name
        not in ("on_error", "on_ready", "on_disconnect", "on_reconnected", "on_gap_unfilled", "on_batch")
    }

    def handler(event: object) -> None: ...

    for helper in helpers.values():
        assert helper(handler) is handler
    heard = {name for name in TAGS if client.event_manager.has_listeners(name)}
    # `on_error` is what hears of handlers that failed; the envelope's errors answer calls.
    assert set(TAGS) - heard == {"error"}


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("chanel_message", "channel_message"),
        ("Channel_Message ", "channel_message"),
        ("message_reaction", "message_reaction_event"),
    ],
)
def test_a_slip_is_warned_of(slip: str, meant: str) -> None:
    client = MezonClient(1, "key")
    with pytest.warns(UserWarning, match=f"did you mean '{meant}'") as caught:
        client.on(slip, print)
    assert caught[0].filename == __file__
    assert client.event_manager.has_listeners(slip)


def test_names_of_ones_own_are_nobodys_business() -> None:
    client = MezonClient(1, "key")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("my_event", "ready", "sse_open", "session_started", Events.TOKEN_SEND, "x"):
            client.on(name, print)


@pytest.mark.parametrize("kind", [MezonClient, Bot])
def test_the_name_of_another_package(kind: type[MezonClient]) -> None:
    client: Any = kind(1, "key")
    sentence = f"^'{kind.__name__}' object has no attribute 'on_message': write @client.on_channel_message$"
    with pytest.raises(AttributeError, match=sentence):
        client.on_message(print)
    assert not hasattr(client, "on_message")
    client.on_message = print
    assert client.on_message is print


def test_a_misspelt_helper() -> None:
    """Python computes its suggestion when it prints the error."""
    program = "from mezon import MezonClient; MezonClient(1, 'key').on_mesage"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=patient(30), check=False
    )
    last = done.stderr.splitlines()[-1]
    assert last.endswith("has no attribute 'on_mesage'. Did you mean: 'on_message'?"), done.stderr
