"""Ids of components: prefixes, limits, signatures, and patterns such as ``vote/{poll}/{choice:int}``."""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from mezon import InvalidArgumentError

__all__ = ["CALLBACK", "FORM", "MAX_ID_LENGTH", "ONLY_FOR", "IdPattern", "IdSigner", "SignedId", "check_id"]

#: Prefixes of the ids of buttons with callbacks, and of the submit buttons of forms.
CALLBACK: Final = "~cb/"
FORM: Final = "~form/"

#: Prefix of the signed ids of buttons for one user: ``~for/{user}/{message}/{p or c}/{signature}/{id}``.
ONLY_FOR: Final = "~for/"

#: Maximum length of a component id, in characters. Clicks with a longer id are ignored: a client can send any id.
MAX_ID_LENGTH: Final = 1024

_FIELD: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_KINDS: Final = ("", "str", "int", "path")


@dataclass(frozen=True, slots=True)
class _Segment:
    """The part of a pattern between two slashes: a literal text, or one field with a literal prefix and suffix."""

    prefix: str
    field: str = ""
    kind: str = ""
    suffix: str = ""

    def match(self, text: str) -> str | None:
        """Return the text of the field ("" for a literal segment), or None if the text does not match."""
        if not self.field:
            return "" if text == self.prefix else None
        end = len(text) - len(self.suffix)
        if end <= len(self.prefix) or not text.startswith(self.prefix) or not text.endswith(self.suffix):
            return None
        value = text[len(self.prefix) : end]
        if self.kind == "int" and not value.removeprefix("-").isdecimal():
            return None
        if self.kind == "path" and "\n" in value:
            return None
        return value


class IdPattern:
    """A pattern of ids that matches an id in at most one way, in linear time.

    A segment (the text between two slashes) has at most one field, and a pattern has at most one ``path`` field. Every
    other segment is therefore at a known distance from the start or the end of an id, and ``match`` compares each
    segment once, without backtracking.

    Args:
        pattern: Literal text with the fields ``{name}``, ``{name:int}`` and ``{name:path}``.

    Raises:
        InvalidArgumentError: If a field is unknown or repeated, or the pattern is ambiguous.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        #: The kind of each field, by name.
        self.kinds: dict[str, str] = {}
        self._segments = [self._parse(segment) for segment in pattern.split("/")]
        paths = [number for number, one in enumerate(self._segments) if one.kind == "path"]
        if len(paths) > 1:
            raise InvalidArgumentError(
                f"the pattern {pattern!r} has {len(paths)} path fields, so an id can match in several ways: use one "
                "path field, and {name} for the other fields"
            )
        self._path = paths[0] if paths else None

    def _parse(self, text: str) -> _Segment:
        fields = list(_FIELD.finditer(text))
        if not fields:
            return _Segment(text)
        if len(fields) > 1:
            raise InvalidArgumentError(
                f"the segment {text!r} of the pattern {self.pattern!r} has {len(fields)} fields, so an id can match in "
                "several ways: put a slash between two fields"
            )
        (found,) = fields
        name, kind = found.group(1), found.group(2) or ""
        if kind not in _KINDS or name in self.kinds:
            raise InvalidArgumentError(
                f"{found.group()} in the pattern {self.pattern!r} is not a valid field, or is repeated: "
                "write {name}, {name:int} or {name:path}"
            )
        self.kinds[name] = kind
        return _Segment(text[: found.start()], name, kind, text[found.end() :])

    def match(self, text: str) -> dict[str, str] | None:
        """Return the text of each field, or None if the id does not match or is too long."""
        if len(text) > MAX_ID_LENGTH:
            return None
        parts = text.split("/")
        extra = len(parts) - len(self._segments)
        if extra < 0 or (extra and self._path is None):
            return None
        if self._path is not None:
            # The path field takes all slashes that do not belong to the other segments.
            end = self._path + extra + 1
            parts[self._path : end] = ["/".join(parts[self._path : end])]
        fields: dict[str, str] = {}
        for segment, part in zip(self._segments, parts, strict=True):
            value = segment.match(part)
            if value is None:
                return None
            if segment.field:
                fields[segment.field] = value
        return fields

    def format(self, values: dict[str, object]) -> str:
        """Return the id with these values, which is not checked against the pattern."""
        return _FIELD.sub(lambda found: str(values[found.group(1)]), self.pattern)


def check_id(text: str) -> str:
    """Return the id of a component unchanged, if it is valid.

    Raises:
        InvalidArgumentError: If it is longer than ``MAX_ID_LENGTH``.
    """
    if len(text) > MAX_ID_LENGTH:
        raise InvalidArgumentError(
            f"the component id {text[:40]!r}... has {len(text)} characters, the maximum is {MAX_ID_LENGTH}: "
            "keep the data in the bot and put a short key into the id"
        )
    return text


@dataclass(frozen=True, slots=True)
class SignedId:
    """A signed id whose signature is valid.

    Attributes:
        id: The id of the button without the signature.
        user_id: The user for whom the button was made.
        private: Whether only this user received the message with the button.
    """

    id: str
    user_id: int
    private: bool


class IdSigner:
    """Signs the ids of buttons for one user, and verifies them.

    The key is derived from the API key: signed ids remain valid after a restart, until the API key changes. The id of a
    message is unknown before it is sent, so a random text that all buttons of the message share represents it.
    """

    def __init__(self, api_key: str) -> None:
        self._key = hmac.digest(api_key.encode(), b"mezon.ext: ids of buttons for one user", "sha256")

    @staticmethod
    def new_message() -> str:
        """Return a random text that represents a message."""
        return secrets.token_urlsafe(9)

    def sign(self, component_id: str, user_id: int, message: str, *, private: bool) -> str:
        """Return the signed id of a button.

        Raises:
            InvalidArgumentError: If the signed id is too long.
        """
        head = f"{user_id}/{message}/{'p' if private else 'c'}"
        return check_id(f"{ONLY_FOR}{head}/{self._signature(head, component_id)}/{component_id}")

    def verify(self, text: str) -> SignedId | None:
        """Return the parts of a signed id, or None if the text is no signed id or the signature is invalid."""
        parts = text.split("/", 5)
        if len(parts) != 6 or f"{parts[0]}/" != ONLY_FOR:
            return None
        _, user, message, audience, signature, component_id = parts
        expected = self._signature(f"{user}/{message}/{audience}", component_id)
        if not hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), expected.encode()):
            return None
        return SignedId(component_id, int(user), audience == "p")

    def _signature(self, head: str, component_id: str) -> str:
        # The head has exactly two slashes, so head and id cannot be confused.
        signed = f"{head}/{component_id}".encode("utf-8", "surrogatepass")
        return urlsafe_b64encode(hmac.digest(self._key, signed, "sha256")[:18]).decode()
