"""Errors caused by user input. Each message is a sentence for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mezon.errors import MezonError, MezonTimeoutError
from mezon.ext.texts import sentence

if TYPE_CHECKING:
    from mezon.ext.texts import Texts


class UserError(MezonError):
    """Base class. ``str(error)`` can be shown to the user unchanged."""

    def translate(self, texts: Texts) -> None:
        """Put the message into the language of a bot, if it is a text of ``mezon.ext.texts``."""
        self.args = tuple(texts.of(one) if isinstance(one, str) else one for one in self.args)


class UnknownCommandError(UserError):
    """The command does not exist.

    Attributes:
        name: The name that was typed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(sentence("unknown_command", name=repr(name)))


class ArgumentError(UserError):
    """An argument of a command is missing or invalid, or there are too many arguments.

    Attributes:
        parameter: The name of the parameter; "" if the error concerns no single parameter.
    """

    def __init__(self, text: str, parameter: str = "") -> None:
        self.parameter = parameter
        super().__init__(text)


class CheckFailedError(UserError):
    """A check refused the use."""


class CooldownError(UserError):
    """The cooldown refused the use.

    Attributes:
        retry_after: Seconds until the next use is allowed.
    """

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(sentence("cooldown", seconds=max(1, round(retry_after))))


class NoAnswerError(UserError, MezonTimeoutError):
    """A question or a form was not answered in time."""


class FormError(UserError):
    """The values of a form are invalid.

    Attributes:
        problems: The problem of each invalid field, by label.
    """

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__(self._lines())

    def _lines(self) -> str:
        return "\n".join(f"{label}: {text}" for label, text in self.problems.items())

    def translate(self, texts: Texts) -> None:
        """Put the problems into the language of a bot."""
        self.problems = {texts.of(label): texts.of(text) for label, text in self.problems.items()}
        self.args = (self._lines(),)
