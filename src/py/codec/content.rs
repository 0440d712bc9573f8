//! The content of a message as Python gets it: an object, or a text that is none.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::decode::{self, DecodeError};
use super::json;
use super::plan::PlanField;
use crate::wire::{Malformed, plain_text};

/// Where `ChannelMessage.raw_content` looks for a text that is no JSON object; beside the fields, not among them.
const RAW_CONTENT: &str = "raw_content";

/// What a JSON text turns out to be. The text of anything but an object is kept beside an empty object
/// (`ChannelMessage.raw_content`).
pub(super) enum Content<'py> {
    Object(Bound<'py, PyAny>),
    Text(Bound<'py, PyString>),
}

impl<'py> Content<'py> {
    /// A text that is not there is no object either.
    pub fn none(py: Python<'py>) -> Self {
        Self::Text(pyo3::intern!(py, "").clone())
    }

    /// Into the dict of an instance, which has the empty object from the start.
    pub fn put(&self, py: Python<'py>, dict: &Bound<'py, PyDict>, field: &PlanField) -> PyResult<()> {
        match self {
            Self::Object(object) => decode::set(py, dict, field, object),
            Self::Text(_) => self.put_text(dict),
        }
    }

    /// The text that is no object, if it is one, for `raw_content`.
    pub fn put_text(&self, dict: &Bound<'py, PyDict>) -> PyResult<()> {
        match self {
            Self::Object(_) => Ok(()),
            Self::Text(text) => dict.set_item(pyo3::intern!(dict.py(), RAW_CONTENT), text),
        }
    }
}

/// Reads a JSON text.
pub(super) fn read<'py>(py: Python<'py>, text: &[u8]) -> Result<Content<'py>, DecodeError> {
    if let Some(plain) = plain_text(text) {
        let object = PyDict::new(py);
        object.set_item(pyo3::intern!(py, "t"), decode::string(py, plain)?)?;
        return Ok(Content::Object(object.into_any()));
    }
    match json::parse(py, text)?.filter(|value| value.is_instance_of::<PyDict>()) {
        Some(object) => Ok(Content::Object(object)),
        None => {
            let text = simdutf8::basic::from_utf8(text).map_err(|_| Malformed::Utf8)?;
            Ok(Content::Text(PyString::new(py, text)))
        }
    }
}
