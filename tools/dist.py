"""Build and check the distributions for PyPI. Used by `make dist`.

    dist.py build [--target T] [--compatibility C] [--pgo]   wheel and sdist into dist/
    dist.py wheel [--target T] [--compatibility C] [--pgo]   the wheel alone
    dist.py check FOLDER     names, tags, size, metadata, and that no path of this machine is inside
    dist.py drive FOLDER     install the wheel into empty environments of every Python here, and run a bot over TCP
    dist.py sdist FOLDER     build a wheel from the sdist with pip alone, in a folder of its own
    dist.py same             build the wheel twice and compare

The manylinux wheel is linked by zig (PyPI's `ziglang`) against the symbols of an old glibc, so that it runs where the
machine that made it is newer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from venvs import python_of

ROOT: Final = Path(__file__).resolve().parent.parent
MAX_SIZE: Final = 5_000_000
BOT: Final = ROOT / "tools" / "dist_bot.py"


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Print and run a command; exit if it fails."""
    print("+", *command, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, check=False)
    if done.returncode != 0:
        sys.exit(f"{Path(command[0]).name} failed with code {done.returncode}")


def tool(name: str) -> str:
    """Return the path of a command in the environment of this interpreter."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not installed: make dist installs it")
    return found


def build_environment() -> dict[str, str]:
    """Return an environment for reproducible builds: no local paths, and the time of the commit."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    moved = {str(home / "registry" / "src"): "crates", str(home): "cargo", str(ROOT): "mezon-rs"}
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True)
    moved[sysroot.stdout.strip()] = "rust"
    flags = [f"--remap-path-prefix={old}={new}" for old, new in moved.items()]
    when = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    c_flags = " ".join(f"-ffile-prefix-map={old}={new}" for old, new in moved.items())
    return {
        **os.environ,
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "CFLAGS": f"{os.environ.get('CFLAGS', '')} {c_flags}".strip(),
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", when.stdout.strip() or "315532800"),
        # maturin runs zig as a module of the first Python on PATH.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def wheel(options: argparse.Namespace, into: Path) -> None:
    """Build the wheel."""
    command = [tool("maturin"), "build", "--release", "--locked"]
    if options.target:
        command += ["--target", options.target]
    if options.pgo:
        # For this system only: zig's linker cannot link the instrumented build.
        command.append("--pgo")
    elif sys.platform == "linux":
        command += ["--zig", "--compatibility", options.compatibility]
    into.mkdir(parents=True, exist_ok=True)
    # Into a separate folder: an older wheel of the same name must not be mistaken for this one.
    with tempfile.TemporaryDirectory(dir=into) as place:
        run(*command, "--out", place, env=build_environment())
        for made in wheels(Path(place)):
            without_paths(made)
            made.replace(into / made.name)


def without_paths(made: Path) -> None:
    """Remove local paths and build-specific values from the bill of materials."""
    environment = build_environment()
    with tempfile.TemporaryDirectory() as place:
        run(sys.executable, "-m", "wheel", "unpack", "--dest", place, made)
        (inside,) = Path(place).iterdir()
        for bill in inside.glob("*.dist-info/sboms/*.json"):
            known = json.loads(bill.read_text("utf-8").replace(f"path+file://{ROOT}", "mezon-rs"))
            known.pop("serialNumber", None)
            known["metadata"].pop("timestamp", None)
            bill.write_text(json.dumps(known, indent=1), "utf-8")
        run(sys.executable, "-m", "wheel", "pack", "--dest-dir", made.parent, inside, env=environment)


def build(options: argparse.Namespace) -> None:
    """Build wheel and sdist into an empty dist/."""
    folder = ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    wheel(options, folder)
    run(tool("maturin"), "sdist", "--out", folder, env=build_environment())


def wheels(folder: Path) -> list[Path]:
    """Return the wheels of a folder; exit if there are none."""
    found = sorted(folder.glob("*.whl"))
    if not found:
        sys.exit(f"there is no wheel in {folder}")
    return found


def check(folder: Path) -> None:
    """Check the files without installing them."""
    made = wheels(folder)
    everything = made + sorted(folder.glob("*.tar.gz"))
    run(tool("twine"), "check", "--strict", *everything)
    # W002: the empty __init__.py files of generated packages are identical.
    run(tool("check-wheel-contents"), "--ignore", "W002", *made)
    run(tool("abi3audit"), "--strict", *made)
    for one in made:
        if "linux" in one.name:
            run(tool("auditwheel"), "show", one)
        size = one.stat().st_size
        print(f"{one.name}: {size:,} bytes, sha256 {hashlib.sha256(one.read_bytes()).hexdigest()}")
        if size > MAX_SIZE:
            sys.exit(f"{one.name} is larger than {MAX_SIZE:,} bytes")
        no_local_paths(one)
        with zipfile.ZipFile(one) as archive:
            everything_is_in(one, set(archive.namelist()), "mezon/")
    for one in sorted(folder.glob("*.tar.gz")):
        with tarfile.open(one) as archive:
            everything_is_in(one, {name.partition("/")[2] for name in archive.getnames()}, "python/mezon/")
        print(
            f"{one.name}: {one.stat().st_size:,} bytes, sha256 {hashlib.sha256(one.read_bytes()).hexdigest()}"
        )


def everything_is_in(one: Path, names: set[str], place: str) -> None:
    """Check that an archive contains each file of the package that git tracks."""
    listed = ["git", "ls-files", "-z", "python/mezon"]
    known = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wanted = {place + name.removeprefix("python/mezon/") for name in known.split("\0") if name}
    if missing := sorted(wanted - names):
        sys.exit(
            f"{one.name} has no {', '.join(missing[:5])}: {len(missing)} of {len(wanted)} files are missing"
        )


def no_local_paths(one: Path) -> None:
    """Check that no file of the wheel contains a path of the build machine."""
    words = {str(ROOT).encode(), str(Path.home() / ".cargo").encode(), str(Path.home() / ".rustup").encode()}
    with zipfile.ZipFile(one) as archive:
        names = archive.namelist()
        for name in names:
            inside = archive.read(name)
            for word in words:
                if (at := inside.find(word)) >= 0:
                    sys.exit(f"{name} names a folder of this machine: {inside[at : at + 120]!r}")
        for wanted in ("LICENSE", "THIRD-PARTY-LICENSES.txt", "py.typed", "sboms/"):
            if not any(wanted in name for name in names):
                sys.exit(f"the wheel has no {wanted}")


def pythons() -> list[str]:
    """Return the installed CPythons from 3.11 on, one per version."""
    found: dict[str, str] = {}
    candidates = [sys.executable, *(shutil.which(f"python3.{minor}") or "" for minor in range(11, 16))]
    candidates += [str(path) for path in sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"))]
    for candidate in filter(None, candidates):
        asked = subprocess.run(
            [candidate, "-c", "import sys; print(*sys.version_info[:2], sep='.')"],
            capture_output=True,
            text=True,
            check=False,
        )
        if re.fullmatch(r"3\.1[1-9]\n", asked.stdout):
            found.setdefault(asked.stdout.strip(), candidate)
    return [found[version] for version in sorted(found)]


def environment(python: str, folder: Path) -> Path:
    """Create an empty environment; return its interpreter."""
    run(python, "-m", "venv", folder, cwd=folder.parent)
    return python_of(folder)


def drive(folder: Path) -> None:
    """Run a bot from the wheel on each installed Python, over TCP and outside the source tree."""
    for python in pythons():
        with tempfile.TemporaryDirectory() as place:
            inside = environment(python, Path(place) / "env")
            pip = (inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            run(
                *pip,
                "--only-binary=mezon-rs",
                "--find-links",
                folder.resolve(),
                "--pre",
                "mezon-rs[testing]",
                cwd=Path(place),
            )
            run(inside, "-W", "error", BOT, cwd=Path(place))


def from_sdist(folder: Path) -> None:
    """Install from the sdist, as pip does if no wheel fits."""
    archives = sorted(folder.glob("*.tar.gz"))
    if len(archives) != 1:
        sys.exit(f"one sdist is expected in {folder}, not {len(archives)}")
    with tempfile.TemporaryDirectory() as place:
        inside = environment(sys.executable, Path(place) / "env")
        pip = (inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(
            *pip,
            "--no-binary=mezon-rs",
            f"mezon-rs[testing] @ {archives[0].resolve().as_uri()}",
            cwd=Path(place),
        )
        run(inside, "-W", "error", BOT, cwd=Path(place))


def same(options: argparse.Namespace) -> None:
    """Build twice and compare the bytes."""
    sums = []
    for _ in range(2):
        run(
            "cargo",
            "clean",
            "--release",
            "--package",
            "mezon-rs",
            *(["--target", options.target] if options.target else []),
        )
        with tempfile.TemporaryDirectory() as place:
            wheel(options, Path(place))
            sums += [hashlib.sha256(one.read_bytes()).hexdigest() for one in wheels(Path(place))]
    print(*sums, sep="\n")
    if len(set(sums)) != 1:
        sys.exit("the two wheels differ")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["build", "wheel", "check", "drive", "sdist", "same"])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist")
    parser.add_argument("--target", default="", help="Rust target; default: this machine's")
    parser.add_argument(
        "--compatibility", default="manylinux_2_17", help="oldest supported platform of the wheel"
    )
    parser.add_argument(
        "--pgo",
        action="store_true",
        help="profile-guided optimization with the benchmark (needs llvm-profdata)",
    )
    options = parser.parse_args()
    match options.what:
        case "build":
            build(options)
        case "wheel":
            wheel(options, options.folder)
        case "check":
            check(options.folder)
        case "drive":
            drive(options.folder)
        case "sdist":
            from_sdist(options.folder)
        case "same":
            same(options)


if __name__ == "__main__":
    main()
