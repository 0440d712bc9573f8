"""Hiding keys and tokens in what a server sends back."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from mezon.utils.masked import masked

__all__ = ["hide", "hide_in_headers"]

#: A shorter one is a typo or a placeholder, and would be found inside words.
_SHORTEST = 6
_HIDDEN = "[hidden]"
#: A session's token, whole or cut: of an earlier session, say, which nobody remembers.
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")


def hide(text: str, secrets: Iterable[str]) -> str:
    """Give the text without the secrets, as they are and as a URL, JSON and HTML write them, and without any JWT.

    Cut a text after this, not before.
    """
    for secret in sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True):
        for form in _forms(secret):
            text = text.replace(form, _HIDDEN)
    return _JWT.sub(_HIDDEN, text)


def _forms(secret: str) -> Iterable[str]:
    # Masked one by one: no local may show what this module is there to hide.
    in_urls = {masked(quote(secret, safe="")), masked(quote(secret)), masked(quote_plus(secret))}
    in_json = [masked(json.dumps(secret, ensure_ascii=ascii_alone)[1:-1]) for ascii_alone in (True, False)]
    return {
        masked(secret),
        *in_urls,
        # Some write the digits small.
        *(masked(re.sub("%..", lambda code: code[0].lower(), form)) for form in in_urls),
        *in_json,
        *(masked(form.replace("/", r"\/")) for form in in_json),
        masked(html.escape(secret)),
        masked(html.escape(secret, quote=False)),
    }


def hide_in_headers(headers: Mapping[str, str], secrets: Iterable[str]) -> list[tuple[str, str]]:
    """Give the headers with the secrets hidden."""
    known = tuple(secrets)
    return [(name, hide(value, known)) for name, value in headers.items()]
