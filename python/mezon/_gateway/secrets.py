"""What no error may say, even when the server sends it back: the sessions' tokens, and the bot's key."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote

from mezon.utils.masked import masked
from mezon.utils.secrets import hide

#: Tokens of so many addresses are remembered: those of a session, and of the ones before.
_REMEMBERED: Final = 16


class Secrets:
    """The secrets of one connection.

    Args:
        lasting: Those that stay, whatever the session.
    """

    def __init__(self, lasting: Iterable[str] = ()) -> None:
        self._lasting = tuple(map(masked, lasting))
        self._tokens: deque[str] = deque(maxlen=_REMEMBERED)

    def learn(self, urls: Iterable[str]) -> None:
        """Take note of the tokens that addresses of the socket carry."""
        for url in urls:
            token = masked(unquote(url.partition("token=")[2].partition("&")[0]))
            if token and token not in self._tokens:
                self._tokens.append(token)

    def hide(self, text: str) -> str:
        """Give a text of the server's without them."""
        return hide(text, (*self._lasting, *self._tokens))

    def hide_in(self, context: Mapping[str, str]) -> dict[str, str]:
        """Give the details of an error without them."""
        return {self.hide(name): self.hide(value) for name, value in context.items()}
