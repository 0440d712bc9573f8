"""The events of AI agents, which come over HTTP."""
