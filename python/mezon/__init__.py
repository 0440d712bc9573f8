"""Fast Python SDK for Mezon bots."""
