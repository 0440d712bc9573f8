"""Python messages generated from `proto/` by `make proto`, and the table of RPCs.

A generated module is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import DecodeError as DecodeError

    from mezon.protobuf._rpc_table import RPCS as RPCS
    from mezon.protobuf.api import api_pb2 as api_pb2
    from mezon.protobuf.rtapi import realtime_pb2 as realtime_pb2

#: The module that defines each name; None if the name is the module itself.
_HOMES = {
    "RPCS": ("mezon.protobuf._rpc_table", "RPCS"),
    "DecodeError": ("google.protobuf.message", "DecodeError"),
    "api_pb2": ("mezon.protobuf.api.api_pb2", None),
    "realtime_pb2": ("mezon.protobuf.rtapi.realtime_pb2", None),
}


def __getattr__(name: str) -> Any:
    # Start-up time: the generated modules and google.protobuf take longer to import than the rest of a client.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, attribute = _HOMES[name]
    module = import_module(home)
    value = globals()[name] = module if attribute is None else getattr(module, attribute)
    return value
