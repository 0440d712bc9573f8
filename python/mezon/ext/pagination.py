"""Pages with buttons: ``await ctx.paginate(items, per_page=10)``.

The pages are rendered once and stored in the bot's state, so the buttons keep working after a restart and in every
process of the bot, until the pages expire.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from mezon import ButtonMessageStyle, ChannelMessageAck, InvalidArgumentError, Text
from mezon.ext._handlers import Pattern
from mezon.ext._widgets import Button
from mezon.ext.errors import CheckFailedError, UserError
from mezon.ext.texts import sentence

__all__ = ["PAGE_BUTTONS", "Content", "paginate"]

#: The content of a message: a text, or the fields of the content.
Content: TypeAlias = "str | Text | Mapping[str, Any] | BaseModel"

#: The namespace of pages in the keys of a bot.
_PAGES: Final = "_pages"


async def paginate(
    ctx: Any,
    items: Iterable[Any],
    *,
    per_page: int,
    render: Callable[[Sequence[Any]], Content] | None,
    only_for: Any,
    anybody: bool,
    ttl: float,
) -> ChannelMessageAck:
    """Send the first page of items; see ``Interaction.paginate``."""
    if isinstance(per_page, bool) or not isinstance(per_page, int) or per_page < 1:
        raise InvalidArgumentError(f"per_page must be an int >= 1, not {per_page!r}")
    if anybody and only_for is not None:
        raise InvalidArgumentError(
            "pages are for anybody, or only for the users you name: pass one of the two"
        )
    every = list(items)
    groups = [every[start : start + per_page] for start in range(0, len(every), per_page)] or [[]]
    pages = [
        _as_json(render(group) if render is not None else _lines(group) or ctx.bot.texts("no_items"))
        for group in groups
    ]
    sent: ChannelMessageAck
    if len(pages) == 1:
        sent = await ctx.reply(pages[0])
    else:
        users = None if anybody else _ids(ctx.user_id if only_for is None else only_for)
        key = secrets.token_hex(9)
        stored = {"v": 1, "d": {"pages": pages, "users": users}}
        value = json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()
        await ctx.bot.records.put(f"{_PAGES}.{key}", value, 0, ttl)
        sent = await ctx.reply(pages[0], buttons=_buttons(key, 1, len(pages), users))
    return sent


async def _show_page(click: Any, pages: str, page: int) -> None:
    """Show another page: the handler of the buttons."""
    entry = None
    if pages.isascii() and pages.isalnum():
        entry = await click.bot.records.get(f"{_PAGES}.{pages}")
    if entry is None:
        raise UserError(sentence("pages_expired"))
    stored = json.loads(entry.value)["d"]
    if stored["users"] is not None and click.user_id not in stored["users"]:
        raise CheckFailedError(sentence("pages_of_another_user"))
    count = len(stored["pages"])
    if 1 <= page <= count:
        buttons = _buttons(pages, page, count, stored["users"])
        await click.update(stored["pages"][page - 1], buttons=buttons)


#: The handler of the buttons, built into every bot: the buttons work after a restart.
PAGE_BUTTONS: Final = Pattern("mezon-pages/{pages}/{page:int}", _show_page)


def _buttons(key: str, page: int, count: int, users: list[int] | None) -> list[Button]:
    only_for = users[0] if users is not None and len(users) == 1 else None

    def to(label: str, number: int, disabled: bool) -> Button:
        return Button(
            label,
            id=PAGE_BUTTONS.id(pages=key, page=number),
            style=ButtonMessageStyle.SECONDARY,
            disabled=disabled,
            only_for=only_for,
        )

    # The label has an id that no other page uses: a late click on the previous page must not hit a disabled button.
    return [
        to("◀", page - 1, page == 1),
        to(f"{page} / {count}", -page, True),
        to("▶", page + 1, page == count),
    ]


def _lines(items: Sequence[Any]) -> str:
    return "\n".join(map(str, items))


def _as_json(content: Content) -> str | dict[str, Any]:
    """Return a content in a form that can be stored."""
    if isinstance(content, str):
        return content
    if isinstance(content, Text):
        return content.content
    if isinstance(content, BaseModel):
        return content.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(content, Mapping):
        return dict(content)
    raise InvalidArgumentError(f"render() must return the content of a page, not {content!r}")


def _ids(users: Any) -> list[int]:
    """Return the ids of users: of one, or of several."""
    several = users if isinstance(users, Iterable) and not isinstance(users, str) else [users]
    # A button checks what can be a user, and knows the id.
    ids = [Button("", id="user", only_for=user).only_for for user in several]
    if not ids:
        raise InvalidArgumentError("only_for names no user: leave it out for the user who called the command")
    return ids
