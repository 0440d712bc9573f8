"""Collect the licences of the crates and scripts in the wheel in THIRD-PARTY-LICENSES.txt; --check compares instead.

The list follows Cargo.lock, the feature `python` and every platform a wheel is made for, and the scripts of others in
the playground's page, which lie beside their licences.
Run by `make licences` and `make lint`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "THIRD-PARTY-LICENSES.txt"
NAMES = ("licen", "copying", "unlicense", "notice", "copyright")
HEAD = """\
mezon-rs holds compiled code of the crates below, and the scripts named after them. Each is used under the licence its
authors chose; the texts follow the list.
Written by tools/licences.py (`make licences`) from Cargo.lock and the playground's vendor folder.
"""
VENDORED = ROOT / "python" / "mezon" / "testing" / "playground" / "page" / "vendor"


def metadata() -> dict[str, Any]:
    """Return cargo's metadata of the build with the Python binding."""
    done = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--locked", "--features", "python"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    known: dict[str, Any] = json.loads(done.stdout)
    return known


def in_the_wheel(known: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the linked packages: normal dependencies without build scripts and procedural macros."""
    packages = {package["id"]: package for package in known["packages"]}
    nodes = {node["id"]: node for node in known["resolve"]["nodes"]}
    root = known["resolve"]["root"]
    found: set[str] = set()
    left = [root]
    while left:
        node = nodes[left.pop()]
        for dependency in node["deps"]:
            linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            package = packages[dependency["pkg"]]
            macro = any("proc-macro" in target["kind"] for target in package["targets"])
            if linked and not macro and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                left.append(dependency["pkg"])
    return sorted((packages[one] for one in found), key=lambda one: (one["name"], one["version"]))


def texts(package: dict[str, Any]) -> list[str]:
    """Return the licence files of a crate."""
    folder = Path(package["manifest_path"]).parent
    files = sorted(
        path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES)
    )
    mit = [path for path in files if "mit" in path.name.lower()]
    if mit and "AND" not in (package["license"] or ""):
        # The crate is dual-licensed; this is the shorter text.
        files = mit + [path for path in files if "notice" in path.name.lower()]
    return [path.read_text("utf-8", "replace").replace("\r\n", "\n").strip() for path in files]


def collected() -> str:
    """Return the content of the file."""
    packages = in_the_wheel(metadata())
    lines = [HEAD]
    users: dict[str, list[str]] = defaultdict(list)
    shown: dict[str, str] = {}
    for package in packages:
        name = f"{package['name']} {package['version']}"
        lines.append(f"{name}: {package['license'] or 'see its text'}")
        for text in texts(package):
            # Many copies of a text differ only in line breaks.
            key = " ".join(text.split())
            shown.setdefault(key, text)
            users[key].append(name)
    for path in sorted(VENDORED.glob("LICENSE.*")):
        name = f"{path.suffix[1:]} (JavaScript)"
        lines.append(f"{name}: in mezon/testing/playground/page/vendor")
        text = path.read_text("utf-8").strip()
        key = " ".join(text.split())
        shown.setdefault(key, text)
        users[key].append(name)
    for key, names in users.items():
        lines += ["", "=" * 100, ", ".join(names), "=" * 100, shown[key]]
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n")) + "\n"


def main() -> None:
    text = collected()
    if "--check" not in sys.argv:
        FILE.write_text(text, "utf-8")
    elif not FILE.exists() or FILE.read_text("utf-8") != text:
        sys.exit(f"{FILE.name} differs from what Cargo.lock gives: run `make licences`")


if __name__ == "__main__":
    main()
