"""The message cache."""

from mezon.messages.db import MessageDB

__all__ = ["MessageDB"]
