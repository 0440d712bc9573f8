"""A NATS client that insists on TLS. It needs the extra, so import it where a connection is made."""

from __future__ import annotations

from typing import Any

from nats import errors
from nats.aio.client import Client


class NoTlsError(errors.Error):
    """The server offers no TLS, so nothing was sent to it."""

    def __init__(self) -> None:
        super().__init__("the server offers no TLS; nothing was sent to it")


class TlsClient(Client):
    """Sends nothing over a connection that is not encrypted.

    `Client` encrypts a connection only if the server asks for it, whatever the URL and the TLS options say: a server
    without TLS, or somebody between, gets user and password in plain text. This class checks each connection,
    including reconnects and servers that the cluster announces, before the first byte is written.
    """

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # A server with allow_non_tls offers TLS without asking for it.
        if info.get("tls_available"):
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)

    def _connect_command(self) -> bytes:
        server = self._current_server
        if server is None or server.uri.scheme != "wss":
            writer = getattr(self._transport, "_io_writer", None)
            if writer is None or writer.get_extra_info("ssl_object") is None:
                # Client forgets a connection that failed; the next try would leave this one open.
                self._abort()
                raise NoTlsError
        return super()._connect_command()

    async def close(self) -> None:
        """Close the connection, and the socket below TLS without waiting for the other side."""
        try:
            await super().close()
        finally:
            self._abort()

    def _abort(self) -> None:
        writer = getattr(self._transport, "_bare_io_writer", None)
        if writer is not None:
            writer.transport.abort()


def check_overrides() -> None:
    """Raise if the installed nats-py never calls the checks of `TlsClient`.

    Raises:
        NotImplementedError: nats-py has renamed the methods.
    """
    for name in ("_process_info", "_connect_command"):
        if not callable(getattr(Client, name, None)):
            raise NotImplementedError(f"nats-py has no Client.{name}")
