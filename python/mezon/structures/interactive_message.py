"""The builder of embeds and their inputs."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel

from mezon.models._outgoing import pixels
from mezon.models.interactive import (
    AnimationConfig,
    InputFieldOption,
    MessageComponentType,
    RadioFieldOption,
    SelectFieldOption,
)

_FOOTER_ICON = (
    "https://cdn.mezon.vn/1837043892743049216/1840654271217930240/1827994776956309500/857_0246x0w.webp"
)


def get_random_color() -> str:
    """Return a random colour, such as ``#0a1b2c``."""
    return f"#{random.randint(0, 0xFFFFFF):06x}"


class InteractiveBuilder:
    """Builds an embed with inputs. Every method except ``build`` returns the builder.

    ```python
    from mezon import InteractiveBuilder

    form = InteractiveBuilder("Lunch").add_input_field("dish", "What would you like?")
    await channel.send({"t": "Hungry?", "embed": [form.build()]})
    ```
    """

    def __init__(self, title: str | None = None) -> None:
        """Create an embed with a random colour, the current time and the footer of Mezon."""
        self.interactive: dict[str, Any] = {
            "color": get_random_color(),
            "title": title,
            "fields": [],
            "timestamp": _timestamp(datetime.now(UTC)),
            "footer": {"text": "Powered by Mezon", "icon_url": _FOOTER_ICON},
        }

    def set_color(self, color: str) -> Self:
        """Set the colour of the edge, such as ``#ff5733``."""
        self.interactive["color"] = color
        return self

    def set_title(self, title: str) -> Self:
        """Set the title."""
        self.interactive["title"] = title
        return self

    def set_url(self, url: str) -> Self:
        """Set the URL of the title."""
        self.interactive["url"] = url
        return self

    def set_author(self, name: str, icon_url: str | None = None, url: str | None = None) -> Self:
        """Set the author line above the title."""
        self.interactive["author"] = _without_empty(name, icon_url=icon_url, url=url)
        return self

    def set_description(self, description: str) -> Self:
        """Set the text below the title."""
        self.interactive["description"] = description
        return self

    def set_thumbnail(self, url: str) -> Self:
        """Set the thumbnail in the corner."""
        self.interactive["thumbnail"] = {"url": url}
        return self

    def set_image(
        self, url: str, width: float | str | None = None, height: float | str | None = None
    ) -> Self:
        """Set the image.

        Sizes are numbers of pixels, as a number or a text. Apps ignore all others, such as ``auto``, which are omitted.
        """
        sizes = {"width": pixels(width), "height": pixels(height)}
        known = {name: size for name, size in sizes.items() if size is not None}
        self.interactive["image"] = {"url": url, **known}
        return self

    def set_timestamp(self, when: datetime) -> Self:
        """Set the time in the footer. A ``datetime`` without a time zone is local time."""
        self.interactive["timestamp"] = _timestamp(when)
        return self

    def set_footer(self, text: str, icon_url: str | None = None) -> Self:
        """Set the footer."""
        footer = {"text": text}
        if icon_url:
            footer["icon_url"] = icon_url
        self.interactive["footer"] = footer
        return self

    def add_field(self, name: str, value: str, inline: bool = False) -> Self:
        """Add a field with a name and a text; ``inline`` fields share a line."""
        self.interactive["fields"].append({"name": name, "value": value, "inline": inline})
        return self

    def add_input_field(
        self,
        field_id: str,
        name: str,
        placeholder: str | None = None,
        options: InputFieldOption | None = None,
        description: str | None = None,
    ) -> Self:
        """Add a text input. ``InputFieldOption(type="date")`` is the date input that every app shows."""
        default = options.defaultValue if options else ""
        component = {
            "id": f"{field_id}-component",
            "placeholder": placeholder,
            # Desktop ignores all settings of an input with a number as its default.
            "defaultValue": default if default is None else str(default),
            "type": options.type if options else "text",
            "textarea": options.textarea if options else False,
        }
        for flag in ("disabled", "required"):
            if options and (value := getattr(options, flag)) is not None:
                component[flag] = value
        return self._ask(field_id, name, description, MessageComponentType.INPUT, component)

    def add_select_field(
        self,
        field_id: str,
        name: str,
        options: Sequence[SelectFieldOption | dict[str, Any]],
        value_selected: SelectFieldOption | dict[str, Any] | None = None,
        description: str | None = None,
        *,
        placeholder: str | None = None,
        min_options: int | None = None,
        max_options: int | None = None,
        disabled: bool = False,
    ) -> Self:
        """Add a select box.

        Args:
            field_id: The id of the value.
            name: The label.
            options: The choices.
            value_selected: The initial choice.
            description: The text below the label.
            placeholder: The text while nothing is chosen.
            min_options: The minimum number of choices.
            max_options: The maximum number of choices. The select box takes several if this is at least 2, or
                ``min_options`` more than 1. With 1, web users cannot replace their choice.
            disabled: Whether the select box cannot be used.
        """
        component = {"options": [_dict(option) for option in options], "valueSelected": _dict(value_selected)}
        others = {
            "placeholder": placeholder,
            "min_options": min_options,
            "max_options": max_options,
            "disabled": disabled or None,
        }
        component.update((key, value) for key, value in others.items() if value is not None)
        return self._ask(field_id, name, description, MessageComponentType.SELECT, component)

    def add_radio_field(
        self,
        field_id: str,
        name: str,
        options: Sequence[RadioFieldOption | dict[str, Any]],
        description: str | None = None,
        max_options: int | None = None,
    ) -> Self:
        """Add a group of radio buttons, or of checkboxes if ``max_options`` is more than one.

        The apps allow several choices only if the options have different ``name``s. Desktop does not show the group,
        and iOS allows one choice: a select box with ``max_options`` works in all apps.
        """
        component = [_dict(option) for option in options]
        self._ask(field_id, name, description, MessageComponentType.RADIO, component)
        if max_options:
            self.interactive["fields"][-1]["inputs"]["max_options"] = max_options
        return self

    def add_datepicker_field(self, field_id: str, name: str, description: str | None = None) -> Self:
        """Add a date picker, which desktop and Android do not show; see ``add_input_field`` for a date input."""
        return self._ask(field_id, name, description, MessageComponentType.DATEPICKER, {})

    def add_animation(
        self,
        field_id: str,
        config: AnimationConfig | dict[str, Any],
        name: str | None = None,
        description: str | None = None,
    ) -> Self:
        """Add an animation, such as a slot machine.

        ``pool`` is a list of lists: the frames of each reel. A plain list is one reel.
        """
        component = dict(_dict(config))
        pool = component.get("pool")
        if pool and all(isinstance(frame, str) for frame in pool):
            component["pool"] = [list(pool)]
        return self._ask(field_id, name or "", description, MessageComponentType.ANIMATION, component)

    def add_buttons_field(
        self, name: str, buttons: Sequence[dict[str, Any]], value: str = "", inline: bool = False
    ) -> Self:
        """Add a field with buttons of ``ButtonBuilder.build()`` inside the embed. Only web shows them."""
        self.interactive["fields"].append(
            {"name": name, "value": value, "inline": inline, "button": list(buttons)}
        )
        return self

    def add_grid_field(
        self,
        name: str,
        columns: int,
        rows: int,
        items: Sequence[Mapping[str, int]],
        *,
        field_id: str = "",
        value: str = "",
    ) -> Self:
        """Add a grid, which only web shows.

        Args:
            name: The name of the field.
            columns: The number of columns.
            rows: The number of rows.
            items: The cells: ``{"width": 1, "height": 1, "start_col": 1, "start_row": 1}``.
            field_id: The id of the grid.
            value: The text of the field.
        """
        shape = {
            "id": field_id or f"{name}-grid",
            "type": MessageComponentType.GRID.value,
            "columns": columns,
            "rows": rows,
            "component": {"items": [dict(item) for item in items]},
        }
        self.interactive["fields"].append({"name": name, "value": value, "shape": shape})
        return self

    def build(self) -> dict[str, Any]:
        """Return the embed. Later calls change the same dict."""
        return self.interactive

    def _ask(
        self, field_id: str, name: str, description: str | None, kind: MessageComponentType, component: Any
    ) -> Self:
        inputs = {"id": field_id, "type": kind.value, "component": component}
        self.interactive["fields"].append({"name": name, "value": description or "", "inputs": inputs})
        return self


def _timestamp(when: datetime) -> str:
    # Apps read a time without a time zone differently: local time, or none at all.
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dict(value: BaseModel | dict[str, Any] | None) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _without_empty(name: str, **others: str | None) -> dict[str, str]:
    return {"name": name, **{key: value for key, value in others.items() if value}}
