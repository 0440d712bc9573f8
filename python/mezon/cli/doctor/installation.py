"""Python, the package, and the other package that owns the same folder.

Imports nothing of the package at the top: it may be half gone.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Final

from mezon.cli.doctor.check import BAD, OK, WARNING, Check

REINSTALL: Final = "pip uninstall -y mezon-sdk, then pip install --force-reinstall mezon-rs"


def checks() -> Iterator[Check]:
    """Check what can be checked without the network."""
    version = ".".join(map(str, sys.version_info[:3]))
    # An older one does not get this far: pip refuses to install.
    yield Check("python", OK, f"{version} at {sys.executable}")
    yield _version()
    yield _other()
    yield _whole()


def _version() -> Check:
    try:
        from mezon.utils.installation import core_version, is_debug_build
    except ImportError as error:
        return Check("package", BAD, f"the core cannot be imported: {error}", REINSTALL)
    try:
        installed = metadata.version("mezon-rs")
    except metadata.PackageNotFoundError:
        return Check("package", WARNING, f"core {core_version()}, not installed but found on the path")
    if installed != core_version():
        return Check("package", BAD, f"mezon-rs {installed} with a core of {core_version()}", REINSTALL)
    if is_debug_build():
        return Check("package", WARNING, f"mezon-rs {installed}, a slow debug build", "make build")
    return Check("package", OK, f"mezon-rs {installed}")


def _other() -> Check:
    try:
        version = metadata.version("mezon-sdk")
    except metadata.PackageNotFoundError:
        return Check("mezon-sdk", OK, "not installed beside it")
    return Check("mezon-sdk", BAD, f"{version} is installed too, and both own the folder mezon", REINSTALL)


def _installed() -> list[tuple[str, str, str, str]]:
    """Read what was installed below ``mezon``: name, path, kind of hash and hash of each file.

    Not by ``metadata.files``: from Python 3.12 on it leaves out what is missing.
    """
    try:
        distribution = metadata.distribution("mezon-rs")
    except metadata.PackageNotFoundError:
        return []
    found = []
    for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        name, hashed = (*row, "", "")[:2]
        mode, equals, value = hashed.partition("=")
        if name.startswith("mezon/") and equals:
            found.append((name, str(distribution.locate_file(name)), mode, value))
    return found


def _whole() -> Check:
    """Compare the files with what was installed: mezon-sdk replaces some, and takes them along when it goes."""
    ours = _installed()
    if not ours:
        return Check("files", OK, "run from a clone: nothing to compare with")
    missing, other = [], []
    for name, path, mode, expected in ours:
        try:
            with open(path, "rb") as stream:
                digest = hashlib.new(mode, stream.read()).digest()
        except OSError:
            missing.append(name)
            continue
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != expected:
            other.append(name)
    if not missing and not other:
        return Check("files", OK, f"all {len(ours)} are as installed")
    some = ", ".join((missing + other)[:3])
    text = f"{len(missing)} of {len(ours)} files are missing, {len(other)} are other ones: {some} ..."
    return Check("files", BAD, text, REINSTALL)
