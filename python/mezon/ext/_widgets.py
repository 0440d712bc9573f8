"""Buttons, inputs and forms: the content they add to a message, and the validation of what users fill in."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from datetime import date, timedelta
from enum import Enum
from types import UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    NoReturn,
    Self,
    TypeAlias,
    Union,
    get_args,
    get_origin,
)

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from mezon import ButtonBuilder, ButtonMessageStyle, InteractiveBuilder, InvalidArgumentError
from mezon.ext._ids import CALLBACK, FORM, ONLY_FOR, check_id
from mezon.ext._signatures import collection_name, duration_text, problem_text, read_duration
from mezon.ext.errors import FormError
from mezon.ext.texts import CURRENT_TEXTS, Texts, sentence
from mezon.models import InputFieldOption, RadioFieldOption, SelectFieldOption

__all__ = ["Button", "DatePicker", "Form", "Radio", "Select", "TextInput", "button_rows", "form_content"]

#: A date as some apps write it, such as ``05/02/2026``, with or without a time.
_DATE: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?: (.*))?")

#: The choices of an input: values, or values with their labels.
Options: TypeAlias = "Sequence[str] | Mapping[str, str]"


@dataclass(kw_only=True)
class Button:
    """A button.

    ```python
    from mezon.ext.commands import Context
    from mezon.ext.components import Button, Click

    async def thank(click: Click) -> None:
        await click.update("Thank you")

    @bot.command()
    async def rate(ctx: Context) -> None:
        await ctx.send("Was this helpful?", buttons=[Button("Yes", callback=thank)], timeout=300)
    ```

    Attributes:
        label: The text on the button.
        id: Identifies the button in clicks; generated if there is a callback.
        callback: Called with the ``Click`` until the timeout of the message.
        style: The colour.
        url: The link to open; such a button sends no clicks.
        disabled: Whether the button cannot be pressed.
        icon: ``PLAY`` or ``PAUSE``, which web shows.
        only_for: The user whose clicks count: a ``User``, a context, an event with a user id, or the id. The id of the
            button is signed, and clicks of other users are refused. Register a handler by pattern with ``signed=True``,
            or it also takes ids without a signature; see ``Click.actor_verified``.
    """

    label: str = field(kw_only=False)
    id: str = ""
    callback: Callable[[Any], Any] | None = None
    style: ButtonMessageStyle = ButtonMessageStyle.PRIMARY
    url: str | None = None
    disabled: bool = False
    icon: str | None = None
    only_for: Any = None

    def __post_init__(self) -> None:
        check_id(self.id)
        if self.url is not None:
            self.style = ButtonMessageStyle.LINK
        elif not self.id and self.callback is None:
            raise InvalidArgumentError(f"the button {self.label!r} needs an id, a callback or a url")
        if self.id.startswith((CALLBACK, FORM, ONLY_FOR)):
            raise InvalidArgumentError(
                f"the prefixes {CALLBACK}, {FORM} and {ONLY_FOR} of button ids are reserved; choose another id than "
                f"{self.id!r}"
            )
        if self.only_for is not None:
            if self.url is not None:
                raise InvalidArgumentError(
                    f"the button {self.label!r} sends no clicks, so only_for has no effect"
                )
            self.only_for = _user_id(self.only_for)


def _user_id(user: Any) -> int:
    """Return the id of a user, of an object with a user's id, or in digits.

    Raises:
        InvalidArgumentError: If there is no id.
    """
    names = ("user_id", "sender_id", "id")
    found = (
        user if isinstance(user, int | str) else next((i for n in names if (i := getattr(user, n, None))), 0)
    )
    try:
        number = int(found)
    except (TypeError, ValueError):
        number = 0
    if number <= 0:
        raise InvalidArgumentError(f"only_for takes a user or the id of one, not {user!r}")
    return number


def button_rows(buttons: Any, id_of: Callable[[Button], str]) -> list[dict[str, Any]]:
    """Return buttons as the component rows of a message.

    Raises:
        InvalidArgumentError: If they are not a list of buttons, or a list of such rows.
    """
    if isinstance(buttons, Button | str | Mapping) or not isinstance(buttons, Iterable):
        raise InvalidArgumentError(f"buttons must be a list: buttons=[Button(...)], not {_kind(buttons)}")
    buttons = list(buttons)
    rows = [buttons] if any(isinstance(one, Button) for one in buttons) else buttons
    for row in rows:
        if isinstance(row, str | Mapping) or not isinstance(row, Iterable):
            _refuse_button(row)
        for one in row:
            if not isinstance(one, Button):
                _refuse_button(one)
    components = []
    for row in rows:
        builder = ButtonBuilder()
        for one in row:
            builder.add_button(id_of(one), one.label, one.style, one.url, one.disabled, icon=one.icon)
        components.append({"components": builder.build()})
    return components


def _refuse_button(value: object) -> NoReturn:
    if isinstance(value, Sequence) and not isinstance(value, str):
        raise InvalidArgumentError(
            "buttons must be one list of buttons or a list of rows, not a mixture of both"
        )
    label = value if isinstance(value, str) else "Yes"
    raise InvalidArgumentError(
        f"buttons has {_kind(value)}: write Button({label!r}, id=...) for a handler of @bot.button, "
        f"or Button({label!r}, callback=...)"
    )


def _kind(value: object) -> str:
    return f"the text {value!r}" if isinstance(value, str) else f"a {type(value).__name__}"


@dataclass(kw_only=True)
class _Input:
    """Base class of the inputs.

    Attributes:
        id: The name of the value.
        label: The label above the input; derived from the id by default.
        description: The text below the label.
    """

    id: str = field(default="", kw_only=False)
    label: str = ""
    description: str | None = None

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Add the input to an embed."""
        raise NotImplementedError

    @property
    def shown(self) -> str:
        """The label to show."""
        return self.label or self.id.replace("_", " ").capitalize()


