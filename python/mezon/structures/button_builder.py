"""Rows of buttons."""

from __future__ import annotations

from typing import Any, Self

from mezon.models.interactive import ButtonMessageStyle, MessageComponentType


class ButtonBuilder:
    """Builds a row of buttons for the ``components`` of a message.

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
        *,
        icon: str | None = None,
    ) -> Self:
        """Add a button.

        Args:
            component_id: The ``button_id`` of clicks on the button.
            label: The text on the button.
            style: The colour, or ``LINK``.
            url: The URL of a link button.
            disabled: Whether the button cannot be clicked. Some apps ignore it.
            icon: ``PLAY`` or ``PAUSE``, which web shows.
        """
        component: dict[str, Any] = {
            "label": label,
            "style": style.value if isinstance(style, ButtonMessageStyle) else style,
        }
        if url:
            component["url"] = url
        if disabled:
            component["disable"] = disabled
        if icon:
            component["icon"] = icon
        self.components.append(
            {"id": component_id, "type": MessageComponentType.BUTTON.value, "component": component}
        )
        return self

    def build(self) -> list[dict[str, Any]]:
        """Return the buttons. Buttons added later appear in the same list."""
        return self.components

    def clear(self) -> Self:
        """Remove all buttons; lists that were returned before do not change."""
        self.components = []
        return self
