"""Embeds, inputs and buttons in the content of a message."""

from enum import Enum
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from mezon.models._base import ByName, Model


class InputFieldOption(Model):
    """The options of a text input."""

    defaultValue: str | int | None = None
    type: str | None = None
    textarea: bool | None = None
    disabled: bool | None = None
    required: bool | None = None


class SelectFieldOption(Model):
    """A choice of a select box."""

    label: str
    value: str


class RadioFieldOption(Model):
    """A choice of a radio group."""

    label: str
    value: str
    name: str | None = None
    description: str | None = None
    style: int | None = None
    disabled: bool | None = None
    extraData: Any = None


class AnimationConfig(Model):
    """The source and the playback of an animation. ``pool`` has the frames of each reel, ``duration`` is in seconds."""

    url_image: str
    url_position: str
    pool: list[list[str]] | list[str]
    repeat: int | None = None
    duration: float | None = None
    vertical: bool | None = None
    isResult: bool | int | None = None


class InteractiveMessageField(Model):
    """A field of an embed."""

    name: str
    value: str
    inline: bool | None = None
    options: list[Any] | None = None
    inputs: dict[str, Any] | None = None
    button: list[Any] | None = None
    shape: dict[str, Any] | None = None
    max_options: int | None = Field(default=None, alias="max_options")


class InteractiveMessageAuthor(Model):
    """The author line of an embed."""

    name: str
    icon_url: str | None = None
    url: str | None = None


class InteractiveMessageMedia(Model):
    """A picture of an embed. Sizes are numbers of pixels; texts with a number are sent as numbers, others omitted."""

    url: str | None = None
    width: int | float | str | None = None
    height: int | float | str | None = None


class InteractiveMessageFooter(Model):
    """The footer of an embed."""

    text: str | None = None
    icon_url: str | None = None


class InteractiveMessageProps(Model):
    """An embed."""

    color: str | None = None
    title: str | None = None
    url: str | None = None
    author: InteractiveMessageAuthor | None = None
    description: str | None = None
    thumbnail: InteractiveMessageMedia | None = None
    fields: list[InteractiveMessageField] | None = None
    image: InteractiveMessageMedia | None = None
    timestamp: str | None = None
    footer: InteractiveMessageFooter | None = None


class ButtonMessageStyle(int, Enum):
    """The colours of a button."""

    PRIMARY = 1
    SECONDARY = 2
    SUCCESS = 3
    DANGER = 4
    LINK = 5


class MessageComponentType(int, Enum):
    """The kinds of interactive components."""

    BUTTON = 1
    SELECT = 2
    INPUT = 3
    DATEPICKER = 4
    RADIO = 5
    ANIMATION = 6
    GRID = 7


class MessageSelectType(int, Enum):
    """The kind of choices of a select box."""

    TEXT = 1
    USER = 2
    ROLE = 3
    CHANNEL = 4


class ButtonMessage(Model):
    """A button."""

    label: str
    disable: bool | None = None
    style: int | None = None
    url: str | None = None
    icon: str | None = None


class MessageComponent(ByName, Model):
    """A component. The id can be given as ``component_id`` or by its wire name ``id``."""

    model_config: ClassVar[ConfigDict] = ConfigDict(populate_by_name=True)

    type: MessageComponentType | int | None = None
    component_id: str = Field(alias="id")
    component: dict[str, Any] = Field(default_factory=dict)


class MessageActionRow(Model):
    """A row of components."""

    components: list[MessageComponent]
