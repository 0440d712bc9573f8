"""The builder of formatted text, its offsets, and where a long text is cut."""

from __future__ import annotations

import json

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from mezon import ApiMessageMention, InvalidArgumentError, MezonClient, Text, split_text
from mezon.models._outgoing import encode_content
from mezon.testing import LocalGateway
from mezon.text import utf16_length


def stretch(text: str, mark: dict[str, int]) -> str:
    """What a JavaScript client shows as marked: ``text.substring(s, e)``."""
    units = text.encode("utf-16-le")
    return units[2 * mark["s"] : 2 * mark["e"]].decode("utf-16-le")


def test_offsets_count_utf16_units_with_an_exclusive_end() -> None:
    text = (
        Text("Chào 👋🏽 ")
        .mention(1840000000000000001, "Ngọc Hân")
        .add(" ở ")
        .hashtag(1840000000000000002, "phòng-chung")
        .bold(" ngay 🎉")
        .code("x = 1")
        .code_block("a\n👍")
        .link("https://mezon.ai")
        .emoji(":pepe:", 73867542535210001)
    )
    content = text.content
    assert content["t"] == "Chào 👋🏽 @Ngọc Hân ở #phòng-chung ngay 🎉x = 1a\n👍https://mezon.ai:pepe:"
    (mention,) = text.mentions
    assert (mention.user_id, mention.username) == (1840000000000000001, "Ngọc Hân")
    assert stretch(content["t"], {"s": mention.s or 0, "e": mention.e or 0}) == "@Ngọc Hân"
    assert mention.s == 10  # five for "Chào ", four for two emoji code points, one for the space
    assert [(mark["type"], stretch(content["t"], mark)) for mark in content["mk"]] == [
        ("b", " ngay 🎉"),
        ("c", "x = 1"),
        ("pre", "a\n👍"),
        ("lk", "https://mezon.ai"),
    ]
    (tag,) = content["hg"]
    assert (tag["channelId"], stretch(content["t"], tag)) == ("1840000000000000002", "#phòng-chung")
    (emoji,) = content["ej"]
    assert (emoji["emojiid"], stretch(content["t"], emoji)) == ("73867542535210001", ":pepe:")


def test_text_is_put_together() -> None:
    inner = Text("b").bold("old")
    text = "a 🎉" + Text(inner, " c").line()
    assert str(text) == "a 🎉bold c\n"
    assert text.content["mk"] == [{"type": "b", "s": 5, "e": 8}]
    assert len(text) == utf16_length(str(text)) == 11
    assert text == Text("a 🎉b").bold("old").add(" c\n")
    assert str(inner) == "bold"  # adding changes nobody but the left side
    assert not Text()
    assert Text().embed({"title": "T"}).components({"components": []}).content == {
        "t": "",
        "embed": [{"title": "T"}],
        "components": [{"components": []}],
    }


def test_roles_and_objects_are_mentioned() -> None:
    class Thing:
        id, title, username, name = 7, "Chef", "alice", "general"

    text = Text().mention_role(Thing()).mention(Thing()).hashtag(Thing())
    assert str(text) == "@Chef@alice#general"
    assert str(Text().mention("5")) == "@5"
    role, user = text.mentions
    assert (role.role_id, role.rolename, role.user_id) == (7, "Chef", None)
    assert (user.user_id, user.username) == (7, "alice")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Text().mention_role(5),
        lambda: Text().mention(None, "x"),
        lambda: Text().mention("abc", "x"),
        lambda: Text().mention_role(0, "x"),
        lambda: Text().hashtag(True, "x"),
        lambda: Text().add(5),  # type: ignore[arg-type]
        lambda: Text("x").split(3),
        lambda: split_text("x", 5),
    ],
)
def test_what_cannot_be_is_refused(make: object) -> None:
    with pytest.raises(InvalidArgumentError):
        make()  # type: ignore[operator]


