"""One bot on many machines: a relay holds the connection, workers run handlers, NATS JetStream lies between them."""
