"""What is worth a warning when the package is imported."""

from __future__ import annotations

import warnings
from importlib import metadata

from mezon import _core


def warn_at_import() -> None:
    """Warn of a slow build of the core, and of the package that owns the same folder."""
    if _core.debug_build:
        warnings.warn(
            "the core of mezon-rs is a debug build, several times slower than it should be: build it with "
            "`make build` or `maturin develop --release`",
            RuntimeWarning,
            stacklevel=3,
        )
    if _installed("mezon-sdk"):
        warnings.warn(
            "mezon-sdk is installed beside mezon-rs, and both own the folder `mezon`: files of one may have "
            "replaced files of the other. Repair it: pip uninstall -y mezon-sdk, then pip install --force-reinstall "
            "mezon-rs",
            RuntimeWarning,
            stacklevel=3,
        )


def version(distribution_name: str = "mezon-sdk") -> str:
    """Give the version of an installed distribution, as ``importlib.metadata.version`` gives it.

    ``mezon-sdk`` is this package, which stands in for it, unless that is installed too.

    Raises:
        importlib.metadata.PackageNotFoundError: If there is no such distribution.
    """
    try:
        return metadata.version(distribution_name)
    except metadata.PackageNotFoundError:
        if distribution_name != "mezon-sdk":
            raise
        return _core.__version__


def _installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def core_version() -> str:
    """Give the version of the core."""
    return _core.__version__


def is_debug_build() -> bool:
    """Say whether the core is a slow build for its developers."""
    return _core.debug_build
