//! Filters as Python sees them: made from a text, given to a connection, asked by tests.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::filter::{self, Filter, Pattern};

/// A filter of the events of an envelope field, made from its JSON text.
///
/// Raises ValueError when there can be no such filter.
#[pyclass(frozen, module = "mezon._core")]
pub struct EventFilter {
    event: String,
    spec: String,
    filter: Filter,
}

#[pymethods]
impl EventFilter {
    #[new]
    fn new(event: String, spec: String) -> PyResult<Self> {
        let filter = filter::parse(&event, &spec).map_err(PyValueError::new_err)?;
        Ok(Self { event, spec, filter })
    }

    /// Does an event of this encoded body match? None when Python has to look at the event itself.
    fn matches(&self, body: &[u8]) -> Option<bool> {
        self.filter.matches(body)
    }

    fn __repr__(&self) -> String {
        format!("<EventFilter of {}: {}>", self.event, self.spec)
    }
}

impl EventFilter {
    /// One for a connection to own.
    pub(super) fn fresh(&self) -> PyResult<Filter> {
        filter::parse(&self.event, &self.spec).map_err(PyValueError::new_err)
    }
}

/// A regular expression as filters understand it (the syntax of Rust's regex crate).
///
/// Raises ValueError when it is none, or too large.
#[pyclass(frozen, module = "mezon._core")]
pub struct TextPattern(Pattern);

#[pymethods]
impl TextPattern {
    #[new]
    fn new(pattern: &str, fold: bool) -> PyResult<Self> {
        Pattern::new(pattern, fold).map(Self).map_err(PyValueError::new_err)
    }

    /// Is it anywhere in the text?
    fn found_in(&self, text: &str) -> bool {
        self.0.found_in(text)
    }
}
