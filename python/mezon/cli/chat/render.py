"""Rendering of messages: colours and boxes on a terminal, plain lines in a pipe."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mezon.cli.output import err, out

if TYPE_CHECKING:
    from mezon.testing.gateway import LocalGateway

__all__ = ["BUTTON", "Renderer", "buttons_of", "names_of", "options_of", "parts_of"]

_SELECT, _INPUT, _DATE, _RADIO, BUTTON = 2, 3, 4, 5, 1
_KINDS = {_SELECT: "select", _INPUT: "text", _DATE: "date", _RADIO: "choice"}


def parts_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the inputs and buttons of a message, in order."""
    inside = [
        field.get("inputs") for embed in content.get("embed") or [] for field in embed.get("fields") or []
    ]
    rows = [part for row in content.get("components") or [] for part in row.get("components") or []]
    return [part for part in (*inside, *rows) if part]


def buttons_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the buttons of a message, in order."""
    return [part for part in parts_of(content) if part.get("type") == BUTTON]


def options_of(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the options of a select menu or a radio field."""
    component = part.get("component")
    found = component if isinstance(component, list) else (component or {}).get("options") or []
    return [one for one in found if isinstance(one, dict)]


class Renderer:
    """Print the events of a conversation. ``bot_acted`` is set whenever the bot does something."""

    def __init__(self, gateway: LocalGateway, fancy: bool) -> None:
        self._gateway = gateway
        self._fancy = fancy
        self._numbers: dict[str, int] = {}
        self._drawn: dict[str, str] = {}
        self._reactions: dict[str, str] = {}
        self.bot_acted: asyncio.Event = asyncio.Event()
        self.channel_id = 0
        """The channel the user is in."""

    def number(self, message_id: str) -> int:
        """Return the short number of a message."""
        return self._numbers.setdefault(message_id, len(self._numbers) + 1)

    def by_number(self, number: int) -> str | None:
        """Return the id of the message with a short number, or None."""
        return next((one for one, known in self._numbers.items() if known == number), None)

    def note(self, text: str) -> None:
        """Print a line that is not a message."""
        err.print(text, style="dim", markup=False)

    def error(self, text: str) -> None:
        """Print an error of the bot."""
        self.bot_acted.set()
        err.print(text.rstrip(), style="red", markup=False)

    def take(self, event: dict[str, Any]) -> None:
        """Print an event of the conversation."""
        if event["event"] != "message":
            return
        message = event["message"]
        if message["bot"]:
            self.bot_acted.set()
        drawn = repr((message["content"], message["attachments"], message["removed"]))
        if self._drawn.get(message["id"]) != drawn:
            known = message["id"] in self._drawn
            self._drawn[message["id"]] = drawn
            # The user's own message is already visible in the prompt.
            if message["bot"] or known or not self._fancy:
                self._draw(message, known)
        self._draw_reactions(message)

    def _head(self, message: dict[str, Any], known: bool) -> str:
        number = self.number(message["id"])
        place = ""
        if int(message["channel"]) != self.channel_id:
            channel = self._gateway.world.channels.get(int(message["channel"]))
            place = f" in {channel.label}" if channel is not None else ""
        notes = []
        if message["only"]:
            users = self._gateway.world.users
            notes.append(
                "only " + ", ".join(users[int(one)].username for one in message["only"] if int(one) in users)
            )
        if message["reply"]:
            notes.append(f"reply to {message['reply']['name']}")
        if message["removed"]:
            notes.append("deleted")
        elif known:
            notes.append("edited")
        return f"#{number} {message['username']}{place}" + (f" ({'; '.join(notes)})" if notes else "")

    def _draw(self, message: dict[str, Any], known: bool) -> None:
        head = self._head(message, known)
        if message["removed"]:
            out.print(f"{head}", style="dim" if self._fancy else None, markup=False)
            return
        content = message["content"]
        # Further lines are indented like the other parts of a message.
        text = str(content.get("t") or "").replace("\n", "\n   ")
        if self._fancy:
            line = Text()
            line.append(head, style="bold green" if message["bot"] else "bold cyan")
            line.append(": " + text if text else "")
            out.print(line)
        else:
            out.print(f"{head}: {text}" if text else head, markup=False)
        for embed in content.get("embed") or []:
            self._embed(embed)
        if buttons := buttons_of(content):
            out.print(
                "   " + "   ".join(names_of(buttons)), style="cyan" if self._fancy else None, markup=False
            )
        for file in message["attachments"]:
            out.print(f"   file {file.get('filename') or '?'} {file.get('url') or ''}", markup=False)

    def _embed(self, embed: dict[str, Any]) -> None:
        lines: list[str] = []
        if embed.get("description"):
            lines.append(str(embed["description"]))
        for field in embed.get("fields") or []:
            lines.append(f"{field.get('name') or ''}: {field.get('value') or ''}".rstrip(" :"))
            if field.get("inputs"):
                lines.append("  " + self._describe_input(field["inputs"]))
        if (embed.get("image") or {}).get("url"):
            lines.append(f"picture {embed['image']['url']}")
        footer = (embed.get("footer") or {}).get("text")
        title = str(embed.get("title") or "")
        if self._fancy:
            body = Group(*(Text(line) for line in lines)) if lines else Text("")
            table = Table.grid()
            table.add_row(body)
            out.print(
                Panel(table, title=Text(title), subtitle=Text(footer or ""), expand=False, title_align="left")
            )
        else:
            for line in [f"== {title}" if title else "==", *lines]:
                out.print("   " + line, markup=False)

    def _describe_input(self, part: dict[str, Any]) -> str:
        kind = _KINDS.get(part.get("type", 0), "?")
        options = ", ".join(_choice(one) for one in options_of(part))
        return f"/fill {part.get('id')}=  {kind}" + (f": {options}" if options else "")

    def _draw_reactions(self, message: dict[str, Any]) -> None:
        drawn = ", ".join(f"{one['emoji']} {len(one['users'])}" for one in message["reactions"])
        if self._reactions.get(message["id"], "") == drawn:
            return
        self._reactions[message["id"]] = drawn
        if self._bot_reacted(message):
            self.bot_acted.set()
        text = f"   reactions on #{self.number(message['id'])}: {drawn or 'none'}"
        out.print(text, style="dim" if self._fancy else None, markup=False)

    def _bot_reacted(self, message: dict[str, Any]) -> bool:
        bot = str(self._gateway.bot_id)
        return any(bot in one["users"] for one in message["reactions"])


def names_of(buttons: list[dict[str, Any]]) -> list[str]:
    """Return each button's name for ``/click`` in brackets: its label, or its id if the label is not unique."""
    labels = [str((part.get("component") or {}).get("label") or "") for part in buttons]
    taken = [label.lower() for label in labels]
    return [
        f"[{label}]" if label and taken.count(label.lower()) == 1 else f"[{part.get('id')}] {label}".rstrip()
        for part, label in zip(buttons, labels, strict=True)
    ]


def _choice(option: dict[str, Any]) -> str:
    """Return an option as ``/fill`` accepts it, followed by its label if that differs."""
    value, label = str(option.get("value")), str(option.get("label"))
    typed = f'"{value}"' if any(letter.isspace() for letter in value) else value
    return typed if label == value else f"{typed} ({label})"
