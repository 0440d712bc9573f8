//! Python bindings of the flight recorder.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::options::seconds;
use crate::recorder::{self, Bounds, Kind};

/// A record: seconds since the epoch, kind, body.
type Row<'py> = (f64, &'static str, Bound<'py, PyBytes>);

/// The latest frames of a connection and the latest HTTP exchanges of a client, at most `max_bytes` and no older
/// than `max_age` seconds.
#[pyclass(frozen, module = "mezon._core")]
pub struct Recorder(Arc<recorder::Recorder>);

#[pymethods]
impl Recorder {
    #[new]
    fn new(max_bytes: usize, max_age: f64) -> PyResult<Self> {
        let bounds = Bounds { bytes: max_bytes, age: seconds("max_age", max_age)? };
        Ok(Self(Arc::new(recorder::Recorder::new(bounds))))
    }

    /// Record an HTTP exchange.
    fn add_http(&self, body: &[u8]) {
        self.0.add(Kind::Http, body);
    }

    /// Return the records, oldest first, and how many were dropped so far.
    fn records<'py>(&self, py: Python<'py>) -> (Vec<Row<'py>>, u64) {
        let (records, dropped) = py.detach(|| self.0.records());
        let row = |record: recorder::Record| {
            let at = record.at.duration_since(UNIX_EPOCH).map_or(0.0, |age| age.as_secs_f64());
            (at, record.kind.name(), PyBytes::new(py, &record.body))
        };
        (records.into_iter().map(row).collect(), dropped)
    }

    fn __repr__(&self) -> &'static str {
        // The records contain secrets.
        "<Recorder>"
    }
}

impl Recorder {
    /// Return the recorder for a connection to share.
    pub(super) fn shared(&self) -> Arc<recorder::Recorder> {
        self.0.clone()
    }
}
