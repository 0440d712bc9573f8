"""What users of a bot read comes from one table of texts, in the language of the bot."""

from __future__ import annotations

import ast
import pickle
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, get_args

import mezon.ext
import pytest
from ext_kit import answer_to, last_message
from mezon import InvalidArgumentError
from mezon.ext._signatures import problem_text
from mezon.ext.commands import Bot, Context, cooldown, dm_only, has_role
from mezon.ext.components import Click, Form, FormError
from mezon.ext.errors import ArgumentError, CooldownError, UnknownCommandError, UserError
from mezon.ext.flows import Flow, step
from mezon.ext.texts import TEXTS, Texts, sentence
from mezon.testing import LocalGateway
from pydantic import AnyUrl, Field
from pydantic_core.core_schema import ErrorType

SOURCES = sorted(Path(mezon.ext.__file__).parent.glob("*.py"))
USER_ERRORS = {
    "UserError",
    "ArgumentError",
    "CheckFailedError",
    "FormError",
    "NoAnswerError",
}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def called(node: ast.Call) -> str:
    target = node.func
    return target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")


def calls(*names: str) -> list[tuple[str, ast.Call]]:
    return [
        (f"{source.name}:{node.lineno}", node)
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and called(node) in names
    ]


# ---- the table


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_is_in_both_languages_with_the_same_placeholders(key: str) -> None:
    english, vietnamese = TEXTS[key]["en"], TEXTS[key]["vi"]
    assert placeholders(english) == placeholders(vietnamese)
    assert english.strip()
    assert vietnamese.strip()
    assert english != vietnamese


