"""Errors caused by user input. Each message is a sentence for the user."""

from __future__ import annotations

from mezon.errors import MezonError, MezonTimeoutError


class UserError(MezonError):
    """Base class. ``str(error)`` can be shown to the user unchanged."""


class UnknownCommandError(UserError):
    """The command does not exist.

    Attributes:
        name: The name that was typed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no command {name!r}.")


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
        super().__init__(f"That was too often: try again in {max(1, round(retry_after))} s.")


class NoAnswerError(UserError, MezonTimeoutError):
    """A question or a form was not answered in time."""


class FormError(UserError):
    """The values of a form are invalid.

    Attributes:
        problems: The problem of each invalid field, by label.
    """

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{label}: {text}" for label, text in problems.items()))
