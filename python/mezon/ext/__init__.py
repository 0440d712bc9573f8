"""The bot framework: commands, components, tasks, streamed replies and metrics.

``mezon.ext`` uses only the public API, and the rest of the package does not import it.
"""
