"""One bot on many machines: a relay holds the connection, workers run the handlers, NATS JetStream connects them."""