@dataclass(kw_only=True)
class TextInput(_Input):
    """A text input. ``kind`` is ``text``, ``number`` or ``date``; ``lines`` allows several lines.

    A ``date`` is the date input that every app shows, some as a text input. ``required`` marks the label: the apps do
    not check it.
    """

    placeholder: str | None = None
    default: str | int | None = None
    kind: str = "text"
    lines: bool = False
    required: bool = False
    disabled: bool = False

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Add the input to an embed."""
        options = InputFieldOption(
            defaultValue="" if self.default is None else str(self.default),
            type=self.kind,
            textarea=self.lines,
            required=self.required or None,
            disabled=self.disabled or None,
        )
        builder.add_input_field(self.id, self.shown, self.placeholder, options, self.description)


@dataclass(kw_only=True)
class Select(_Input):
    """A select box, for several choices if ``max_options`` is at least 2.

    Web does not let users replace their choice if ``max_options`` is 1: leave it out for one choice.
    """

    options: Options = ()
    default: str | None = None
    placeholder: str | None = None
    min_options: int | None = None
    max_options: int | None = None
    disabled: bool = False

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Add the input to an embed."""
        options = [SelectFieldOption(label=label, value=value) for value, label in _pairs(self.options)]
        chosen = next((one for one in options if one.value == self.default), None)
        builder.add_select_field(
            self.id,
            self.shown,
            options,
            chosen,
            self.description,
            placeholder=self.placeholder,
            min_options=self.min_options,
            max_options=self.max_options,
            disabled=self.disabled,
        )


@dataclass(kw_only=True)
class Radio(_Input):
    """A group of radio buttons, or of checkboxes if up to ``most`` choices are allowed.

    Desktop does not show it, and iOS allows one choice: a ``Select`` with ``max_options`` works in all apps.
    """

    options: Options = ()
    most: int | None = None

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Add the input to an embed."""
        several = (self.most or 1) > 1
        # The apps allow several choices only if the options have different names.
        options = [
            RadioFieldOption(label=label, value=value, name=value if several else None)
            for value, label in _pairs(self.options)
        ]
        builder.add_radio_field(self.id, self.shown, options, self.description, self.most)


@dataclass(kw_only=True)
class DatePicker(_Input):
    """A date picker, which desktop and Android do not show: a ``TextInput`` with ``kind="date"`` works in all apps."""

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Add the input to an embed."""
        builder.add_datepicker_field(self.id, self.shown, self.description)


def _pairs(options: Options) -> list[tuple[str, str]]:
    return list(options.items()) if isinstance(options, Mapping) else [(one, one) for one in options]


