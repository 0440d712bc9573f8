"""One bot on many machines: a relay that holds the connection, workers that run handlers, NATS JetStream between them."""
