//! Python bindings of filters.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::filter::{self, Filter, Words};

/// A filter of the events of an envelope field, created from its JSON text.
///
/// Raises ValueError if the filter is invalid.
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

    /// Return whether an event with this encoded body matches; None if only Python can decide.
    fn matches(&self, body: &[u8]) -> Option<bool> {
        self.filter.matches(body)
    }

    fn __repr__(&self) -> String {
        format!("<EventFilter of {}: {}>", self.event, self.spec)
    }
}

impl EventFilter {
    /// Create a filter for a connection to own.
    pub(super) fn fresh(&self) -> PyResult<Filter> {
        filter::parse(&self.event, &self.spec).map_err(PyValueError::new_err)
    }
}

/// The predicate of a filter on the text of a message: `prefix`, `contains`, `equals` or `regex`.
///
/// Raises ValueError for an invalid or too large regular expression.
#[pyclass(frozen, module = "mezon._core")]
pub struct TextFilter(Words);

#[pymethods]
impl TextFilter {
    #[new]
    fn new(how: &str, words: Vec<String>, fold: bool) -> PyResult<Self> {
        Words::new(how, words, fold).map(Self).map_err(PyValueError::new_err)
    }

    /// Whether a text matches.
    fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}
