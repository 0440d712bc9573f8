"""Record what happens in the playground, and write a pytest file that repeats it."""

from __future__ import annotations

import ast
import json
import time
from dataclasses import dataclass
from typing import Any, Final

from mezon.testing.gateway import LocalGateway
from mezon.testing.records import Answer, Sent, Tap
from mezon.testing.world import BOT_NAME

__all__ = ["Recording", "mark", "quoted", "unmarked"]

STEPS: Final = 1_000
"""Maximum number of recorded steps."""

_KINDS: Final = {"message", "ephemeral", "reaction", "update", "delete"}


def quoted(value: Any) -> str:
    """Return a Python literal, with double quotes where possible."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        same = ast.literal_eval(text) == value
    except (ValueError, SyntaxError, UnicodeError):
        same = False  # JSON's true and null, and text that UTF-8 cannot encode
    return text if same and "\\" not in text else repr(value)


def mark(message_id: int | str) -> str:
    """Return a placeholder for a message in a line, replaced by a variable later. No Python literal contains it."""
    return f"\0{message_id}\0"


def unmarked(line: str) -> str:
    """Return the line with ids instead of placeholders."""
    return line.replace("\0", "")


@dataclass(slots=True)
class _Step:
    """``line`` contains ``mark(id)`` for messages; ``made`` is the id of the message that the step created."""

    line: str = ""
    made: int = 0
    sent: Sent | None = None
    call: tuple[int, int] = (0, 0)


class Recording(Tap):
    """Records the bot as a tap of the gateway, and the person through ``add``."""

    def __init__(self, gateway: LocalGateway) -> None:
        self._gateway = gateway
        self._steps: list[_Step] = []

    def clear(self) -> None:
        """Discard the recorded steps."""
        self._steps.clear()

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, line: str, made: int = 0) -> None:
        """Record an action of the person as a line of Python."""
        self._keep(_Step(line, made))

    def _keep(self, step: _Step) -> None:
        if len(self._steps) < STEPS:
            self._steps.append(step)

    def on_sent(self, sent: Sent) -> None:
        """Record an action of the bot."""
        if sent.name in _KINDS:
            self._keep(_Step(sent=sent, call=(sent.connection, sent.cid)))

    def on_written(self, answer: Answer) -> None:
        """Record the message id from an ack."""
        if answer.envelope is None or answer.envelope.WhichOneof("message") != "channel_message_ack":
            return
        for step in reversed(self._steps):
            if step.call == (answer.connection, answer.cid):
                step.made = answer.envelope.channel_message_ack.message_id
                return

    # Writing the test

    def python(self, bot: str, name: str = "played") -> str:
        """Return the text of the test file.

        Args:
            bot: The bot as ``running_bot`` takes it.
            name: The name of the test function, without ``test_``.
        """
        writer = _Writer(self._gateway, self._thinned())
        body = writer.lines() or ["await gateway.wait_joined()  # nothing was recorded"]
        username = self._gateway.world.bot.username
        if username != BOT_NAME:
            body.insert(0, f"gateway.world.bot.username = {quoted(username)}")
        indented = "\n".join(" " * 8 + line if line else "" for line in body)
        return (
            f'"""Recorded in the playground on {time.strftime("%Y-%m-%d")}."""\n\n'
            "import pytest\n"
            "from mezon.testing import LocalGateway, running_bot\n\n\n"
            "@pytest.mark.asyncio\n"
            f"async def test_{name}(gateway: LocalGateway) -> None:\n"
            f"    async with running_bot({quoted(bot)}, gateway):\n"
            f"{indented}\n"
        )

    def _thinned(self) -> list[_Step]:
        """Keep only the last of successive edits of a message: their number varies in a streamed answer."""
        kept: list[_Step] = []
        for step in self._steps:
            last = kept[-1].sent if kept else None
            if (
                step.sent is not None
                and last is not None
                and step.sent.api_name == last.api_name == "UpdateChannelMessage"
                and step.sent.payload.message_id == last.payload.message_id
            ):
                kept.pop()
            kept.append(step)
        return kept


class _Writer:
    """Convert steps to lines. Messages are named by the variable that holds their id."""

    def __init__(self, gateway: LocalGateway, steps: list[_Step]) -> None:
        self._gateway = gateway
        self._steps = steps
        #: The expression for a message in actions, and for its id in comparisons.
        self._names: dict[int, str] = {}
        self._ids: dict[int, str] = {}
        self._counts = {"said": 0, "sent": 0}

    def lines(self) -> list[str]:
        lines: list[str] = []
        for number, step in enumerate(self._steps):
            if step.sent is None:
                if lines:
                    lines.append("")
                lines += self._done(step, number)
            else:
                lines += self._expected(step.sent, step.made, number)
        return lines

    def _named(self, name: str) -> str:
        self._counts[name] += 1
        return f"{name}_{self._counts[name]}"

    def _needed(self, message_id: int, after: int) -> bool:
        """Return whether a later step refers to this message."""
        for step in self._steps[after + 1 :]:
            if mark(message_id) in step.line or (step.sent is not None and message_id in _targets(step.sent)):
                return True
        return False

    def _done(self, step: _Step, number: int) -> list[str]:
        line = step.line
        for message_id, name in self._names.items():
            line = line.replace(mark(message_id), name)
        line = unmarked(line)
        if step.made and self._needed(step.made, number):
            name = self._names[step.made] = self._ids[step.made] = self._named("said")
            line = f"{name} = {line}"
        return line.split("\n")

    def _expected(self, sent: Sent, made: int, number: int) -> list[str]:
        kind = sent.name
        name = self._named("sent")
        if kind == "update" and sent.text:
            # Only the last edit of a streamed answer is expected.
            lines = [
                f"{name} = await gateway.next_sent(",
                f'    "{kind}", match=lambda sent: sent.text == {quoted(sent.text)}',
                ")",
                *self._same_target(name, sent),
            ]
        else:
            lines = [f'{name} = await gateway.next_sent("{kind}")', *self._same_target(name, sent)]
            if sent.text:
                lines.append(f"assert {name}.text == {quoted(sent.text)}")
        lines += _same_content(name, sent)
        if sent.kind == "ephemeral_message_send":
            users = [self._user(one) for one in sent.message.receiver_ids]
            lines.append(f"assert list({name}.message.receiver_ids) == [{', '.join(users)}]")
        if made and self._needed(made, number):
            self._names[made] = name
            self._ids[made] = f"{name}.message_id"
        return lines

    def _user(self, user_id: int) -> str:
        user = self._gateway.world.users.get(user_id)
        return f'gateway.world.user("{user.username}").id' if user is not None else str(user_id)

    def _same_target(self, name: str, sent: Sent) -> list[str]:
        payload = sent.payload
        if sent.kind == "message_reaction_event":
            lines = [f"assert {name}.message.emoji == {quoted(payload.emoji)}"]
            if payload.message_id in self._ids:
                lines.append(f"assert {name}.message_id == {self._ids[payload.message_id]}")
            return lines
        if sent.kind == "api_request_event":
            known = self._ids.get(payload.message_id)
            return [f"assert {name}.message_id == {known}"] if known else []
        known_references = [self._ids.get(one.message_ref_id) for one in payload.references]
        if known_references and all(known_references):
            expected = ", ".join(str(one) for one in known_references)
            return [f"assert [one.message_ref_id for one in {name}.payload.references] == [{expected}]"]
        return []


def _targets(sent: Sent) -> set[int]:
    """Return the ids of the messages that an envelope refers to."""
    payload = sent.payload
    if sent.kind in ("message_reaction_event", "api_request_event"):
        return {payload.message_id}
    return {one.message_ref_id for one in payload.references}


def _same_content(name: str, sent: Sent) -> list[str]:
    """Return assertions on the stable parts of embeds, buttons and files, without colours, times and ids."""
    lines = []
    content: Any = sent.content if isinstance(sent.content, dict) else {}
    for number, embed in enumerate(content.get("embed") or []):
        place = f'{name}.content["embed"][{number}]'
        lines += [
            f'assert {place}["{key}"] == {quoted(embed[key])}'
            for key in ("title", "description")
            if embed.get(key)
        ]
        fields = [one.get("name") for one in embed.get("fields") or []]
        if fields:
            lines.append(f'assert [field["name"] for field in {place}["fields"]] == {quoted(fields)}')
    if sent.buttons:
        lines.append(f"assert {name}.buttons == {quoted(sent.buttons)}")
    files = [one.filename for one in getattr(sent.payload, "attachments", ())]
    if files:
        lines.append(f"assert [one.filename for one in {name}.payload.attachments] == {quoted(files)}")
    return lines
