//! The field numbers the core knows by name, from the schemas themselves: one module a message.
//!
//! In the envelope the number of a field is called its tag: it says which event or call a frame is.
#![allow(dead_code)] // every field of these messages has its number here, used or not

include!(concat!(env!("OUT_DIR"), "/field_numbers.rs"));
