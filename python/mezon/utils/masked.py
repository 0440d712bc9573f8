"""Keys and tokens whose repr is masked, so that local variables in tracebacks do not show them."""

from __future__ import annotations

from typing import Any, SupportsIndex, TypeVar, overload

__all__ = ["Secret", "SecretBytes", "masked"]

_T = TypeVar("_T")


class Secret(str):
    """A text whose repr is masked.

    Error reporters (Sentry, rich with ``show_locals``, pytest with ``--showlocals``) show the repr of the local
    variables in a traceback. It remains a ``str``, which HTTP and the core accept unchanged. Formatting and
    concatenation return a plain ``str``: wrap it again before it is bound to a name.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[hidden]'"

    def __getitem__(self, key: SupportsIndex | slice) -> Secret:
        # Reporters truncate long texts before they show them.
        return Secret(super().__getitem__(key))


class SecretBytes(bytes):
    """Bytes whose repr is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'[hidden]'"

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> SecretBytes: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | SecretBytes:
        return masked(super().__getitem__(key))


@overload
def masked(value: str) -> Secret: ...
@overload
def masked(value: bytes) -> SecretBytes: ...
@overload
def masked(value: _T) -> _T: ...
def masked(value: Any) -> Any:
    """Return a text as a `Secret`, bytes as `SecretBytes`, and other values unchanged."""
    if isinstance(value, str) and not isinstance(value, Secret):
        value = Secret(value)
    elif isinstance(value, bytes) and not isinstance(value, SecretBytes):
        value = SecretBytes(value)
    return value
