//! The generated protobuf types: `api` and `realtime`, as the schemas in `proto/` name them.
#![allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]

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
