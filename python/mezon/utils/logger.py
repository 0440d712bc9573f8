"""Logging of the package, under the logger ``mezon``."""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TextIO

from mezon.utils.user_code import format_for_user

_FORMAT = "[%(asctime)s] [%(name)s] [%(levelname)s] %(message)s"
_DATE_FORMAT = "%Y-%m-%d %H:%M:%S"

#: The field of a record about a mistake of the bot: ``own_replies`` or ``blocked_loop``. ``running_bot`` repeats such
#: records as Python warnings.
MISTAKE: Final = "mistake"

#: Windows console API: standard error; processed output, line wrap and escape sequences.
_STD_ERROR_HANDLE: Final = -12
_CONSOLE_MODE: Final = 1 | 2 | 4


class _UserFormatter(logging.Formatter):
    """Writes tracebacks without the frames of this package, unless ``MEZON_TRACEBACK`` is ``full``."""

    def format(self, record: logging.LogRecord) -> str:
        """Format ``record`` without caching its traceback for other formatters."""
        cached, record.exc_text = record.exc_text, None
        try:
            return super().format(record)
        finally:
            record.exc_text = cached

    def formatException(self, ei: Any) -> str:
        """Return the traceback of the bot's own code."""
        error = ei[1]
        return format_for_user(error).rstrip("\n") if error is not None else super().formatException(ei)


class ColoredFormatter(_UserFormatter):
    """Colours the level name if standard error is a terminal."""

    COLORS: ClassVar[dict[str, str]] = {
        "DEBUG": "\033[36m",
        "INFO": "\033[32m",
        "WARNING": "\033[33m",
        "ERROR": "\033[31m",
        "CRITICAL": "\033[35m",
    }
    RESET = "\033[0m"
    BOLD = "\033[1m"

    def __init__(self, fmt: str | None = None, datefmt: str | None = None, use_colors: bool = True) -> None:
        super().__init__(fmt, datefmt)
        self.use_colors: bool = use_colors and self._supports_color()

    def _supports_color(self) -> bool:
        """Return whether standard error shows colours, after enabling them in the Windows console."""
        stream = sys.stderr
        if stream is None or not hasattr(stream, "isatty") or not stream.isatty():
            return False
        with suppress(Exception):
            import platform

            if platform.system() == "Windows":
                import ctypes

                kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined]
                kernel.SetConsoleMode(kernel.GetStdHandle(_STD_ERROR_HANDLE), _CONSOLE_MODE)
        return True

    def format(self, record: logging.LogRecord) -> str:
        """Format ``record``, and restore it for other handlers."""
        if not self.use_colors:
            return super().format(record)
        name = record.levelname
        record.levelname = f"{self.COLORS.get(name, '')}{self.BOLD}{name}{self.RESET}"
        try:
            return super().format(record)
        finally:
            record.levelname = name


#: Attributes of every record; other attributes were passed as ``extra``.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Writes each record as one line of JSON: ``time`` (UTC), ``level``, ``logger``, ``message``, extras, ``error``.

    docs/guide/logging.md lists the extras of this package.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class _OwnHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error unless the root logger handles the record too, so that each line appears once.

    Checked for each record, because ``basicConfig`` may be called before or after.
    """

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        if self._logger.propagate and logging.root.handlers:
            return
        super().emit(record)


def setup_logger(
    name: str = "mezon",
    log_level: int = logging.INFO,
    log_format: str | None = None,
    date_format: str | None = None,
    use_colors: bool = True,
    *,
    as_json: bool | None = None,
) -> logging.Logger:
    """Set the level of a logger, and add a handler for standard error unless it has a handler.

    Args:
        name: The name of the logger.
        log_level: The level.
        log_format: The format of ``logging.Formatter``.
        date_format: The format of the time.
        use_colors: Colour the level on a terminal.
        as_json: Write JSON lines; by default if ``MEZON_LOG_FORMAT`` is ``json``.
    """
    logger = logging.getLogger(name)
    logger.setLevel(log_level)
    if not logger.handlers:
        handler = _OwnHandler(logger)
        if as_json if as_json is not None else os.environ.get("MEZON_LOG_FORMAT", "").lower() == "json":
            handler.setFormatter(JsonFormatter())
        else:
            handler.setFormatter(
                ColoredFormatter(log_format or _FORMAT, date_format or _DATE_FORMAT, use_colors)
            )
        logger.addHandler(handler)
    return logger


def get_logger(name: str) -> logging.Logger:
    """Return the logger ``name``."""
    return logging.getLogger(name)


def disable_logging(name: str = "mezon") -> None:
    """Disable a logger and its children."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.CRITICAL + 1)
    logger.disabled = True


def enable_logging(name: str = "mezon", log_level: int = logging.INFO) -> None:
    """Enable a logger again, from ``log_level`` on."""
    logger = logging.getLogger(name)
    logger.setLevel(log_level)
    logger.disabled = False