def form_content(
    title: str, inputs: Sequence[_Input], buttons: Sequence[Button], *, text: str = "", description: str = ""
) -> dict[str, Any]:
    """Return the content of a message with inputs and buttons, without a ``Form`` class.

    A click on one of the buttons carries the values: ``click.values``.
    """
    builder = InteractiveBuilder(title)
    if description:
        builder.set_description(description)
    for one in inputs:
        one.add_to(builder)
    if any(button.only_for is not None for button in buttons):
        raise InvalidArgumentError(
            "form_content cannot sign ids: pass buttons with only_for to ctx.send(buttons=...)"
        )
    rows = button_rows(list(buttons), lambda button: button.id)
    return {"t": text, "embed": [builder.build()], "components": rows}


class Form(BaseModel):
    """A form as a class: each field becomes an input according to its type.

    ``Literal`` and ``Enum`` become select boxes, lists of them select boxes for several choices, ``bool`` a choice of
    yes and no, ``date`` a date input, numbers and texts inputs: every app of Mezon can fill in these.
    ``Field(title=..., description=...)`` sets the label and the placeholder; ``Annotated[str, TextInput(lines=True)]``
    or another input replaces the default one. A field with a default is optional. pydantic validates the submitted
    values.
    """

    # Submitted values are named after the fields, even if the fields have aliases.
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", validate_by_name=True)

    #: The name of the form in the ids of its buttons; the name of the class by default.
    form_name: ClassVar[str] = ""

    @classmethod
    def name_of_form(cls) -> str:
        """Return the name of the form in the ids of its buttons."""
        return cls.form_name or cls.__name__

    @classmethod
    def inputs(cls) -> list[_Input]:
        """Return the inputs in the order of the fields.

        Raises:
            InvalidArgumentError: If there is no input for the type of a field.
        """
        return [_input_for(name, info) for name, info in cls.model_fields.items()]

    @classmethod
    def content(
        cls,
        *,
        title: str,
        submit: str | None = None,
        state: str = "",
        text: str = "",
        description: str = "",
        texts: Texts | None = None,
    ) -> dict[str, Any]:
        """Return the content of a message with the form, for ``@bot.form(...)``, which survives a restart.

        Args:
            title: The title of the form.
            submit: The label of the submit button; "Send" in the language of ``texts`` by default.
            state: Returned with the click as ``click.form_state``.
            text: The text above the form.
            description: The text below the title.
            texts: The texts for the labels of this package. By default those of the bot whose command, button, task or
                other handler makes the content; English elsewhere, so pass ``bot.texts`` there.
        """
        texts = texts or CURRENT_TEXTS.get()
        submit = texts("submit") if submit is None else submit
        inputs = cls.inputs()
        for one in inputs:
            if isinstance(one, Select | Radio):
                one.options = {value: texts.of(label) for value, label in _pairs(one.options)}
        content = form_content(title, inputs, [], text=text, description=description)
        row = ButtonBuilder().add_button(cls.submit_id(state), submit, ButtonMessageStyle.SUCCESS)
        return {**content, "components": [{"components": row.build()}]}

    @classmethod
    def submit_id(cls, state: str = "") -> str:
        """Return the id of the submit button.

        Raises:
            InvalidArgumentError: If the state is too long for an id.
        """
        return check_id(f"{FORM}{cls.name_of_form()}/{state}" if state else f"{FORM}{cls.name_of_form()}")

    @classmethod
    def parse(cls, values: Mapping[str, str | list[str]]) -> Self:
        """Validate submitted values.

        Raises:
            FormError: With the problems, by the labels of the fields.
        """
        given = {
            name: cleaned
            for name, info in cls.model_fields.items()
            if (cleaned := _cleaned(info, values.get(name))) is not None
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            labels = {one.id: one.shown for one in cls.inputs()}
            problems: dict[str, str] = {}
            for one in error.errors(include_url=False):
                name = str(one["loc"][0]) if one["loc"] else ""
                problems.setdefault(labels.get(name) or name or sentence("the_form"), problem_text(one))
            raise FormError(problems) from None


def _bare(hint: Any) -> tuple[Any, bool]:
    """Return a type without ``Annotated`` and ``None``, and whether it is a collection of that type."""
    if get_origin(hint) is Annotated:
        return _bare(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        return _bare(parts[0]) if len(parts) == 1 else (hint, False)
    if get_origin(hint) in (list, set, frozenset, tuple, Sequence):
        return _bare(get_args(hint)[0])[0], True
    return hint, False


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [_text(one) for one in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [_text(one) for one in kind]
    return ["true", "false"] if kind is bool else []


def _input_for(name: str, info: FieldInfo) -> _Input:
    kind, several = _bare(info.annotation)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    if isinstance(default, Enum):
        default = default.value
    chosen = next((one for one in info.metadata if isinstance(one, _Input)), None)
    made = copy.copy(chosen) if chosen is not None else _default_input(name, kind, several, default)
    made.id = name
    made.label = made.label or info.title or ""
    if isinstance(made, TextInput):
        made.required = made.required or info.is_required()
        made.placeholder = made.placeholder or info.description
    else:
        made.description = made.description or info.description
    if isinstance(made, Select | Radio) and not made.options:
        made.options = {"true": sentence("yes"), "false": sentence("no")} if kind is bool else _choices(kind)
    if isinstance(made, Select | Radio) and not made.options:
        raise InvalidArgumentError(f"the field {name} has no choices: annotate it with a Literal or an Enum")
    return made


def _default_input(name: str, kind: Any, several: bool, default: Any) -> _Input:
    choices = _choices(kind)
    shown: str | int | None
    if choices and several:
        # For one choice, max_options stays out: it would prevent replacing the choice on web.
        return Select(max_options=max(len(choices), 2))
    if choices:
        shown = None if default is None else str(default).lower() if kind is bool else str(default)
        return Select(default=shown if shown is None else str(shown))
    if isinstance(kind, type) and issubclass(kind, date):
        return TextInput(kind="date", default=default.isoformat() if isinstance(default, date) else None)
    if isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind)):
        raise InvalidArgumentError(
            f"the field {name} is a {kind.__name__}, but an input holds one value: give the form the fields of "
            f"{kind.__name__} instead"
        )
    if several or collection_name(kind):
        raise InvalidArgumentError(
            f"the field {name} is a {collection_name(kind) or 'list'} without choices: use a Literal or an Enum"
        )
    if isinstance(default, timedelta):
        default = duration_text(default)
    shown = default if default is None else str(default)
    return TextInput(default=shown, kind="number" if kind in (int, float) else "text")


def _cleaned(info: FieldInfo, value: str | list[str] | None) -> Any:
    """Return a submitted value as pydantic expects it; None for an untouched input."""
    kind, several = _bare(info.annotation)
    if several:
        if value is None or value == "":
            return None
        if isinstance(value, list):
            parts = value
        elif value in _choices(kind):
            parts = [value]  # iOS sends one choice as a text
        else:
            parts = [one.strip() for one in value.split(",")]
        return [_choice(kind, one) for one in parts]
    if isinstance(value, list):
        # An untouched select box may send a list.
        value = value[0] if len(value) == 1 else joined_choice(value, _choices(kind))
        return _choice(kind, value) if isinstance(value, str) else None
    if value is None or (_choices(kind) and value.startswith("[")):
        return None
    if not value.strip():
        return None
    if isinstance(kind, type) and issubclass(kind, date):
        return _iso(value.strip())
    return read_duration(value) if kind is timedelta else _choice(kind, value)


def joined_choice(value: str | list[str], choices: Sequence[Any]) -> str | list[str]:
    """Return one choice in a select box, which web turns into a list of its letters when a user removes it."""
    joined = "".join(value)
    return joined if joined in choices and all(len(one) == 1 for one in value) else value


def _choice(kind: Any, value: str) -> Any:
    """Return the choice that a text represents ("1" for ``Literal[1, 2]``); pydantic refuses other texts."""
    if get_origin(kind) is Literal:
        return next((one for one in get_args(kind) if _text(one) == value), value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next((one for one in kind if _text(one) == value), value)
    return value


def _text(choice: Any) -> str:
    return str(choice.value if isinstance(choice, Enum) else choice)


def _iso(text: str) -> str:
    """Convert a date such as ``05/02/2026`` to ISO 8601; the other apps send ISO 8601."""
    found = _DATE.fullmatch(text)
    if found is None:
        return text
    day, month, year, time = found.groups()
    return f"{year}-{int(month):02}-{int(day):02}" + (f"T{time}" if time else "")
