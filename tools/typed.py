"""How much of the public interface is typed for whoever uses it: `pyright --verifytypes`. Run by `make lint`.

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
    """pyright's account of the package that this interpreter has installed."""
    beside = Path(sys.executable).parent
    done = subprocess.run(
        [str(beside / "pyright"), "--verifytypes", "mezon", "--ignoreexternal", "--outputjson"],
        cwd=ROOT,
        # pyright finds the package by the first Python on PATH.
        env={
            **os.environ,
            "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}",
            "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    # A code that is not zero says only that some name is not typed: the score decides here.
    try:
        account: dict[str, Any] = json.loads(done.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        sys.exit(f"pyright gave no account of the types:\n{done.stdout}{done.stderr}")
    return account


def unclear(account: dict[str, Any]) -> list[str]:
    """Give a line for each public name whose own type is unknown or ambiguous."""
    lines = []
    for symbol in account["symbols"]:
        if symbol["isExported"] and (not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]):
            lines += [
                f"{symbol['name']}: {told['message'].splitlines()[0]}"
                for told in symbol["diagnostics"]
                # A class without a docstring is the business of the reference, not of the types.
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
