"""Buttons, select boxes, inputs, date pickers, radio groups, and forms as classes.

::

    class Lunch(Form):
        dish: Literal["pho", "bun"]
        when: date
        note: str = ""

    @bot.command("lunch")
    async def lunch(ctx: Context) -> None:
        order = await ctx.send_form(Lunch, title="Lunch")
        await ctx.reply(f"{order.dish} it is, on {order.when:%d/%m}.")

    @bot.button("vote/{poll}/{choice:int}")
    async def vote(click: Click, poll: str, choice: int) -> None: ...

    await ctx.send("Which?", buttons=[vote.button("Phở", poll="lunch", choice=1)])

A button with a pattern works after a restart of the bot, too; one with a callback works until its timeout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from types import UnionType
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from mezon import ButtonBuilder, ButtonMessageStyle, InteractiveBuilder, InvalidArgumentError
from mezon.ext._arguments import said, unlisted
from mezon.ext._clicks import CALLBACK, FORM, Click, Pattern
from mezon.ext._ids import check_id
from mezon.ext.errors import FormError
from mezon.models import InputFieldOption, RadioFieldOption, SelectFieldOption

__all__ = [
    "Button",
    "ButtonMessageStyle",
    "Click",
    "DatePicker",
    "Form",
    "FormError",
    "Pattern",
    "Radio",
    "Select",
    "TextInput",
    "form_content",
]

#: A date as the apps write it, with or without a time.
_DATE: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?: (.*))?")

#: What may be chosen: texts, or texts with what is shown for each.
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
        label: What it says.
        id: Comes back when somebody presses it; made up if there is a callback.
        callback: Called with the ``Click``, until the message's timeout.
        style: Its colour.
        url: Where it leads, instead of anything else.
        disabled: Whether it cannot be pressed.
    """

    label: str = field(kw_only=False)
    id: str = ""
    callback: Callable[[Click], Any] | None = None
    style: ButtonMessageStyle = ButtonMessageStyle.PRIMARY
    url: str | None = None
    disabled: bool = False

    def __post_init__(self) -> None:
        check_id(self.id)
        if self.url is not None:
            self.style = ButtonMessageStyle.LINK
        elif not self.id and self.callback is None:
            raise InvalidArgumentError(f"the button {self.label!r} needs an id, a callback or a url")
        if self.id.startswith((CALLBACK, FORM)):
            raise InvalidArgumentError(
                f"the ids of buttons do not begin with {CALLBACK} or {FORM}: {self.id!r}"
            )


def button_rows(buttons: Any, id_of: Callable[[Button], str]) -> list[dict[str, Any]]:
    """Give buttons as the rows of a message's components."""
    rows = [buttons] if buttons and isinstance(buttons[0], Button) else buttons
    made = []
    for row in rows:
        builder = ButtonBuilder()
        for one in row:
            builder.add_button(id_of(one), one.label, one.style, one.url, one.disabled)
        made.append({"components": builder.build()})
    return made


@dataclass(kw_only=True)
class _Input:
    """What all inputs have.

    Attributes:
        id: The name of its value.
        label: What stands above it; made of the id if left out.
        description: What stands below the label.
    """

    id: str = field(default="", kw_only=False)
    label: str = ""
    description: str | None = None

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Put it into an embed."""
        raise NotImplementedError

    @property
    def shown(self) -> str:
        """Its label."""
        return self.label or self.id.replace("_", " ").capitalize()


@dataclass(kw_only=True)
class TextInput(_Input):
    """A text input. ``kind`` may be ``number``; ``lines`` makes room for several."""

    placeholder: str | None = None
    default: str | int | None = None
    kind: str = "text"
    lines: bool = False

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Put it into an embed."""
        default = "" if self.default is None else self.default
        options = InputFieldOption(defaultValue=default, type=self.kind, textarea=self.lines)
        builder.add_input_field(self.id, self.shown, self.placeholder, options, self.description)


@dataclass(kw_only=True)
class Select(_Input):
    """A select box."""

    options: Options = ()
    default: str | None = None

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Put it into an embed."""
        options = [SelectFieldOption(label=label, value=value) for value, label in _pairs(self.options)]
        chosen = next((one for one in options if one.value == self.default), None)
        builder.add_select_field(self.id, self.shown, options, chosen, self.description)


@dataclass(kw_only=True)
class Radio(_Input):
    """A group of radio buttons; of checkboxes, if ``most`` may be chosen."""

    options: Options = ()
    most: int | None = None

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Put it into an embed."""
        options = [RadioFieldOption(label=label, value=value) for value, label in _pairs(self.options)]
        builder.add_radio_field(self.id, self.shown, options, self.description, self.most)


@dataclass(kw_only=True)
class DatePicker(_Input):
    """A date."""

    def add_to(self, builder: InteractiveBuilder) -> None:
        """Put it into an embed."""
        builder.add_datepicker_field(self.id, self.shown, self.description)


def _pairs(options: Options) -> list[tuple[str, str]]:
    return list(options.items()) if isinstance(options, Mapping) else [(one, one) for one in options]


def form_content(
    title: str, inputs: Sequence[_Input], buttons: Sequence[Button], *, text: str = "", description: str = ""
) -> dict[str, Any]:
    """Make the content of a message with inputs and buttons, for those who want no class for it.

    What was put in comes with the click on a button: ``click.values``.
    """
    builder = InteractiveBuilder(title)
    if description:
        builder.set_description(description)
    for one in inputs:
        one.add_to(builder)
    rows = button_rows(list(buttons), lambda button: button.id)
    return {"t": text, "embed": [builder.build()], "components": rows}


