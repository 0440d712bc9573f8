"""The parts a client is made of."""
