"""The RPC of a name. A module of its own, so that `import mezon` does not load the table of all RPCs."""

from __future__ import annotations

import difflib

from mezon.errors import InvalidArgumentError
from mezon.protobuf.utils import Rpc

__all__ = ["Rpc", "find_rpc"]


def find_rpc(name: str) -> Rpc:
    """Return the RPC of a name.

    Raises:
        InvalidArgumentError: If there is none, with the most similar name.
    """
    from mezon.protobuf._rpc_table import RPCS

    found = RPCS.get(name)
    if found is None:
        near = difflib.get_close_matches(str(name), RPCS, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else "; docs/guide/rpc.md lists them"
        raise InvalidArgumentError(f"the server has no RPC {name!r}{hint}")
    return found
