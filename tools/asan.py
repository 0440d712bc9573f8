"""Run the tests of the core under the address sanitizer. Used by `make asan`, on Linux.

Builds the extension once more with every access to memory checked, in Rust and in SQLite's C, and lets the tests
that exercise the seam, the wire and the store load it in place of the ordinary one. A use after free, a read past an
end or a double free ends the run with both stacks. What Python never frees at exit is no leak to us, so leaks are
not looked for.

Needs gcc, whose run-time library both halves use. `RUSTC_BOOTSTRAP` lets the installed stable compiler take the flag.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "target" / "asan"
TARGET: Final = f"{os.uname().machine}-unknown-linux-gnu"
TESTS: Final = [
    "tests/unit",
    "tests/test_raw_models.py",
    "tests/test_wire_matches_protobuf.py",
    "tests/store",
]

#: Tests that fork a multi-threaded process. If a thread holds the lock of the sanitizer's allocator during a fork, the
#: child deadlocks (gcc 12, seen in a debugger); that is unrelated to the core. `make test` runs these tests.
FORKS: Final = "tests/store/test_store_fork.py"


def build() -> Path:
    """Build the instrumented extension; return the folder to import `mezon` from."""
    environment = {
        **os.environ,
        "RUSTC_BOOTSTRAP": "1",
        "RUSTFLAGS": "-Zsanitizer=address -Cforce-frame-pointers=yes",
        f"CFLAGS_{TARGET.replace('-', '_')}": "-fsanitize=address -fno-omit-frame-pointer -g1",
        "CARGO_TARGET_DIR": str(BUILD),
        "CARGO_PROFILE_RELEASE_LTO": "off",
        "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
        "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
        # Symbols for the stacks in reports.
        "CARGO_PROFILE_RELEASE_STRIP": "none",
        "CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only",
    }
    maturin = [str(Path(sys.executable).parent / "maturin"), "build", "--release", "--locked"]
    # An explicit target, so that build scripts and macros are not instrumented.
    maturin += ["--target", TARGET, "--auditwheel", "skip", "--compatibility", "linux", "--out", str(BUILD)]
    for old in BUILD.glob("*.whl"):
        old.unlink()
    subprocess.run(maturin, cwd=ROOT, env=environment, check=True)
    (wheel,) = BUILD.glob("*.whl")
    site = BUILD / "site"
    shutil.rmtree(site, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def runtime() -> str:
    """Return the path of gcc's sanitizer library."""
    asked = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    library = Path(asked.stdout.strip())
    if not library.is_absolute():
        sys.exit("gcc has no libasan here: install it (Debian: libasan8 comes with gcc)")
    return str(library.resolve())


def main() -> None:
    if sys.platform != "linux":
        sys.exit("make asan runs on Linux alone")
    site = build()
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime(),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=1",
        # Python's memory pools would hide invalid accesses.
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(site),
    }
    python = [sys.executable, "-c", "import mezon._core; print(mezon._core.__file__)"]
    loaded = subprocess.run(python, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if not loaded.stdout.startswith(str(site)):
        sys.exit(f"the checked core was not loaded: {loaded.stdout}{loaded.stderr}")
    # The sanitizer slows tests down; the time limits of pytest and hypothesis are for ordinary runs.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "600"]
    command += ["--hypothesis-profile=ci", f"--ignore={FORKS}"]
    sys.exit(
        subprocess.run(
            [*command, *(sys.argv[1:] or TESTS)], env=environment, cwd=ROOT, check=False
        ).returncode
    )


if __name__ == "__main__":
    main()
