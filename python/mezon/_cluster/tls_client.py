"""A NATS client that enforces TLS. A module of its own because its base class needs the optional extra."""

from __future__ import annotations

from typing import Any

from nats import errors
from nats.aio.client import Client

from mezon._cluster.direct_client import DirectClient


class NoTlsError(errors.Error):
    """The server offers no TLS, so nothing was sent to it."""

    def __init__(self) -> None:
        super().__init__("the server offers no TLS; nothing was sent to it")


class TlsClient(DirectClient):
    """Sends nothing over an unencrypted connection.

    `Client` encrypts a connection only if the server announces TLS, regardless of the URL and the TLS options: a server
    without TLS, or a man in the middle, would receive user and password in plain text. This class checks each
    connection before the first byte is written, including reconnects and servers that the cluster announces.
    """

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # A server with allow_non_tls offers TLS without requiring it.
        if info.get("tls_available"):
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)

    def _connect_command(self) -> bytes:
        server = self._current_server
        if server is None or server.uri.scheme != "wss":
            writer = getattr(self._transport, "_io_writer", None)
            if writer is None or writer.get_extra_info("ssl_object") is None:
                # Client drops its reference to a failed connection without closing it.
                self._abort()
                raise NoTlsError
        return super()._connect_command()

    async def close(self) -> None:
        """Close the connection and the underlying socket, without waiting for the peer's TLS shutdown."""
        try:
            await super().close()
        finally:
            self._abort()

    def _abort(self) -> None:
        writer = getattr(self._transport, "_bare_io_writer", None)
        if writer is not None:
            writer.transport.abort()


def check_overrides() -> None:
    """Check that the installed nats-py calls the overridden methods of `TlsClient`.

    Raises:
        NotImplementedError: nats-py has renamed a method.
    """
    for name in ("_process_info", "_connect_command"):
        if not callable(getattr(Client, name, None)):
            raise NotImplementedError(f"nats-py has no Client.{name}")
