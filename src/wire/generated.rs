//! The code that `build.rs` generates from the schemas in `proto/`.

/// The prost types of the packages `mezon.api` and `mezon.realtime`.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod proto {
    pub mod api {
        include!(concat!(env!("OUT_DIR"), "/mezon.api.rs"));
    }

    pub mod realtime {
        include!(concat!(env!("OUT_DIR"), "/mezon.realtime.rs"));
    }

    // prost refers to sibling packages by their full path.
    pub mod mezon {
        pub use super::{api, realtime};
    }
}

/// The field numbers of the messages that the core reads, one module per message.
///
/// A field of the envelope is called a tag: it identifies the event or call that a frame carries.
#[allow(dead_code)] // unused fields have their number as well
pub mod tags {
    include!(concat!(env!("OUT_DIR"), "/field_numbers.rs"));
}
