//! Python bindings of the message cache and of the bot's own SQL. Payloads are returned as bytes and rows as
//! dicts; nothing is decoded here.

use std::time::Duration;

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use rusqlite::types::Value;
use rusqlite::{Error, ffi};

use super::codec::json;
use super::is_fatal;
use crate::store::{self, CachedMessage, Options, Row, Values};

/// A message cache. Its methods may be called from any thread; those that may block release the GIL.
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
            on_trouble: on_trouble.map(trouble_callback),
            ..Options::at(path)
        };
        Ok(Store { store: store::Store::open(options) })
    }

    /// Accept an encoded `mezon.api.ChannelMessage`.
    fn accept(&self, body: &[u8]) {
        self.store.accept(body.into());
    }

    /// Accept a row: ids as numbers, lists and content as JSON text.
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

    /// Apply an edit to a message. Lists as JSON text.
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

    /// Return the message if it is in memory: its payload as bytes, or a row as a dict.
    fn peek<'py>(
        &self,
        py: Python<'py>,
        channel_id: i64,
        message_id: i64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.store.peek(channel_id, message_id).map(|found| value(py, found)).transpose()
    }

    /// Return the message from memory or from the file. Blocks.
    fn get<'py>(
        &self,
        py: Python<'py>,
        channel_id: i64,
        message_id: i64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = py.detach(|| self.store.get(channel_id, message_id));
        found.map(|found| value(py, found)).transpose()
    }

    /// Return a channel's rows, newest first. Blocks.
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

    /// Return the newest rows that contain every word of the text. Blocks.
    #[pyo3(signature = (text, channel_id, limit))]
    fn search<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyString>,
        channel_id: Option<i64>,
        limit: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        // No message contains a lone surrogate: the replacement character occurs in none either.
        let text = text.to_string_lossy().into_owned();
        let rows = py.detach(|| self.store.search(&text, channel_id, limit));
        parsed_rows(py, &rows)
    }

    /// Count the rows of one channel or of all. Blocks.
    #[pyo3(signature = (channel_id=None))]
    fn count(&self, py: Python<'_>, channel_id: Option<i64>) -> u64 {
        py.detach(|| self.store.count(channel_id))
    }

    /// Remove a message. Returns whether there was one. Blocks.
    fn delete(&self, py: Python<'_>, channel_id: i64, message_id: i64) -> bool {
        py.detach(|| self.store.delete(channel_id, message_id))
    }

    /// Remove the messages of a channel and return their number. Blocks.
    fn clear(&self, py: Python<'_>, channel_id: i64) -> u64 {
        py.detach(|| self.store.clear(channel_id))
    }

    /// Create the file and its table if the file is missing, and commit everything that was accepted. Returns whether
    /// that succeeded. Blocks up to `timeout` seconds.
    fn create(&self, py: Python<'_>, timeout: f64) -> bool {
        py.detach(|| self.store.create_blocking(seconds(timeout)))
    }

    /// Commit everything that was accepted. Returns whether that succeeded. Blocks up to `timeout` seconds.
    fn flush(&self, py: Python<'_>, timeout: f64) -> bool {
        py.detach(|| self.store.flush_blocking(seconds(timeout)))
    }

    /// Flush and close the file; the next write opens it again. Blocks up to `timeout` seconds.
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

/// Search a file that no store of the process has open, as `Store.search` does, without changing it. Returns rows
/// with text columns.
///
/// Raises sqlite3.Error if the file cannot be read as a store.
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

/// Flush and close every store of the process, at its exit.
#[pyfunction]
pub fn close_stores(py: Python<'_>, timeout: f64) -> bool {
    py.detach(|| store::close_all(seconds(timeout)))
}

/// Before a fork: close the files of every store as they are. Returns False if one remained busy.
#[pyfunction]
pub fn before_fork(py: Python<'_>, timeout: f64) -> bool {
    py.detach(|| store::before_fork(seconds(timeout)))
}

/// After a fork, in the parent or in the child: resume the stores.
#[pyfunction]
pub fn after_fork(child: bool) {
    if child { store::after_fork_in_child() } else { store::after_fork_in_parent() }
}

/// Convert a timeout: a negative number or NaN is zero, and the maximum can be added to any instant.
fn seconds(value: f64) -> Duration {
    const LONGEST: f64 = 365.0 * 86_400.0;
    Duration::try_from_secs_f64(value.clamp(0.0, LONGEST)).unwrap_or(Duration::ZERO)
}

/// Return a callback that calls Python with (kind, text) from the writer's thread. Rarely called, and never after
/// the interpreter has shut down.
fn trouble_callback(callable: Py<PyAny>) -> store::OnTrouble {
    Box::new(move |trouble| {
        Python::try_attach(|py| {
            if let Err(error) = callable.call1(py, (trouble.kind.name(), &trouble.text)) {
                error.write_unraisable(py, Some(callable.bind(py)));
            }
        });
    })
}

fn value(py: Python<'_>, found: CachedMessage) -> PyResult<Bound<'_, PyAny>> {
    Ok(match found {
        CachedMessage::Payload(body) => PyBytes::new(py, &body).into_any(),
        CachedMessage::Row(row) => text_row(py, &row)?.into_any(),
    })
}

/// Return a row as a dict of its columns, as text.
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

type Executed<'py> = (Option<Vec<String>>, Bound<'py, PyList>, Option<usize>, i64);

