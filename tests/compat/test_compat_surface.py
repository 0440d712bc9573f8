"""The public names, signatures, fields and values of mezon-sdk 1.8.3 (docs/contract.md, "The public surface")."""

import collections
import json
import pathlib
from typing import Any

from surface_check import Check, checks

SURFACE: dict[str, Any] = json.loads((pathlib.Path(__file__).parent / "surface.json").read_text("utf-8"))
RESULTS: list[Check] = list(checks(SURFACE))


def test_nothing_of_the_surface_is_missing() -> None:
    """Every public name, signature, field and value of the reference is there."""
    assert [check.sentence for check in RESULTS if not check.holds] == []


def test_as_much_is_compared_as_ever() -> None:
    """A check that is no longer made would hide a loss."""
    assert collections.Counter(check.tier for check in RESULTS) == {"public": 2465, "internal": 83}


def test_a_loss_is_seen() -> None:
    """The comparison fails on names, parameters, defaults, fields and values that are not as they were."""
    params = [
        {"name": "self", "kind": "POSITIONAL_OR_KEYWORD", "default": None},
        {"name": "api_key", "kind": "POSITIONAL_OR_KEYWORD", "default": None},
        {"name": "nobody_has_this", "kind": "POSITIONAL_OR_KEYWORD", "default": "1"},
    ]
    login = {"async": False, "params": [{"name": "self", "kind": "POSITIONAL_OR_KEYWORD", "default": None}]}
    model = {
        "kind": "model",
        "fields": {
            "nothing": {"alias": None, "required": False},
            "user_id": {"alias": "x", "required": False},
        },
        "populate_by_name": False,
        "members_": {},
    }
    broken = {
        "mezon": {
            "tier": "public",
            "names": {
                "Nobody": {"kind": "function"},
                "MezonClient": {
                    "kind": "class",
                    "members_": {"__init__": {"params": params}, "login": login},
                },
                "Events": {"kind": "enum", "members": {"CHANNEL_MESSAGE": "x"}, "int": True, "str": True},
            },
        },
        "mezon.models": {"tier": "public", "names": {"ApiMessageMention": model}},
        "mezon.nowhere": {"tier": "public", "names": {}},
    }
    missed = [check.sentence for check in checks(broken) if not check.holds]
    for word in (
        "mezon.Nobody",
        "api_key moved",
        "nobody_has_this is missing",
        "client_id has no default",
        "login: became a coroutine",
        "Events.CHANNEL_MESSAGE",
        "Events has another base",
        "ApiMessageMention.nothing",
        "ApiMessageMention.user_id: alias",
        "mezon.nowhere",
    ):
        assert any(word in sentence for sentence in missed), word
