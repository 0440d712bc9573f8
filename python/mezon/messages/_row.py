"""Messages as rows of the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mezon.errors import InvalidArgumentError
from mezon.utils.ids import optional_id, required_id

if TYPE_CHECKING:
    from mezon.models import ChannelMessage


def json_text(value: Any) -> str:
    """Return a value as compact JSON that can be encoded as UTF-8. Nested pydantic models become dicts.

    Raises:
        InvalidArgumentError: If the value has no JSON form, or is nested too deeply.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_dump)
    except RecursionError:
        raise InvalidArgumentError("the message is nested too deeply to be stored as JSON") from None
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate; its escape sequence is ASCII
        return json.dumps(value, separators=(",", ":"), default=_dump)
    return text


def _dump(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise InvalidArgumentError(
            f"a message that contains a {type(value).__name__} cannot be stored as JSON"
        )
    return dump()


def content_text(content: Any) -> str:
    """Return the content column: a JSON object, or ``{}`` for other values. A str is parsed as JSON."""
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            return "{}"
    if not isinstance(content, Mapping) and hasattr(content, "model_dump"):
        content = content.model_dump()
    return json_text(content) if isinstance(content, Mapping) else "{}"


def row_of(message: ChannelMessage | Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the arguments of ``Store.save_row`` of the core for a message, or for the result of its ``to_db_dict``.

    Raises:
        InvalidArgumentError: If it has no message or channel id, or contains a value that cannot be stored.
    """
    fields = message if isinstance(message, Mapping) else message.to_db_dict()
    seconds = fields.get("create_time_seconds")
    return (
        required_id("message_id", fields.get("message_id")),
        required_id("channel_id", fields.get("channel_id")),
        optional_id("clan_id", fields.get("clan_id")),
        optional_id("sender_id", fields.get("sender_id")),
        content_text(fields.get("content")),
        json_text(fields.get("mentions") or []),
        json_text(fields.get("attachments") or []),
        json_text(fields.get("reactions") or []),
        json_text(fields.get("references") or []),
        optional_id("topic_id", fields.get("topic_id")),
        None if seconds is None else int(seconds),
    )
