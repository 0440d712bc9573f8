"""The body of a message as it goes over the wire: compact JSON, UTF-8, without nulls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from mezon.errors import InvalidArgumentError
from mezon.utils.text_body import TextBody

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.models.parts import ApiMessageMention

#: What a send takes as content: text, a ``Text``, a dict, or a model such as ``ChannelMessageContent``.
Content: TypeAlias = "str | TextBody | Mapping[str, Any] | BaseModel"


def mentions_of(
    content: Content | None, mentions: Sequence[ApiMessageMention] | None
) -> Sequence[ApiMessageMention] | None:
    """Give what is sent as the mentions of a message: those that a ``Text`` holds, and those that are given.

    Raises:
        InvalidArgumentError: If one of them is no mention.
    """
    for mention in mentions or ():
        if not isinstance(mention, BaseModel | Mapping):
            raise InvalidArgumentError(
                f"a mention is an ApiMessageMention(user_id=..., s=0, e=5) or such a dict, not {mention!r}: a name "
                "alone does not say who that is, nor where in the text"
            )
    if not isinstance(content, TextBody) or not (held := content.mentions):
        return mentions
    return [*held, *(mentions or ())]


def require_content(content: Content | None) -> None:
    """Refuse to send nothing.

    Raises:
        InvalidArgumentError: If ``content`` is None.
    """
    if content is None:
        raise InvalidArgumentError(
            "there is nothing to send: the content is None. Did a function forget its return?"
        )


def encode_content(content: Content | None) -> str:
    """Write the JSON text of ``content``: a str becomes ``{"t": ...}``, None becomes ``{}``.

    Entries that are None are left out, in nested dicts and models too.

    Raises:
        InvalidArgumentError: If ``content`` is of another type or holds a value that JSON cannot carry.
    """
    try:
        if isinstance(content, str):
            content.encode()  # a lone surrogate fails here
            return f'{{"t":{encode_basestring(content)}}}'
        if isinstance(content, BaseModel):
            text = content.model_dump_json(by_alias=True, exclude_none=True)
        else:
            text = str(to_json(_as_dict(content), inf_nan_mode="null"), "utf-8")
    except (PydanticSerializationError, UnicodeEncodeError):
        return _encode_escaped(_as_dict(content))
    # Neither writer leaves out the None entries of a dict, and both make a null of NaN and infinity.
    return _encode_without_nulls(_as_dict(content)) if "null" in text else text


def _as_dict(content: Content | None) -> dict[str, Any]:
    """Give ``content`` as a dict by wire names; its values may be models still."""
    if isinstance(content, str):
        return {"t": str(content)}
    if isinstance(content, BaseModel):
        return content.model_dump(by_alias=True, exclude_none=True)
    if isinstance(content, TextBody):
        return content.content
    if isinstance(content, Mapping):
        return dict(content)
    if content is None:
        return {}
    raise InvalidArgumentError(
        f"the content of a message is a str, a Text, a dict or a ChannelMessageContent, not {type(content).__name__}"
    )


def received_content(content: Content | None) -> dict[str, Any]:
    """Give ``content`` as a receiver gets it: plain JSON values only.

    Raises:
        InvalidArgumentError: As ``encode_content`` does.
    """
    if isinstance(content, str):
        return {"t": str(content)}
    received: dict[str, Any] = json.loads(encode_content(content))
    return received


def _plain(value: Any) -> Any:
    """Give ``value`` with models as dicts and without entries that are None."""
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True, exclude_none=True)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _encode_without_nulls(value: dict[str, Any]) -> str:
    plain = _plain(value)
    text = str(to_json(plain, inf_nan_mode="constants"), "utf-8")
    return _encode_escaped(plain) if "NaN" in text or "Infinity" in text else text


def _encode_escaped(value: dict[str, Any]) -> str:
    """Write it the slow way: it escapes what UTF-8 has no bytes for, and is strict about everything else."""
    try:
        return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"the content of a message must be JSON: {error}") from error
