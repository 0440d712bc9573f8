"""A world from a JSON file, for ``mezon dev --world`` and tests.

::

    {
      "bot": "helper",
      "users": ["alice", {"username": "bob", "display_name": "Bob B."}],
      "clans": [{"name": "Company", "channels": ["general", {"label": "hr", "private": true, "members": ["alice"]}]}]
    }

Names may stand for objects; the objects have the parameters of ``World.add_user`` and ``World.add_channel``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mezon.testing.address import BOT_ID
from mezon.testing.world import User, World

__all__ = ["load_world"]


def load_world(path: str | Path) -> World:
    """Read the file.

    Raises:
        ValueError: It is no such file; the text says where.
        OSError: It cannot be read.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(found, dict) or set(found) - {"bot", "users", "clans"}:
        raise ValueError(f'{path} must be an object with "users" and "clans", and "bot" if you like')
    name = str(found.get("bot", "echo"))
    world = World(User(BOT_ID, name, name.capitalize(), is_bot=True), populate=False)
    try:
        users = [_as_object(user, "username") for user in found.get("users", [])]
        for user in users:
            world.add_user(**{"display_name": str(user["username"]).capitalize(), **user})
        for clan in found.get("clans", []):
            fields = _as_object(clan, "name")
            channels = fields.pop("channels", ["general"])
            home = world.add_clan(**fields)
            for channel in channels:
                world.add_channel(clan=home, **_as_object(channel, "label"))
    except (TypeError, KeyError, LookupError) as error:
        raise ValueError(f"{path}: {error}") from None
    if not world.channels:
        raise ValueError(f'{path} has no channel: "clans": [{{"name": "Home", "channels": ["general"]}}]')
    return world


def _as_object(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, str):
        return {name: value}
    if not isinstance(value, Mapping) or name not in value:
        raise TypeError(f'{value!r} must be a name, or an object with "{name}"')
    return dict(value)
