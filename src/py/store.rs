//! The message cache as Python sees it. Nothing here decodes: payloads go up as bytes, rows as dicts.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use super::codec::json;
use super::sql::sqlite_error;
use crate::store::{self, Found, Options, Row};

/// A message cache. Its methods may be called from any thread; those that may wait let go of the GIL.
#[pyclass(frozen, module = "mezon._core")]
pub struct Store {
    pub(super) store: store::Store,
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (
        path, *, max_messages=None, max_age=None, memory_messages_per_channel=200, memory_channels=1000,
        memory_bytes=16_777_216, on_trouble=None,
    ))]
    fn new(
        path: std::path::PathBuf,
        max_messages: Option<u64>,
        max_age: Option<f64>,
        memory_messages_per_channel: usize,
        memory_channels: usize,
        memory_bytes: usize,
        on_trouble: Option<Py<PyAny>>,
    ) -> PyResult<Store> {
        let max_age = max_age
            .map(Duration::try_from_secs_f64)
            .transpose()
            .map_err(|_| PyValueError::new_err("max_age is a number of seconds above zero, or None"))?;
        let options = Options {
            max_messages,
            max_age,
            memory_messages_per_channel,
            memory_channels,
            memory_bytes,
            on_trouble: on_trouble.map(teller),
            ..Options::at(path)
        };
        Ok(Store { store: store::Store::open(options) })
    }

    /// Take an encoded `mezon.api.ChannelMessage`.
    fn accept(&self, body: &[u8]) {
        self.store.accept(body.into());
    }

    /// Take a row: ids as numbers, lists and content as JSON text.
    #[pyo3(signature = (
        message_id, channel_id, clan_id, sender_id, content, mentions, attachments, reactions, references, topic_id,
        create_time_seconds,
    ))]
    #[allow(clippy::too_many_arguments)] // the columns of the table
    fn save_row(
        &self,
        message_id: i64,
        channel_id: i64,
        clan_id: Option<i64>,
        sender_id: Option<i64>,
        content: String,
        mentions: String,
        attachments: String,
        reactions: String,
        references: String,
        topic_id: Option<i64>,
        create_time_seconds: Option<i64>,
    ) {
        let text = |id: i64| id.to_string();
        let row = Row {
            id: text(message_id),
            channel_id: text(channel_id),
            clan_id: clan_id.map(text),
            sender_id: sender_id.map(text),
            content: Some(content),
            mentions: Some(mentions),
            attachments: Some(attachments),
            reactions: Some(reactions),
            references: Some(references),
            topic_id: topic_id.map(text),
            create_time_seconds,
        };
        self.store.save_row(channel_id, message_id, row);
    }

    /// Change a message as an edit does. Lists as JSON text.
    fn update(
        &self,
        channel_id: i64,
        message_id: i64,
        content: String,
        mentions: String,
        attachments: String,
    ) {
        self.store.update(channel_id, message_id, content, mentions, attachments);
    }

    /// Give the message if it is in memory: its payload as bytes, or a row as a dict.
    fn peek<'py>(
        &self,
        py: Python<'py>,
        channel_id: i64,
        message_id: i64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.store.peek(channel_id, message_id).map(|found| value(py, found)).transpose()
    }

    /// Find the message in memory or in the file. Waits.
    fn get<'py>(
        &self,
        py: Python<'py>,
        channel_id: i64,
        message_id: i64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = py.detach(|| self.store.get(channel_id, message_id));
        found.map(|found| value(py, found)).transpose()
    }

    /// List a channel's rows, newest first. Waits.
    fn list<'py>(
        &self,
        py: Python<'py>,
        channel_id: i64,
        limit: usize,
        offset: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let rows = py.detach(|| self.store.list(channel_id, limit, offset));
        parsed_rows(py, &rows)
    }

    /// Search the newest rows with every word of the text. Waits.
    #[pyo3(signature = (text, channel_id, limit))]
    fn search<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyString>,
        channel_id: Option<i64>,
        limit: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        // A lone surrogate is in no message: it becomes a letter that is in none.
        let text = text.to_string_lossy().into_owned();
        let rows = py.detach(|| self.store.search(&text, channel_id, limit));
        parsed_rows(py, &rows)
    }

    /// Count the rows, of one channel or of all. Waits.
    #[pyo3(signature = (channel_id=None))]
    fn count(&self, py: Python<'_>, channel_id: Option<i64>) -> u64 {
        py.detach(|| self.store.count(channel_id))
    }

    /// Remove a message; true if there was one. Waits.
    fn delete(&self, py: Python<'_>, channel_id: i64, message_id: i64) -> bool {
        py.detach(|| self.store.delete(channel_id, message_id))
    }

    /// Remove messages; the number of those removed. Waits.
    fn clear(&self, py: Python<'_>, channel_id: i64) -> u64 {
        py.detach(|| self.store.clear(channel_id))
    }

    /// Commit all that was accepted; true when that is done. Waits up to `timeout` seconds.
    fn flush(&self, py: Python<'_>, timeout: f64) -> bool {
        py.detach(|| self.store.flush_blocking(seconds(timeout)))
    }

    /// Flush and close the file; the next write opens it again. Waits up to `timeout` seconds.
    fn close(&self, py: Python<'_>, timeout: f64) -> bool {
        py.detach(|| self.store.close_blocking(seconds(timeout)))
    }

    /// Messages and bytes accepted and not yet committed.
    #[getter]
    fn backlog(&self) -> (usize, usize) {
        let backlog = self.store.backlog();
        (backlog.messages, backlog.bytes)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = py.detach(|| self.store.stats());
        let dict = PyDict::new(py);
        dict.set_item("accepted", stats.accepted)?;
        dict.set_item("rows_written", stats.rows_written)?;
        dict.set_item("commits", stats.commits)?;
        dict.set_item("longest_commit", stats.longest_commit as f64 / 1e6)?;
        dict.set_item("pruned", stats.pruned)?;
        dict.set_item("checkpoints", stats.checkpoints)?;
        dict.set_item("failures", stats.failures)?;
        dict.set_item("malformed", stats.malformed)?;
        dict.set_item("lost", stats.lost)?;
        dict.set_item("panics", stats.panics)?;
        dict.set_item("degraded", stats.degraded)?;
        dict.set_item("backlog_messages", stats.backlog.messages)?;
        dict.set_item("backlog_bytes", stats.backlog.bytes)?;
        dict.set_item("retained", stats.retained)?;
        dict.set_item("memory_messages", stats.memory_messages)?;
        dict.set_item("memory_bytes", stats.memory_bytes)?;
        Ok(dict)
    }
}

