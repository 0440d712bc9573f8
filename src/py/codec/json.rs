//! Parses JSON to Python objects with jiter, falling back to the standard library.

use jiter::{PythonParse, StringCacheMode};
use pyo3::exceptions::{PyRecursionError, PyValueError};
use pyo3::prelude::*;

/// Return the result of `json.loads`; None if the text is not JSON or nested too deeply for Python.
///
/// # Errors
/// Any other exception that Python raises, such as an interrupt or MemoryError.
pub(in crate::py) fn parse<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Option<Bound<'py, PyAny>>> {
    let parser = PythonParse { allow_inf_nan: true, cache_mode: StringCacheMode::Keys, ..Default::default() };
    if let Ok(value) = parser.python_parse(py, text) {
        return Ok(Some(value));
    }
    // jiter is stricter in corner cases such as lone surrogates: the standard library decides.
    let Ok(text) = simdutf8::basic::from_utf8(text) else { return Ok(None) };
    match py.import("json")?.call_method1("loads", (text,)) {
        Ok(value) => Ok(Some(value)),
        Err(why) if why.is_instance_of::<PyValueError>(py) || why.is_instance_of::<PyRecursionError>(py) => {
            Ok(None)
        }
        Err(why) => Err(why),
    }
}
