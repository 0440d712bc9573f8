"""Formatted text: a builder that computes the offsets, and a function that splits long texts."""

from mezon.text.builder import Text
from mezon.text.splitting import split_text
from mezon.utils.text import utf16_length

__all__ = ["Text", "split_text", "utf16_length"]
