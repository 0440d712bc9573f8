"""What a server sends back is searched for secrets in every way in which it may be written."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from mezon.utils.secrets import hide, hide_in_headers

SECRET = 'k/e+y=&"<0>\\ á'


@pytest.mark.parametrize(
    "written",
    [
        str,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="").lower(),  # the secret has no capital letters
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text)[1:-1].replace("/", r"\/"),
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        html.escape,
        lambda text: html.escape(text, quote=False),
    ],
)
def test_every_way_to_write_it_is_found(written: Callable[[str], str]) -> None:
    form = written(SECRET)
    assert hide(f"<{form}{form}>", [SECRET]) == "<[hidden][hidden]>"
    assert hide_in_headers({"X": form}, [SECRET]) == [("X", "[hidden]")]


def test_a_token_nobody_knows_of_is_hidden_too() -> None:
    """That of an earlier session, or of another bot: a JWT shows that it is one, and half of it does."""
    head, body, sign = "eyJhbGciOiJIUzI1NiJ9", "eyJ1aWQiOjEsImV4cCI6Mn0", "dozjgNryP4J3jVmNHl0w5N_XgL0n"
    for token in (f"{head}.{body}.{sign}", f"{head}.{body}.{sign[:7]}", f"{head}.{body[:12]}"):
        assert hide(f"no, {token}: over", []) == "no, [hidden]: over"
    assert hide("eyJ is how they begin. Fine", []) == "eyJ is how they begin. Fine"


def test_the_longer_one_goes_first_and_short_ones_stay() -> None:
    assert hide("the secret-and-more", ["secret", "secret-and-more", "the", ""]) == "the [hidden]"
