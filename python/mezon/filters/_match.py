"""What filters mean: the reference, in Python, which also decides for each handler. The core never says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from mezon.filters._spec import Spec

Matches: TypeAlias = "Callable[[Any], bool]"


def matcher(spec: Spec) -> Matches:
    """Say whether an event matches."""
    if "and" in spec:
        every = [matcher(part) for part in spec["and"]]
        return lambda event: all(one(event) for one in every)
    if "or" in spec:
        some = [matcher(part) for part in spec["or"]]
        return lambda event: any(one(event) for one in some)
    if "not" in spec:
        inner = matcher(spec["not"])
        return lambda event: not inner(event)
    if "ids" in spec:
        path, ids = spec["ids"], frozenset(spec["in"])
        if len(path) == 1:
            return lambda event: _is_one(getattr(event, path[0], 0), ids)
        return lambda event: any(_is_one(value, ids) for value in _at(event, path))
    if "str" in spec:
        field, texts = spec["str"], frozenset(spec["in"])
        return lambda event: getattr(event, field, "") in texts
    if "text" in spec:
        found = _words(spec)
        return lambda event: found(text_of(event))
    if "key" in spec:
        key = spec["key"]
        return lambda event: bool(_content(event).get(key))
    name = spec["list"]
    if "field" not in spec:
        return lambda event: bool(getattr(event, name, None))
    field, ids = spec["field"], frozenset(spec["in"])
    return lambda event: any(
        (getattr(item, field, 0) or 0) in ids for item in getattr(event, name, None) or ()
    )


def _is_one(value: Any, ids: frozenset[int]) -> bool:
    if isinstance(value, int):
        return value in ids
    if value is None:
        return 0 in ids
    # A list of ids.
    return any(one in ids for one in value)


def _at(event: Any, path: list[str]) -> Iterator[Any]:
    """Give the values at a place; an object that is not there has nothing but zeros."""
    found = getattr(event, path[0], None)
    if len(path) == 1:
        yield found
    elif found is None:
        yield 0
    elif hasattr(found, "__iter__") and hasattr(found, "__len__"):
        for one in found:
            yield from _at(one, path[1:])
    else:
        yield from _at(found, path[1:])


def _content(event: Any) -> dict[str, Any]:
    content = getattr(event, "content", None)
    if isinstance(content, str):  # MezonClient(content_as_json=True)
        import json

        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            return {}
    return content if isinstance(content, dict) else {}


def text_of(event: Any) -> str:
    """Give the text of a message: ``t`` of its content, if that is a text."""
    text = _content(event).get("t")
    return text if isinstance(text, str) else ""


def _words(spec: Spec) -> Callable[[str], bool]:
    how, words, fold = spec["text"], spec["words"], spec["fold"]
    if how == "regex":
        from mezon._gateway.filtering import pattern

        return pattern(words[0], fold)
    if fold:
        words = [_folded(word) for word in words]
    begins, whole = tuple(words), frozenset(words)
    ways: dict[str, Callable[[str], bool]] = {
        "prefix": lambda text: text.startswith(begins),
        "equals": lambda text: text in whole,
        "contains": lambda text: any(word in text for word in begins),
    }
    way = ways[how]
    return (lambda text: way(_folded(text))) if fold else way


def _folded(text: str) -> str:
    """Write it in lower case, each character by itself. Must match `folded` in src/filter/text.rs."""
    return "".join(map(str.lower, text))
