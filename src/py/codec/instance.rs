//! Builds a pydantic instance without its constructor by setting the four attributes that pydantic-core sets.
//!
//! Only for classes without validators: `mezon/_gateway/codec.py` checks that, and a test compares every class
//! with `model_validate`.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySet, PyString, PyType};

/// Build an instance of `class` with these attributes.
///
/// pydantic adds to the set of given fields on assignment. A set of all fields cannot grow, so all instances share
/// it; an incomplete one is copied.
#[inline]
pub(in crate::py) fn build<'py>(
    py: Python<'py>,
    class: &Bound<'py, PyType>,
    dict: Bound<'py, PyDict>,
    given: &Bound<'py, PySet>,
    complete: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let instance = allocate(class)?;
    // SAFETY: two live objects, borrowed for the call; a model's instances have a `__dict__`. -1 means that an
    // error is set.
    let status =
        unsafe { ffi::PyObject_GenericSetDict(instance.as_ptr(), dict.as_ptr(), std::ptr::null_mut()) };
    if status != 0 {
        return Err(PyErr::fetch(py));
    }
    let none = py.None();
    let given = if complete { given.clone() } else { copy_set(given)? };
    set(&instance, pyo3::intern!(py, "__pydantic_fields_set__"), given.as_any())?;
    set(&instance, pyo3::intern!(py, "__pydantic_extra__"), none.bind(py))?;
    set(&instance, pyo3::intern!(py, "__pydantic_private__"), none.bind(py))?;
    Ok(instance)
}

/// Return whether a class derives from pydantic's `BaseModel`, so that `build` may create instances of it.
///
/// `issubclass` would ask the metaclass: an ABC accepts any class that was registered with it.
pub(super) fn is_model(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let py = class.py();
    let base = py.import(pyo3::intern!(py, "pydantic"))?.getattr(pyo3::intern!(py, "BaseModel"))?;
    let base = base.cast_into::<PyType>()?;
    // SAFETY: two live types, borrowed for the call. It searches the MRO of the first for the second, runs no
    // Python code and cannot fail.
    Ok(unsafe { ffi::PyType_IsSubtype(class.as_type_ptr(), base.as_type_ptr()) } != 0)
}

/// Allocate an instance as `object.__new__(class)` does for a class that is not abstract.
fn allocate<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: `class` is a live type with `BaseModel` in its MRO (`is_model`; `Plan` accepts no other, and
    // `__bases__` can only be set to classes of the same layout). It was therefore created by a class statement,
    // and the allocator of every such class is this one. Returns a new reference, or null with an error set.
    unsafe { Bound::from_owned_ptr_or_err(class.py(), ffi::PyType_GenericAlloc(class.as_type_ptr(), 0)) }
}

fn copy_set<'py>(set: &Bound<'py, PySet>) -> PyResult<Bound<'py, PySet>> {
    // SAFETY: `set` is a set, an iterable; PySet_New returns a new reference to a set, or null with an error set.
    unsafe { Ok(Bound::from_owned_ptr_or_err(set.py(), ffi::PySet_New(set.as_ptr()))?.cast_into_unchecked()) }
}

/// Set an attribute as `object.__setattr__` does: BaseModel's own would validate the name.
fn set(instance: &Bound<'_, PyAny>, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: three live objects, borrowed for the call; -1 means that an error is set.
    let status = unsafe { ffi::PyObject_GenericSetAttr(instance.as_ptr(), name.as_ptr(), value.as_ptr()) };
    if status == 0 { Ok(()) } else { Err(PyErr::fetch(instance.py())) }
}