def test_every_use_names_a_text_and_its_placeholders() -> None:
    wrong, used = [], set()
    for where, call in calls("sentence", "texts", "_no_answer"):
        for key in (
            [one.value for one in ast.walk(call.args[0]) if isinstance(one, ast.Constant)]
            if call.args
            else []
        ):
            used.add(key)
            given = {one.arg for one in call.keywords}
            if key not in TEXTS or placeholders(TEXTS[key]["en"]) - given:
                wrong.append((where, key))
    assert wrong == []
    named = {
        one.value
        for source in SOURCES
        if source.name != "texts.py"
        for one in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    assert set(TEXTS) - used - named == {"or"}  # used by the table itself


def test_no_error_for_users_has_a_text_of_its_own() -> None:
    found = [
        where
        for where, call in calls(*USER_ERRORS)
        for argument in call.args[:1]
        if isinstance(argument, ast.Constant | ast.JoinedStr | ast.BinOp)
    ]
    assert found == []


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_no_message_of_pydantic_is_shown(kind: str) -> None:
    text = problem_text({"type": kind, "msg": "Input should be English", "ctx": {"expected": "'a' or 'b'"}})
    assert getattr(text, "key", "") in TEXTS


class Colour(Enum):
    RED = "red"
    OR = "or else"


class Order(Form):
    count: Annotated[int, Field(ge=1, le=9)] = 1
    dish: Literal["pho", "bun"] = "pho"
    colour: Colour = Colour.RED
    when: date = date(2026, 2, 28)
    name: Annotated[str, Field(min_length=2, max_length=4)] = "abc"
    link: AnyUrl | None = None
    wait: timedelta = timedelta(minutes=90)


@pytest.mark.parametrize(
    ("values", "english", "vietnamese"),
    [
        ({"count": "x"}, "Count: it must be a whole number", "Count: phải là số nguyên"),
        ({"count": "0"}, "Count: it must be at least 1", "Count: phải từ 1 trở lên"),
        ({"count": "10"}, "Count: it must be at most 9", "Count: không được vượt quá 9"),
        (
            {"colour": "blue"},
            "Colour: it must be one of 'red', 'or else'",
            "Colour: phải là một trong các giá trị 'red', 'or else'",
        ),
        ({"name": "a"}, "Name: it must have at least 2 characters", "Name: phải có ít nhất 2 ký tự"),
        (
            {"when": "soon"},
            "When: it must be a date such as 2026-02-28",
            "When: phải là ngày, ví dụ 2026-02-28",
        ),
        (
            {"link": "here"},
            "Link: it must be a link such as https://example.com",
            "Link: phải là liên kết, ví dụ https://example.com",
        ),
        (
            {"wait": "a while"},
            "Wait: it must be a duration such as 10m or 1h30",
            "Wait: phải là khoảng thời gian, ví dụ 10m hoặc 1h30",
        ),
    ],
)
def test_problems_of_a_form(values: dict[str, Any], english: str, vietnamese: str) -> None:
    with pytest.raises(FormError) as caught:
        Order.parse(values)
    assert str(caught.value) == english
    caught.value.translate(Texts("vi"))
    assert str(caught.value) == vietnamese
    assert list(caught.value.problems) == [english.partition(":")[0]]


async def test_the_labels_of_a_form_in_a_handler_are_in_the_language_of_its_bot(
    gateway: LocalGateway,
) -> None:
    class Trip(Form):
        return_ticket: bool = False

    bot = Bot(**gateway.client_options(), language="vi")

    @bot.command()
    async def trip(ctx: Context) -> None:
        await ctx.send(Trip.content(title="Trip"))

    @bot.every(hours=1)
    async def offer(bot: Bot) -> None:
        channel = await bot.channels.fetch(gateway.world.channel().id)
        await channel.send(Trip.content(title="Offer"))

    await bot.login()
    try:
        await gateway.say("general", "alice", "!trip")
        shown = [str((await gateway.next_sent("message")).content)]
        await offer()
        shown.append(str((await gateway.next_sent("message")).content))
    finally:
        await bot.disconnect()
    for content in shown:
        assert "Gửi" in content
        assert "Có" in content
        assert "Yes" not in content
    assert "Yes" in str(Trip.content(title="Trip"))


def test_the_labels_of_a_form_are_in_the_language_of_the_bot() -> None:
    class Trip(Form):
        return_ticket: bool = False

    assert "Yes" in str(Trip.content(title="Trip"))
    shown = str(Trip.content(title="Trip", texts=Texts("vi")))
    assert "Gửi" in shown
    assert "Có" in shown
    assert "Yes" not in shown
    assert "Send" not in shown


def test_errors_are_english_until_they_are_translated_and_can_be_pickled() -> None:
    error = CooldownError(2.6)
    assert str(error) == "That was too often: try again in 3 s."
    error.translate(Texts("vi"))
    assert str(error) == "Bạn thao tác quá nhanh: hãy thử lại sau 3 giây."
    text = pickle.loads(pickle.dumps(sentence("argument_missing", name="count")))
    assert (text, Texts("vi").of(text)) == ("count is missing.", "Thiếu count.")
    mine = UserError("My own text")
    mine.translate(Texts("vi"))
    assert str(mine) == "My own text"


# ---- texts of the bot


def test_own_texts_take_precedence() -> None:
    texts = Texts("vi", {"cooldown": "Slow down, {seconds}!"})
    assert texts("cooldown", seconds=3) == "Slow down, 3!"
    assert texts("cancelled") == "Đã hủy."
    looked_up = Texts(own={"cancelled": "Abgebrochen."}.get)
    assert looked_up("cancelled") == "Abgebrochen."
    assert looked_up("no_items") == "Nothing."


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"coldown": "x"}, "there is no text 'coldown'; did you mean 'cooldown'"),
        ({"cooldown": "{second} s"}, "the text 'cooldown' has no placeholder {second}; it has: {seconds}"),
        ({"cooldown": "{seconds"}, "the text 'cooldown' is no format string"),
        ({"cooldown": 3}, "the text 'cooldown' must be a str"),
        (["cooldown"], "texts must be a dict by key, or a function"),
    ],
)
def test_own_texts_are_checked(own: Any, problem: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Texts("en", own)
    assert problem in str(caught.value)


def test_a_wrong_text_of_a_function_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    assert Texts(own=lambda key: "{oops}")("cooldown", seconds=3) == "That was too often: try again in 3 s."
    assert "The bot's own text is not used: the text 'cooldown' has no placeholder {oops}" in caplog.text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600),
        ("1h30", 5400),
        ("1h30m", 5400),
        ("1 h 30 min", 5400),
        ("2 days", 172_800),
        ("1w2d", 777_600),
        ("90s", 90),
        ("10 phút", 600),
        ("2 giờ 15 phút", 8100),
        ("01:30:00", 5400),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert Order.parse({"wait": text}).wait == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["m", "10x", "30m1h", "1h30x", "1h 2 3", "1m1m", "999999999w", "ten", "1s5", "45"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(FormError, match="Wait: it must be a duration such as 10m or 1h30"):
        Order.parse({"wait": text})


def test_a_form_shows_a_default_that_it_reads() -> None:
    assert "1h30m" in str(Order.content(title="Order"))


async def test_durations_in_a_chat(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options(), state=":memory:")

    @bot.command()
    async def remind(ctx: Context, after: timedelta, *, text: str) -> None:
        await ctx.reply(f"{text} in {after.total_seconds():g} s")

    @bot.command()
    async def nap(ctx: Context) -> None:
        await ctx.reply(f"{await ctx.ask('How long?', timedelta)}")

    @bot.flow
    class Break(Flow):
        @step("How long?")
        async def ask_how_long(self, ctx: Context, answer: timedelta) -> None:
            await ctx.reply(f"a break of {answer}")

    @bot.command()
    async def rest(ctx: Context) -> None:
        await ctx.start(Break)

    await bot.login()
    assert await answer_to(gateway, "!remind 1h30 tea") == "tea in 5400 s"
    usage = "Usage: !remind <after> <text...>"
    problem = "after cannot be 'soon': it must be a duration such as 10m or 1h30."
    assert await answer_to(gateway, "!remind soon tea") == f"{problem}\n{usage}"
    assert await answer_to(gateway, "!nap") == "How long?"
    assert await answer_to(gateway, "20 min") == "0:20:00"
    assert await answer_to(gateway, "!rest") == "How long?"
    assert await answer_to(gateway, "15m") == "a break of 0:15:00"
    await bot.disconnect()


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(
        InvalidArgumentError, match="language must be one of en, vi, not 'fr': pass the texts"
    ):
        Bot("1", "key", language="fr")  # type: ignore[arg-type]


# ---- in a chat


def vietnamese_bot(gateway: LocalGateway, **options: Any) -> Bot:
    bot = Bot(**gateway.client_options(), **options)

    @bot.command(cooldown=cooldown(1, 60))
    async def roll(ctx: Context, sides: int) -> None:
        await ctx.reply(f"{sides} sides")

    @bot.command(checks=[dm_only()])
    async def secret(ctx: Context) -> None:
        await ctx.reply("in private")

    @bot.command(checks=[has_role("Cook", "Waiter")])
    async def kitchen(ctx: Context) -> None:
        await ctx.reply("in the kitchen")

    @bot.command()
    async def broken(ctx: Context) -> None:
        raise RuntimeError("a bug")

    @bot.command()
    async def age(ctx: Context) -> None:
        await ctx.reply(f"age {await ctx.ask('How old?', int)}")

    @bot.command()
    async def empty(ctx: Context) -> None:
        await ctx.paginate([])

    @bot.command()
    async def off(ctx: Context) -> None:
        await ctx.reply("here", buttons=[ping.button("Off", disabled=True)])

    @bot.button("ping")
    async def ping(click: Click) -> None: ...

    @bot.flow
    class Trip(Flow):
        @step("Where to?")
        async def ask_where(self, ctx: Context, answer: int) -> None: ...

    @bot.command()
    async def trip(ctx: Context) -> None:
        await ctx.start(Trip)

    return bot


CHAT = [
    ("!rol", "Không có lệnh 'rol'. Có phải ý bạn là !roll?"),
    ("!roll", "Thiếu sides.\nCách dùng: !roll <sides>"),
    ("!roll x", "sides không thể là 'x': phải là số nguyên.\nCách dùng: !roll <sides>"),
    (
        '!roll "6',
        f"{TEXTS['open_quotation']['vi']}\nCách dùng: !roll <sides>",
    ),
    ("!roll 6 7", "Thừa tham số: '7'\nCách dùng: !roll <sides>"),
    ("!roll 6", "6 sides"),
    ("!secret", "Việc này chỉ dùng được trong tin nhắn riêng."),
    ("!kitchen", "Việc này cần vai trò Cook hoặc Waiter."),
    ("!broken", "Đã có lỗi xảy ra; không phải do bạn."),
    ("!empty", "Không có gì."),
    ("!age", "How old?"),
    ("old", "Câu trả lời không thể là 'old': phải là số nguyên."),
    ("7", "age 7"),
    ("!trip", "Where to?"),
    ("Hanoi", "Câu trả lời không thể là 'Hanoi': phải là số nguyên."),
    ("quay lại", "Where to?"),
    ("Hủy", "Đã hủy."),
    ("!help help", "!help [names...]\nXem các lệnh, hoặc cách dùng một lệnh."),
    ("!help nothing", "Không có lệnh 'nothing'."),
]


async def test_a_vietnamese_bot_over_tcp(gateway: LocalGateway) -> None:
    bot = vietnamese_bot(gateway, language="vi", suggest=True, state=":memory:")
    errors: list[Exception] = []
    bot.on_error(lambda error, event: errors.append(error))
    await bot.login()
    for text, expected in CHAT:
        assert await answer_to(gateway, text) == expected
    assert (await answer_to(gateway, "!roll 6")).startswith("Bạn thao tác quá nhanh: hãy thử lại sau ")
    await gateway.say("general", "alice", "!off")
    await gateway.expect("here")
    await gateway.click(last_message(gateway), "alice", "ping")
    await gateway.expect("Nút này đã bị tắt.", kind="ephemeral")
    assert [str(one) for one in errors] == ["a bug"]
    await bot.disconnect()


async def test_the_bots_error_handler_gets_translated_errors(gateway: LocalGateway) -> None:
    bot = vietnamese_bot(gateway, language="vi", texts={"unknown_command": "{name}?"})

    @bot.error_handler
    async def tell(where: Any, error: Exception) -> None:
        if isinstance(error, UnknownCommandError | ArgumentError):
            await where.reply(f"{type(error).__name__}: {error}")

    await bot.login()
    assert await answer_to(gateway, "!what") == "UnknownCommandError: 'what'?"
    assert await answer_to(gateway, "!roll") == "ArgumentError: Thiếu sides.\nCách dùng: !roll <sides>"
    await bot.disconnect()
