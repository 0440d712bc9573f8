"""Events of AI agents, received as server-sent events over HTTP."""
