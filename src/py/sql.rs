//! SQL of a bot's own as Python sees it: plain values in and out, and the errors of Python's sqlite3.

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use rusqlite::types::Value;
use rusqlite::{Error, ffi};

use super::is_fatal;
use super::store::Store;
use crate::store::Values;

type Executed<'py> = (Option<Vec<String>>, Bound<'py, PyList>, Option<usize>, i64);

/// Executes one statement for each of several sets of values: (columns or None, rows, rows changed or None, last row id).
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
        let row = row.into_iter().map(|value| object(py, value)).collect::<PyResult<Vec<_>>>()?;
        rows.append(PyTuple::new(py, row)?)?;
    }
    Ok((answer.columns, rows, answer.changed, answer.last_row))
}

/// Executes several statements.
#[pyfunction]
pub fn sql_script(py: Python<'_>, store: &Store, text: &str) -> PyResult<()> {
    py.detach(|| store.store.sql_script(text)).map_err(|error| sqlite_error(py, &error))
}

#[pyfunction]
pub fn sql_in_transaction(py: Python<'_>, store: &Store) -> bool {
    py.detach(|| store.store.sql_in_transaction())
}

/// Ends the connection; an open transaction is undone.
#[pyfunction]
pub fn sql_close(py: Python<'_>, store: &Store) {
    py.detach(|| store.store.sql_close());
}

/// A dict is values by name, anything else values in order.
fn given(values: &Bound<'_, PyAny>) -> PyResult<Values> {
    if let Ok(named) = values.cast::<PyDict>() {
        let pairs = named.iter().map(|(name, value)| Ok((name.extract()?, plain(&value)?)));
        return Ok(Values::Named(pairs.collect::<PyResult<_>>()?));
    }
    let ordered = values.try_iter()?.map(|value| plain(&value?));
    Ok(Values::Ordered(ordered.collect::<PyResult<_>>()?))
}

fn plain(value: &Bound<'_, PyAny>) -> PyResult<Value> {
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

fn object(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Integer(number) => number.into_bound_py_any(py),
        Value::Real(number) => number.into_bound_py_any(py),
        Value::Text(text) => text.into_bound_py_any(py),
        Value::Blob(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
    }
}

/// The error that Python's sqlite3 would raise.
pub(super) fn sqlite_error(py: Python<'_>, error: &Error) -> PyErr {
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
    // As sqlite3 has it.
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