/// Search a file that no store of the process has open, as `Store.search` does, and change nothing. Rows with their columns as text.
///
/// Raises sqlite3.Error when the file cannot be read as a store.
#[pyfunction]
pub fn search_file<'py>(
    py: Python<'py>,
    path: std::path::PathBuf,
    text: &Bound<'py, PyString>,
    channel_id: Option<i64>,
    limit: usize,
) -> PyResult<Bound<'py, PyList>> {
    let text = text.to_string_lossy().into_owned();
    let rows = py.detach(|| store::search_file(&path, &text, channel_id, limit));
    let list = PyList::empty(py);
    for row in rows.map_err(|error| sqlite_error(py, &error))? {
        list.append(text_row(py, &row)?)?;
    }
    Ok(list)
}

/// Flush and close every store of the process: for the end of it.
#[pyfunction]
pub fn close_stores(py: Python<'_>, timeout: f64) -> bool {
    py.detach(|| store::close_all(seconds(timeout)))
}

/// Before a fork: closes the files of every store, as they are. False if one stayed busy.
#[pyfunction]
pub fn before_fork(py: Python<'_>, timeout: f64) -> bool {
    py.detach(|| store::before_fork(seconds(timeout)))
}

/// After it, in the parent or in the child: the stores go on.
#[pyfunction]
pub fn after_fork(child: bool) {
    if child { store::after_fork_in_child() } else { store::after_fork_in_parent() }
}

/// What a caller may wait: no time for a number below zero or none at all, and no more than a clock can add to its time.
fn seconds(value: f64) -> Duration {
    const LONGEST: f64 = 365.0 * 86_400.0;
    Duration::try_from_secs_f64(value.clamp(0.0, LONGEST)).unwrap_or(Duration::ZERO)
}

/// Calls Python with (kind, text) from the writer's thread. Rare; and at the end of the interpreter, not at all.
fn teller(callable: Py<PyAny>) -> store::OnTrouble {
    Box::new(move |trouble| {
        Python::try_attach(|py| {
            if let Err(error) = callable.call1(py, (trouble.kind.name(), &trouble.text)) {
                error.write_unraisable(py, Some(callable.bind(py)));
            }
        });
    })
}

fn value(py: Python<'_>, found: Found) -> PyResult<Bound<'_, PyAny>> {
    Ok(match found {
        Found::Payload(body) => PyBytes::new(py, &body).into_any(),
        Found::Row(row) => text_row(py, &row)?.into_any(),
    })
}

/// The columns by their names in the table, as text.
fn text_row<'py>(py: Python<'py>, row: &Row) -> PyResult<Bound<'py, PyDict>> {
    let dict = ids(py, row)?;
    dict.set_item("content", &row.content)?;
    dict.set_item("mentions", &row.mentions)?;
    dict.set_item("attachments", &row.attachments)?;
    dict.set_item("reactions", &row.reactions)?;
    dict.set_item("topic_id", &row.topic_id)?;
    dict.set_item("create_time_seconds", row.create_time_seconds)?;
    dict.set_item("msg_references", &row.references)?;
    Ok(dict)
}

fn parsed_rows<'py>(py: Python<'py>, rows: &[Row]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for row in rows {
        let dict = ids(py, row)?;
        dict.set_item("content", object(py, row.content.as_deref())?)?;
        dict.set_item("mentions", array(py, row.mentions.as_deref())?)?;
        dict.set_item("attachments", array(py, row.attachments.as_deref())?)?;
        dict.set_item("reactions", array(py, row.reactions.as_deref())?)?;
        dict.set_item("topic_id", &row.topic_id)?;
        dict.set_item("create_time_seconds", row.create_time_seconds)?;
        dict.set_item("references", array(py, row.references.as_deref())?)?;
        list.append(dict)?;
    }
    Ok(list)
}

fn ids<'py>(py: Python<'py>, row: &Row) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("id", &row.id)?;
    dict.set_item("channel_id", &row.channel_id)?;
    dict.set_item("clan_id", &row.clan_id)?;
    dict.set_item("sender_id", &row.sender_id)?;
    Ok(dict)
}

fn object<'py>(py: Python<'py>, text: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
    let parsed = text.map(|text| json::parse(py, text.as_bytes())).transpose()?.flatten();
    Ok(parsed.unwrap_or_else(|| PyDict::new(py).into_any()))
}

fn array<'py>(py: Python<'py>, text: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
    let text = text.filter(|text| *text != "[]");
    let parsed = text.map(|text| json::parse(py, text.as_bytes())).transpose()?.flatten();
    Ok(parsed.unwrap_or_else(|| PyList::empty(py).into_any()))
}