async def test_text_is_taken_wherever_content_is(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    await client.login()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    alice, bob = gateway.world.user("alice"), gateway.world.user("bob")
    text = Text("Hi ").mention(alice.id, "alice").bold(" now")
    bobs = ApiMessageMention(user_id=bob.id, s=0, e=2)

    ack = await channel.send(text, mentions=[bobs])
    sent = await gateway.next_sent("channel_message_send")
    assert sent.content == {"t": "Hi @alice now", "mk": [{"type": "b", "s": 9, "e": 13}]}
    assert [(one.user_id, one.s, one.e) for one in sent.message.mentions] == [
        (alice.id, 3, 9),
        (bob.id, 0, 2),
    ]
    mine = await channel.messages.fetch(ack.message_id or 0)
    assert mine.content == sent.content
    assert {one.user_id for one in mine.mentions} == {alice.id, bob.id}

    await mine.reply(text)
    assert [one.user_id for one in (await gateway.next_sent("channel_message_send")).message.mentions] == [
        alice.id
    ]
    await mine.update(Text("Bye ").mention(bob.id, "bob"))
    update = await gateway.next_sent("UpdateChannelMessage")
    assert (update.text, [one.user_id for one in update.payload.mentions]) == ("Bye @bob", [bob.id])
    assert [one.user_id for one in mine.mentions] == [bob.id]
    await channel.send_ephemeral(alice.id, text)
    secret = await gateway.next_sent("ephemeral_message_send")
    assert [one.user_id for one in secret.payload.mentions] == [alice.id]
    await (await client.users.fetch(alice.id)).send_dm_message(text)
    assert (await gateway.next_sent("channel_message_send")).message.mentions[0].user_id == alice.id
    await client.send_message(channel.clan.id, channel.id, 2, True, text)
    assert (await gateway.next_sent("channel_message_send")).message.mentions[0].user_id == alice.id

    acks = await channel.send_long("word " * 2000)
    assert len(acks) == 3
    texts = [(await gateway.next_sent("channel_message_send")) for _ in acks]
    assert all(len(one.message.content) <= 4000 for one in texts)
    assert " ".join(one.text for one in texts).split() == ["word"] * 2000
    assert await channel.send_long("  \n ") == []
    await client.disconnect()


TEXT = """First paragraph. It has two sentences!

Second paragraph, which is a bit longer than the first one is. It goes on, too.

```python
print("one")

print("two")
```
The end."""


def test_paragraphs_come_before_sentences_and_sentences_before_words() -> None:
    assert split_text(TEXT, 60) == [
        "First paragraph. It has two sentences!",
        "Second paragraph, which is a bit longer than the first one",
        "is. It goes on, too.",
        '```python\nprint("one")\n\nprint("two")\n```\nThe end.',
    ]
    assert split_text(TEXT, 64)[1:3] == [
        "Second paragraph, which is a bit longer than the first one is.",
        "It goes on, too.",
    ]
    assert split_text(TEXT, 1000) == [TEXT]
    assert split_text(" \n ") == []
    assert split_text("Xin chào。Tạm biệt。" * 3, 20) == ["Xin chào。Tạm biệt。"] * 3


def test_a_code_block_is_whole_or_closed_and_opened_again() -> None:
    lines = [f"line {number}" for number in range(12)]
    block = "```py\n" + "\n".join(lines) + "\n```"
    whole = split_text(f"Before it.\n{block}\nAfter it.", len(block))
    assert whole == ["Before it.", block, "After it."]
    pieces = split_text(f"Before it.\n{block}\nAfter it.", 50)
    assert pieces[0] == "Before it."
    assert pieces[-1] == "After it."
    assert all(one.startswith("```py\n") and one.endswith("\n```") for one in pieces[1:-1])
    assert [line for one in pieces[1:-1] for line in one.split("\n")[1:-1]] == lines
    assert split_text("```\n" + "x" * 30, 20) == ["```\n" + "x" * 12 + "\n```"] * 2 + [
        "```\n" + "x" * 6 + "\n```"
    ]


def test_a_text_keeps_its_marks_when_it_is_cut() -> None:
    text = (
        Text("Hello ")
        .bold("bold words here")
        .add(" and ")
        .mention(5, "Nguyễn Văn A")
        .link("https://mezon.ai")
    )
    text.embed({"title": "T"})
    pieces = text.split(20)
    assert [str(one) for one in pieces] == [
        "Hello bold words",
        "here and",
        "@Nguyễn Văn A",
        "https://mezon.ai",
    ]
    assert [one.content.get("mk") for one in pieces] == [
        [{"type": "b", "s": 6, "e": 16}],
        [{"type": "b", "s": 0, "e": 4}],
        None,
        [{"type": "lk", "s": 0, "e": 16}],
    ]
    assert [len(one.mentions) for one in pieces] == [0, 0, 1, 0]
    assert ["embed" in one.content for one in pieces] == [False, False, False, True]
    code = Text().code_block("\n".join(["code"] * 2000)).split()
    assert len(code) > 2
    assert all(one.content["mk"] == [{"type": "pre", "s": 0, "e": len(one)}] for one in code)


def test_a_text_with_many_marks_fits_by_its_body() -> None:
    text = Text()
    for number in range(300):
        text.bold(f"word{number}").add(" ")
    pieces = text.split()
    assert all(utf16_length(encode_content(one)) <= 4000 for one in pieces)
    assert " ".join(str(one) for one in pieces).split() == [f"word{number}" for number in range(300)]


graphemes = st.sampled_from(
    [
        "a",
        "ệ",
        "e\u0323\u0302",
        "👨‍👩‍👧‍👦",
        "🇻🇳",
        "👋🏽",
        " ",
        "\n",
        "\n\n",
        ". ",
        "! ",
        "word",
        '"',
        "\\",
        "。",
    ]
)


@given(st.lists(graphemes, max_size=120), st.integers(16, 60), st.booleans())
def test_no_piece_is_too_long_and_nothing_but_space_is_lost(
    parts: list[str], limit: int, as_json: bool
) -> None:
    text = "".join(parts)
    pieces = split_text(text, limit, as_json=as_json)
    for piece in pieces:
        length = utf16_length(json.dumps(piece, ensure_ascii=False)) - 2 if as_json else utf16_length(piece)
        assert 0 < length <= limit
        assert piece.strip()
    whole = regex.findall(r"\X", text)
    cut = [one for piece in pieces for one in regex.findall(r"\X", piece)]
    assert [one for one in whole if not one.isspace()] == [one for one in cut if not one.isspace()]
