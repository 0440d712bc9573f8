"""The builder of embeds and their inputs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel

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
            # Apps interpret a time without a time zone as UTC.
            "timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat(),
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

    def set_image(self, url: str, width: str | None = None, height: str | None = None) -> Self:
        """Set the image; sizes as in CSS, ``auto`` by default."""
        self.interactive["image"] = {"url": url, "width": width or "auto", "height": height or "auto"}
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
        """Add a text input."""
        component = {
            "id": f"{field_id}-component",
            "placeholder": placeholder,
            "defaultValue": options.defaultValue if options else "",
            "type": options.type if options else "text",
            "textarea": options.textarea if options else False,
        }
        if options and options.disabled is not None:
            component["disabled"] = options.disabled
        return self._ask(field_id, name, description, MessageComponentType.INPUT, component)

    def add_select_field(
        self,
        field_id: str,
        name: str,
        options: Sequence[SelectFieldOption | dict[str, Any]],
        value_selected: SelectFieldOption | dict[str, Any] | None = None,
        description: str | None = None,
    ) -> Self:
        """Add a select box; ``value_selected`` is the initial choice."""
        component = {"options": [_dict(option) for option in options], "valueSelected": _dict(value_selected)}
        return self._ask(field_id, name, description, MessageComponentType.SELECT, component)

    def add_radio_field(
        self,
        field_id: str,
        name: str,
        options: Sequence[RadioFieldOption | dict[str, Any]],
        description: str | None = None,
        max_options: int | None = None,
    ) -> Self:
        """Add a group of radio buttons, or of checkboxes if ``max_options`` is more than one."""
        component = [_dict(option) for option in options]
        self._ask(field_id, name, description, MessageComponentType.RADIO, component)
        if max_options:
            self.interactive["fields"][-1]["inputs"]["max_options"] = max_options
        return self

    def add_datepicker_field(self, field_id: str, name: str, description: str | None = None) -> Self:
        """Add a date picker."""
        return self._ask(field_id, name, description, MessageComponentType.DATEPICKER, {})

    def add_animation(
        self,
        field_id: str,
        config: AnimationConfig | dict[str, Any],
        name: str | None = None,
        description: str | None = None,
    ) -> Self:
        """Add an animation, such as a slot machine."""
        return self._ask(field_id, name or "", description, MessageComponentType.ANIMATION, _dict(config))

    def build(self) -> dict[str, Any]:
        """Return the embed. Later calls change the same dict."""
        return self.interactive

    def _ask(
        self, field_id: str, name: str, description: str | None, kind: MessageComponentType, component: Any
    ) -> Self:
        inputs = {"id": field_id, "type": kind.value, "component": component}
        self.interactive["fields"].append({"name": name, "value": description or "", "inputs": inputs})
        return self


def _dict(value: BaseModel | dict[str, Any] | None) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _without_empty(name: str, **others: str | None) -> dict[str, str]:
    return {"name": name, **{key: value for key, value in others.items() if value}}
