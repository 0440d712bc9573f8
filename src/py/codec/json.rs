//! JSON to Python objects: by jiter, and where it is stricter than the standard library, by that.

use jiter::{PythonParse, StringCacheMode};
use pyo3::prelude::*;

/// What `json.loads` makes of the text; None when it is no JSON.
pub(in crate::py) fn parse<'py>(py: Python<'py>, text: &[u8]) -> Option<Bound<'py, PyAny>> {
    let parser = PythonParse { allow_inf_nan: true, cache_mode: StringCacheMode::Keys, ..Default::default() };
    if let Ok(value) = parser.python_parse(py, text) {
        return Some(value);
    }
    // jiter is stricter in corners (lone surrogates, for one): the standard library has the last word.
    let text = simdutf8::basic::from_utf8(text).ok()?;
    py.import("json").ok()?.call_method1("loads", (text,)).ok()
}
