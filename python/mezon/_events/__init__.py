"""From events to handlers."""
