"""What goes wrong with what users type and press. Each text is a sentence for the user."""

from __future__ import annotations

from mezon.errors import MezonError, MezonTimeoutError


class UserError(MezonError):
    """The base: ``str(error)`` may be shown to the user as it is."""


class UnknownCommandError(UserError):
    """There is no such command.

    Attributes:
        name: What was typed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no command {name!r}.")


class ArgumentError(UserError):
    """An argument of a command is missing, wrong, or one too many.

    Attributes:
        parameter: The parameter's name; "" if it is about none of them.
    """

    def __init__(self, text: str, parameter: str = "") -> None:
        self.parameter = parameter
        super().__init__(text)


class CheckFailedError(UserError):
    """The user may not do that."""


class CooldownError(UserError):
    """It was done too often.

    Attributes:
        retry_after: Seconds until it may be done again.
    """

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(f"That was too often: try again in {max(1, round(retry_after))} s.")


class NoAnswerError(UserError, MezonTimeoutError):
    """A question or a form was not answered in time."""


class FormError(UserError):
    """A form was filled in wrongly.

    Attributes:
        problems: What is wrong, by field.
    """

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{label}: {text}" for label, text in problems.items()))
