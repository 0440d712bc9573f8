"""The connection to the gateway as an event loop sees it, and the codec's plans."""
