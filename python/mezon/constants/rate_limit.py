"""The rate limit of the gateway: 80 frames a second, including heartbeats."""

WEBSOCKET_PB_RATE_LIMIT = 80

#: Seconds.
WEBSOCKET_PB_RATE_LIMIT_PERIOD = 1.0
