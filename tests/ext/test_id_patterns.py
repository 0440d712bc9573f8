"""Patterns of component ids: they match like a regular expression would, in a bounded number of steps."""

from __future__ import annotations

import re
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezon import InvalidArgumentError
from mezon.ext import _ids
from mezon.ext._ids import MAX_ID_LENGTH, IdPattern
from mezon.ext.commands import Bot
from mezon.ext.components import Button, Click, Form
from mezon.testing import LocalGateway

KINDS = {"": r"[^/]+", ":str": r"[^/]+", ":int": r"-?\d+", ":path": r".+"}


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """An unambiguous pattern: a field at most in a segment, a path field at most in all."""
    literal = st.text("a1-.", max_size=2)
    path_left = True
    segments = []
    for number in range(draw(st.integers(1, 4))):
        kinds = ["", ":str", ":int"] + ([":path"] if path_left else [])
        kind = draw(st.sampled_from([None, *kinds]))
        path_left = path_left and kind != ":path"
        field = "" if kind is None else f"{{f{number}{kind}}}"
        segments.append(draw(literal) + field + draw(literal))
    return "/".join(segments)


def reference(pattern: str) -> re.Pattern[str]:
    """The regular expression a pattern stands for."""
    expression, at = "", 0
    for found in re.finditer(r"\{(\w+)(:\w+)?\}", pattern):
        expression += re.escape(pattern[at : found.start()])
        expression += f"(?P<{found.group(1)}>{KINDS[found.group(2) or '']})"
        at = found.end()
    return re.compile(expression + re.escape(pattern[at:]))


@given(patterns(), st.data())
def test_a_pattern_matches_what_its_regular_expression_does(pattern: str, data: st.DataObject) -> None:
    expected = reference(pattern)
    forged = st.text("a1-./\n²٣é", max_size=12)
    text = data.draw(
        st.one_of(forged, st.from_regex(expected, fullmatch=True).filter(lambda one: len(one) < 80))
    )
    found = expected.fullmatch(text)
    assert IdPattern(pattern).match(text) == (None if found is None else found.groupdict())


def lines_run(call: Any) -> int:
    """How many lines of the matcher a call runs."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename != _ids.__file__:
            return None
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("forged", ["a/" * 511 + "!", "a" * MAX_ID_LENGTH, "/" * MAX_ID_LENGTH, "1/" * 512])
@pytest.mark.parametrize("pattern", ["{a}/{b}/{c:int}/x", "{a:path}/{b}/{c:int}x", "a/{a:path}/b/{b}"])
def test_the_steps_depend_on_the_pattern_and_not_on_the_id(pattern: str, forged: str) -> None:
    segments = pattern.count("/") + 1
    matcher = IdPattern(pattern)
    assert 0 < lines_run(lambda: matcher.match(forged)) <= 20 * segments


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{a}{b}", "2 fields, so an id can match in several ways: put a slash between two fields"),
        ("x/{a}-{b}-{c}", "3 fields, so an id can match in several ways"),
        ("{a:path}.{b}", "2 fields, so an id can match in several ways"),
        ("{a:path}/x/{b:path}", "2 path fields, so an id can match in several ways: use one path field"),
    ],
)
def test_an_ambiguous_pattern_is_refused_at_registration(bot: Bot, pattern: str, reason: str) -> None:
    async def handler(click: Click, **fields: str) -> None: ...

    for register in (bot.button, bot.select):
        with pytest.raises(InvalidArgumentError, match=re.escape(reason)):
            register(pattern)(handler)


def test_no_component_gets_an_id_that_would_be_ignored(bot: Bot) -> None:
    class Order(Form):
        dish: str

    @bot.button("order/{dish}")
    async def order(click: Click, dish: str) -> None: ...

    fits = "x" * (MAX_ID_LENGTH - len("order/"))
    assert len(order.id(dish=fits)) == MAX_ID_LENGTH
    for make in (
        lambda: order.id(dish=fits + "x"),
        lambda: Button("x", id="x" * (MAX_ID_LENGTH + 1)),
        lambda: Order.content(title="x", state="x" * MAX_ID_LENGTH),
    ):
        with pytest.raises(InvalidArgumentError, match="put a short key into the id"):
            make()


async def test_an_id_that_is_too_long_reaches_no_handler(gateway: LocalGateway, bot: Bot) -> None:
    heard: list[str] = []

    @bot.button("{rest:path}")
    async def any_button(click: Click, rest: str) -> None:
        heard.append(rest)
        await click.whisper(f"{len(rest)}")

    @bot.select("{rest:path}")
    async def any_select(click: Click, rest: str) -> None:
        heard.append(rest)

    await bot.login()
    message = await gateway.say("general", gateway.world.bot, "x")
    long = "a/" * 750
    await gateway.click(message, "alice", long)
    await gateway.click(message, "alice", f"~form/{long}")
    await gateway.select(message, "alice", long, "x")
    await gateway.click(message, "alice", long[:MAX_ID_LENGTH])
    await gateway.expect(str(MAX_ID_LENGTH), kind="ephemeral")
    assert heard == [long[:MAX_ID_LENGTH]]
