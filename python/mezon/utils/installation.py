"""The installation: version, debug builds, and the conflict with mezon-sdk."""

from __future__ import annotations

import warnings
from importlib import metadata

from mezon._core import __version__, debug_build


def warn_at_import() -> None:
    """Warn if the core is a debug build, or if mezon-sdk is installed in the same folder."""
    if debug_build:
        warnings.warn(
            "the core of mezon-rs is a debug build, several times slower than it should be: build it with "
            "`make build` or `maturin develop --release`",
            RuntimeWarning,
            stacklevel=3,
        )
    if _installed("mezon-sdk"):
        warnings.warn(
            "mezon-sdk and mezon-rs are both installed, in the same folder `mezon`: files of one may have replaced "
            "files of the other. Repair it: pip uninstall -y mezon-sdk, then pip install --force-reinstall "
            "mezon-rs",
            RuntimeWarning,
            stacklevel=3,
        )


def version(distribution_name: str = "mezon-sdk") -> str:
    """Return the version of an installed distribution, like ``importlib.metadata.version``.

    For ``mezon-sdk``, which this package replaces, return the version of this package unless mezon-sdk is installed.

    Raises:
        importlib.metadata.PackageNotFoundError: If the distribution is not installed.
    """
    try:
        return metadata.version(distribution_name)
    except metadata.PackageNotFoundError:
        if distribution_name != "mezon-sdk":
            raise
        return __version__


def _installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def core_version() -> str:
    """Return the version of the core."""
    return __version__


def is_debug_build() -> bool:
    """Return whether the core is a debug build, which is slow."""
    return debug_build
