"""Generate the Python messages from `proto/`; --check compares instead of writing.

Run by `make proto` and `make lint`, in an environment of its own: the compiler is the oldest whose modules equal those
of the newest, since generated code runs on the protobuf it was made for and on later ones, never on earlier ones.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = sorted((ROOT / "proto").rglob("*.proto"))


def generate(into: Path) -> None:
    """Write the four modules below `into`, in place of the folder `python`."""
    arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{files('grpc_tools') / '_proto'}"]
    arguments += [f"--python_out={into}", f"--pyi_out={into}", *map(str, SCHEMAS)]
    if protoc.main(arguments) != 0:
        sys.exit("protoc could not compile the schemas")
    for stub in into.rglob("*_pb2.pyi"):
        stub.write_text(annotated(stub.read_text("utf-8")), "utf-8")


def annotated(stub: str) -> str:
    """Add missing types to a stub of protoc, and correct errors of its oldest supported version.

    Mappings without arguments and `**kwargs` get types, a keyword of a constructor may be None, and the instance gives
    its name to a field called `self`.
    """
    lines = [constructor(line) if "def __init__(self, " in line else line for line in stub.splitlines()]
    whole = "\n".join(lines) + "\n"
    whole = whole.replace("_Mapping]", "_Mapping[str, _Any]]").replace("**kwargs)", "**kwargs: _Any)")
    return (
        whole
        if whole == stub
        else whole.replace("from typing import ", "from typing import Any as _Any, ", 1)
    )


def constructor(line: str) -> str:
    """Correct the constructor of one message."""
    line = line.replace(": bool = ...", ": _Optional[bool] = ...")
    return line.replace("(self, ", "(self_, ", 1) if ", self: " in line else line


def main() -> None:
    if "--check" not in sys.argv:
        generate(ROOT / "python")
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        for made in sorted(Path(folder).rglob("*_pb2.py*")):
            kept = ROOT / "python" / made.relative_to(folder)
            if not kept.exists() or kept.read_bytes() != made.read_bytes():
                sys.exit(f"{kept.relative_to(ROOT)} differs from what proto/ gives: run `make proto`")


if __name__ == "__main__":
    main()
