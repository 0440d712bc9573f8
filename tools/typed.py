"""Check the type coverage of the public interface with `pyright --verifytypes`. Used by `make lint`.

mypy looks at the inside of the package. This looks at it as an installed library: an attribute without an annotation
may be inferred differently by each editor, and a class with such a base is as unclear as the base.

pyright needs node. Without one this says that it was skipped and ends well; CI has one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

WANTED: Final = 99.0
SHOWN: Final = 20
ROOT: Final = Path(__file__).resolve().parent.parent


def verify() -> dict[str, Any]:
    """Return pyright's report on the package installed for this interpreter."""
    beside = Path(sys.executable).parent
    done = subprocess.run(
        [str(beside / "pyright"), "--verifytypes", "mezon", "--ignoreexternal", "--outputjson"],
        cwd=ROOT,
        # pyright uses the first Python on PATH.
        env={
            **os.environ,
            "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}",
            "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    # A non-zero exit code means that some name is untyped; the score decides.
    try:
        account: dict[str, Any] = json.loads(done.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        sys.exit(f"pyright gave no account of the types:\n{done.stdout}{done.stderr}")
    return account


def unclear(account: dict[str, Any]) -> list[str]:
    """Return a line for each public name of unknown or ambiguous type."""
    lines = []
    for symbol in account["symbols"]:
        if symbol["isExported"] and (not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]):
            lines += [
                f"{symbol['name']}: {told['message'].splitlines()[0]}"
                for told in symbol["diagnostics"]
                # Missing docstrings are not checked here.
                if "type" in told["message"].lower() or "override" in told["message"]
            ]
    return sorted(set(lines))


def main() -> None:
    if shutil.which("node") is None:
        print("pyright --verifytypes is skipped: it needs node, and there is none on PATH.")
        return
    account = verify()
    score = account["completenessScore"] * 100
    names = account["exportedSymbolCounts"]
    print(
        f"{score:.2f} % of {sum(names.values()):,} public names are typed; at least {WANTED:g} % are wanted."
    )
    if names["withKnownType"] == 0:
        sys.exit("pyright found no names: is the package installed into this environment (`make build`)?")
    if score < WANTED:
        print(*unclear(account)[:SHOWN], sep="\n")
        sys.exit("Annotate these; most are a `self.x = ...` of a public class, or a base class with one.")


if __name__ == "__main__":
    main()
