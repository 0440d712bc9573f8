"""An RPC: a protobuf message to ``/mezon.api.Mezon/<Method>``, a protobuf message back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mezon._http.call import Call, Caller
from mezon._http.limiter import Priority
from mezon.api.utils import build_headers

__all__ = ["RpcCaller"]


class RpcCaller(Caller):
    """What the groups of calls are written on."""

    base_url: str
    timeout_ms: int

    def _url(self, path: str) -> str:
        if path.startswith(("https://", "http://")):
            return path
        return self.base_url.rstrip("/") + path

    def _with(self, call: Call, options: Mapping[str, Any] | None) -> Call:
        options = options or {}
        timeout_ms = options.get("timeout_ms", self.timeout_ms)
        call.timeout = timeout_ms / 1000 if timeout_ms else None
        if call.priority is None and "priority" in options:
            call.priority = Priority(options["priority"])
        return call

    async def _rpc(
        self,
        method: str,
        token: str,
        request: Any,
        answer: type | None,
        *,
        harmless: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a method. ``harmless`` ones are repeated after a lost connection; None as answer ignores the
        body."""
        from mezon._http.reply import decode_message

        call = Call(
            method,
            "POST",
            self._url(f"/mezon.api.Mezon/{method}"),
            body=request.SerializeToString(),
            headers=build_headers(bearer_token=token, accept_binary=True, send_binary=True),
            harmless=harmless,
        )
        reply = await self.perform(self._with(call, options))
        return None if answer is None else decode_message(reply, answer)
