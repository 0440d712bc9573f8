"""Keys and tokens must not be shown: types with a masked repr for tracebacks, and redaction of texts of a server."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, SupportsIndex, TypeVar, overload
from urllib.parse import quote, quote_plus

__all__ = ["Secret", "SecretBytes", "hide", "hide_in_headers", "masked"]

_T = TypeVar("_T")

#: Shorter secrets are typos or placeholders, which would match inside words.
_SHORTEST = 6
_HIDDEN = "[hidden]"
#: The token of a session, whole or truncated; also of earlier sessions.
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")


class Secret(str):
    """A text whose repr is masked.

    Error reporters (Sentry, rich with ``show_locals``, pytest with ``--showlocals``) show the repr of the local
    variables in a traceback. It remains a ``str``, which HTTP and the core accept unchanged. Formatting and
    concatenation return a plain ``str``: wrap it again before it is bound to a name.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[hidden]'"

    def __getitem__(self, key: SupportsIndex | slice) -> Secret:
        # Reporters truncate long texts before they show them.
        return Secret(super().__getitem__(key))


class SecretBytes(bytes):
    """Bytes whose repr is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'[hidden]'"

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> SecretBytes: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | SecretBytes:
        return masked(super().__getitem__(key))


@overload
def masked(value: str) -> Secret: ...
@overload
def masked(value: bytes) -> SecretBytes: ...
@overload
def masked(value: _T) -> _T: ...
def masked(value: Any) -> Any:
    """Return a text as a `Secret`, bytes as `SecretBytes`, and other values unchanged."""
    if isinstance(value, str) and not isinstance(value, Secret):
        value = Secret(value)
    elif isinstance(value, bytes) and not isinstance(value, SecretBytes):
        value = SecretBytes(value)
    return value


def hide(text: str, secrets: Iterable[str]) -> str:
    """Redact the secrets, also in their URL, JSON and HTML encodings, and all JWTs.

    Truncate a text after the redaction, not before.
    """
    for secret in sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True):
        for form in _forms(secret):
            text = text.replace(form, _HIDDEN)
    return _JWT.sub(_HIDDEN, text)


def _forms(secret: str) -> Iterable[str]:
    # Each form is masked: no local variable may show a secret in a traceback.
    in_urls = {masked(quote(secret, safe="")), masked(quote(secret)), masked(quote_plus(secret))}
    in_json = [masked(json.dumps(secret, ensure_ascii=ascii_alone)[1:-1]) for ascii_alone in (True, False)]
    return {
        masked(secret),
        *in_urls,
        # Some encoders use lower-case digits.
        *(masked(re.sub("%..", lambda code: code[0].lower(), form)) for form in in_urls),
        *in_json,
        *(masked(form.replace("/", r"\/")) for form in in_json),
        masked(html.escape(secret)),
        masked(html.escape(secret, quote=False)),
    }


def hide_in_headers(headers: Mapping[str, str], secrets: Iterable[str]) -> list[tuple[str, str]]:
    """Return the headers with the secrets redacted."""
    known = tuple(secrets)
    return [(name, hide(value, known)) for name, value in headers.items()]
