//! JSON to Python objects: by jiter, and where it is stricter than the standard library, by that.

use jiter::{PythonParse, StringCacheMode};
use pyo3::exceptions::{PyRecursionError, PyValueError};
use pyo3::prelude::*;

/// What `json.loads` makes of the text; None when it is no JSON, or nested too deeply for Python.
///
/// # Errors
/// Whatever else Python raises meanwhile: an interrupt, a lack of memory.
pub(in crate::py) fn parse<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Option<Bound<'py, PyAny>>> {
    let parser = PythonParse { allow_inf_nan: true, cache_mode: StringCacheMode::Keys, ..Default::default() };
    if let Ok(value) = parser.python_parse(py, text) {
        return Ok(Some(value));
    }
    // jiter is stricter in corners (lone surrogates, for one): the standard library has the last word.
    let Ok(text) = simdutf8::basic::from_utf8(text) else { return Ok(None) };
    match py.import("json")?.call_method1("loads", (text,)) {
        Ok(value) => Ok(Some(value)),
        Err(why) if why.is_instance_of::<PyValueError>(py) || why.is_instance_of::<PyRecursionError>(py) => {
            Ok(None)
        }
        Err(why) => Err(why),
    }
}
