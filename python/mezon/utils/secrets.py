"""Redaction of keys and tokens in responses of a server."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from mezon.utils.masked import masked

__all__ = ["hide", "hide_in_headers"]

#: Shorter secrets are typos or placeholders, which would match inside words.
_SHORTEST = 6
_HIDDEN = "[hidden]"
#: The token of a session, whole or truncated; also of earlier sessions.
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")


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
