"""Buttons, select boxes, inputs, date pickers, radio groups, and forms as classes."""

# The public import path: _widgets.py defines the content, commands.py handles the clicks.

from __future__ import annotations

from mezon import ButtonMessageStyle
from mezon.ext._handlers import Pattern
from mezon.ext._widgets import Button, DatePicker, Form, Radio, Select, TextInput, form_content
from mezon.ext.commands import Click
from mezon.ext.errors import FormError

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