class Form(BaseModel):
    """A form as a class: each field is an input, by its type.

    ``Literal`` and ``Enum`` are select boxes, lists of them checkboxes, ``bool`` a choice of yes and no, ``date`` a
    date picker, numbers and texts inputs. ``Field(title=..., description=...)`` says what stands above and in it;
    ``Annotated[str, TextInput(lines=True)]`` or another input takes the place of the default one. A field with a
    default may be left out. What comes back is validated by pydantic.
    """

    # What comes back is named by the fields, also when they have aliases.
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", validate_by_name=True)

    #: What names the form in the ids of its buttons; the class's own name unless given.
    form_name: ClassVar[str] = ""

    @classmethod
    def name_of_form(cls) -> str:
        """Give what names the form in the ids of its buttons."""
        return cls.form_name or cls.__name__

    @classmethod
    def inputs(cls) -> list[_Input]:
        """Give the inputs, in the order of the fields.

        Raises:
            InvalidArgumentError: If a field has a type no input is made for.
        """
        return [_input_for(name, info) for name, info in cls.model_fields.items()]

    @classmethod
    def content(
        cls, *, title: str, submit: str = "Send", state: str = "", text: str = "", description: str = ""
    ) -> dict[str, Any]:
        """Make the content of a message with the form, for ``@bot.form(...)``, which works after a restart, too.

        Args:
            title: Its title.
            submit: What its button says.
            state: Comes back with the click, as ``click.state``.
            text: What stands above it.
            description: What stands below the title.
        """
        content = form_content(title, cls.inputs(), [], text=text, description=description)
        row = ButtonBuilder().add_button(cls.submit_id(state), submit, ButtonMessageStyle.SUCCESS)
        return {**content, "components": [{"components": row.build()}]}

    @classmethod
    def submit_id(cls, state: str = "") -> str:
        """Return the id of the button that sends it.

        Raises:
            InvalidArgumentError: If the state is too long for an id.
        """
        return check_id(f"{FORM}{cls.name_of_form()}/{state}" if state else f"{FORM}{cls.name_of_form()}")

    @classmethod
    def parse(cls, values: Mapping[str, str | list[str]]) -> Self:
        """Validate what was put in.

        Raises:
            FormError: With what is wrong, by the labels of the fields.
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
                text = "is missing" if one["type"] == "missing" else said(one)
                problems.setdefault(labels.get(name, name or "The form"), text)
            raise FormError(problems) from None


def _bare(hint: Any) -> tuple[Any, bool]:
    """Take a type apart: without ``Annotated`` and ``None``; and whether it is a list."""
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
    import copy

    kind, several = _bare(info.annotation)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    if isinstance(default, Enum):
        default = default.value
    chosen = next((one for one in info.metadata if isinstance(one, _Input)), None)
    made = copy.copy(chosen) if chosen is not None else _default_input(name, kind, several, default)
    made.id = name
    made.label = made.label or info.title or ""
    if isinstance(made, TextInput):
        made.placeholder = made.placeholder or info.description
    else:
        made.description = made.description or info.description
    if isinstance(made, Select | Radio) and not made.options:
        made.options = {"true": "Yes", "false": "No"} if kind is bool else _choices(kind)
    if isinstance(made, Select | Radio) and not made.options:
        raise InvalidArgumentError(
            f"the field {name} says not what may be chosen: make it a Literal or an Enum"
        )
    return made


def _default_input(name: str, kind: Any, several: bool, default: Any) -> _Input:
    choices = _choices(kind)
    shown: str | int | None
    if choices and several:
        return Radio(most=len(choices))
    if choices:
        shown = None if default is None else str(default).lower() if kind is bool else str(default)
        return Select(default=shown if shown is None else str(shown))
    if isinstance(kind, type) and issubclass(kind, date):
        return DatePicker()
    if several or unlisted(kind):
        raise InvalidArgumentError(
            f"the field {name} is a {unlisted(kind) or 'list'} of what cannot be chosen: use a Literal or an Enum"
        )
    shown = default if isinstance(default, str | int | None) else str(default)
    return TextInput(default=shown, kind="number" if kind in (int, float) else "text")


def _cleaned(info: FieldInfo, value: str | list[str] | None) -> Any:
    """Make a value as pydantic takes it; None for what nobody has touched."""
    kind, several = _bare(info.annotation)
    if several:
        if value is None or value == "":
            return None
        parts = value if isinstance(value, list) else [one.strip() for one in value.split(",")]
        return [_meant(kind, one) for one in parts]
    if isinstance(value, list):
        # What an untouched select box may send.
        return _meant(kind, value[0]) if len(value) == 1 else None
    if value is None or (_choices(kind) and value.startswith("[")):
        return None
    if not value.strip():
        return None
    if isinstance(kind, type) and issubclass(kind, date):
        return _iso(value.strip())
    return _meant(kind, value)


def _meant(kind: Any, value: str) -> Any:
    """Give the choice a text stands for: of ``Literal[1, 2]`` comes "1". What is none is refused by pydantic."""
    if get_origin(kind) is Literal:
        return next((one for one in get_args(kind) if _text(one) == value), value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next((one for one in kind if _text(one) == value), value)
    return value


def _text(choice: Any) -> str:
    return str(choice.value if isinstance(choice, Enum) else choice)


def _iso(text: str) -> str:
    """Read a date as Mezon's apps write it, ``d/m/yyyy``, in the order pydantic reads."""
    found = _DATE.fullmatch(text)
    if found is None:
        return text
    day, month, year, time = found.groups()
    return f"{year}-{int(month):02}-{int(day):02}" + (f"T{time}" if time else "")
