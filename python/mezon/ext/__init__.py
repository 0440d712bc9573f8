"""The layer for bots: commands, components, tasks, streaming and metrics, over the public API alone.

Nothing here is imported by the rest of the package, and nothing here imports what is private in it.
"""
