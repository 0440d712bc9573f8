"""HTTP: one way out, with its limiter, its retries and its errors."""
