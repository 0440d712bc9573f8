"""Rows of buttons."""

from __future__ import annotations

from typing import Any, Self

from mezon.models.interactive import ButtonMessageStyle, MessageComponentType


class ButtonBuilder:
    """Collects buttons for the ``components`` of a message.

    ```python
    from mezon import ButtonBuilder, ButtonMessageStyle

    buttons = ButtonBuilder().add_button("yes", "Yes", ButtonMessageStyle.SUCCESS).build()
    await channel.send({"t": "Sure?", "components": [{"components": buttons}]})
    ```
    """

    def __init__(self) -> None:
        self.components: list[dict[str, Any]] = []

    def add_button(
        self,
        component_id: str,
        label: str,
        style: ButtonMessageStyle | int,
        url: str | None = None,
        disabled: bool = False,
    ) -> Self:
        """Add a button.

        Args:
            component_id: Comes back as ``button_id`` when somebody clicks.
            label: What the button says.
            style: Its colour, or ``LINK``.
            url: Where a link button leads.
            disabled: Whether it cannot be clicked.
        """
        component: dict[str, Any] = {
            "label": label,
            "style": style.value if isinstance(style, ButtonMessageStyle) else style,
        }
        if url:
            component["url"] = url
        if disabled:
            component["disable"] = disabled
        self.components.append(
            {"id": component_id, "type": MessageComponentType.BUTTON.value, "component": component}
        )
        return self

    def build(self) -> list[dict[str, Any]]:
        """Give the buttons so far. The list is the builder's own: it grows with later buttons."""
        return self.components

    def clear(self) -> Self:
        """Start over; what was built before stays as it is."""
        self.components = []
        return self
