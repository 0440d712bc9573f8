//! Keys and signatures of token transfers.
