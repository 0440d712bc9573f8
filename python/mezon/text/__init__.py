"""Formatted text: a builder that counts the wire's offsets, and a splitter for what is too long for one message."""

from mezon.text.builder import Text
from mezon.text.splitting import split_text
from mezon.utils.text import utf16_length

__all__ = ["Text", "split_text", "utf16_length"]