/// Execute a statement once for each set of values: (columns or None, rows, rows changed or None, last row id).
#[pyfunction]
pub fn sql_execute<'py>(
    py: Python<'py>,
    store: &Store,
    text: &str,
    values: Vec<Bound<'py, PyAny>>,
    begin: bool,
) -> PyResult<Executed<'py>> {
    let values = values.iter().map(given).collect::<PyResult<Vec<Values>>>()?;
    let answer =
        py.detach(|| store.store.sql(text, &values, begin)).map_err(|error| sqlite_error(py, &error))?;
    let rows = PyList::empty(py);
    for row in answer.rows {
        let row = row.into_iter().map(|value| sql_object(py, value)).collect::<PyResult<Vec<_>>>()?;
        rows.append(PyTuple::new(py, row)?)?;
    }
    Ok((answer.columns, rows, answer.changed, answer.last_row))
}

/// Execute several statements.
#[pyfunction]
pub fn sql_script(py: Python<'_>, store: &Store, text: &str) -> PyResult<()> {
    py.detach(|| store.store.sql_script(text)).map_err(|error| sqlite_error(py, &error))
}

#[pyfunction]
pub fn sql_in_transaction(py: Python<'_>, store: &Store) -> bool {
    py.detach(|| store.store.sql_in_transaction())
}

/// Close the connection; an open transaction is rolled back.
#[pyfunction]
pub fn sql_close(py: Python<'_>, store: &Store) {
    py.detach(|| store.store.sql_close());
}

/// Convert values: a dict by name, any other iterable by position.
fn given(values: &Bound<'_, PyAny>) -> PyResult<Values> {
    if let Ok(named) = values.cast::<PyDict>() {
        let pairs = named.iter().map(|(name, value)| Ok((name.extract()?, sql_value(&value)?)));
        return Ok(Values::Named(pairs.collect::<PyResult<_>>()?));
    }
    let ordered = values.try_iter()?.map(|value| sql_value(&value?));
    Ok(Values::Ordered(ordered.collect::<PyResult<_>>()?))
}

fn sql_value(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        Ok(Value::Null)
    } else if value.is_instance_of::<PyInt>() {
        Ok(Value::Integer(value.extract()?))
    } else if value.is_instance_of::<PyFloat>() {
        Ok(Value::Real(value.extract()?))
    } else if let Ok(text) = value.cast::<PyString>() {
        Ok(Value::Text(text.to_str()?.to_owned()))
    } else {
        match value.extract::<Vec<u8>>() {
            Ok(bytes) => Ok(Value::Blob(bytes)),
            Err(why) if is_fatal(value.py(), &why) => Err(why),
            Err(_) => {
                let kind = value.get_type().qualname()?;
                let text = format!(
                    "a value of type {kind} cannot be put into SQLite: give None, int, float, str or bytes"
                );
                Err(raised(value.py(), "ProgrammingError", &text))
            }
        }
    }
}

fn sql_object(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Integer(number) => number.into_bound_py_any(py),
        Value::Real(number) => number.into_bound_py_any(py),
        Value::Text(text) => text.into_bound_py_any(py),
        Value::Blob(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
    }
}

/// Return the exception that Python's sqlite3 would raise.
fn sqlite_error(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        Error::MultipleStatement => {
            raised(py, "ProgrammingError", "You can only execute one statement at a time.")
        }
        Error::InvalidParameterCount(given, wanted) => {
            let text = format!("the statement takes {wanted} values, and {given} are given");
            raised(py, "ProgrammingError", &text)
        }
        Error::InvalidParameterName(name) => {
            raised(py, "ProgrammingError", &format!("no value is given for {name}"))
        }
        Error::SqliteFailure(code, text) => {
            let text = text.clone().unwrap_or_else(|| code.to_string());
            raised_by_code(py, code.extended_code, &text)
        }
        Error::SqlInputError { error: code, msg, .. } => raised_by_code(py, code.extended_code, msg),
        other => raised(py, "DatabaseError", &other.to_string()),
    }
}

fn raised_by_code(py: Python<'_>, extended: i32, text: &str) -> PyErr {
    let class = match extended & 0xff {
        ffi::SQLITE_NOMEM => return PyMemoryError::new_err(()),
        ffi::SQLITE_INTERNAL | ffi::SQLITE_NOTFOUND => "InternalError",
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => "DatabaseError",
        ffi::SQLITE_TOOBIG => "DataError",
        ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH => "IntegrityError",
        ffi::SQLITE_MISUSE | ffi::SQLITE_RANGE => "InterfaceError",
        ffi::SQLITE_ERROR..=ffi::SQLITE_SCHEMA => "OperationalError",
        _ => "DatabaseError",
    };
    let error = raised(py, class, text);
    // As sqlite3 does.
    match error.value(py).setattr("sqlite_errorcode", extended) {
        Ok(()) => error,
        Err(why) => why,
    }
}

fn raised(py: Python<'_>, class: &str, text: &str) -> PyErr {
    let made =
        py.import("sqlite3").and_then(|module| module.getattr(class)).and_then(|class| class.call1((text,)));
    made.map_or_else(|error| error, PyErr::from_value)
}
