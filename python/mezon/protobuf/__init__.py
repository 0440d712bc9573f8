"""Python messages generated from `proto/` by `make proto`; imported only when one is needed."""
