"""The socket: calls to the server and what carries them."""

from mezon.socket.default_socket import Socket
from mezon.socket.websocket_adapter import WebSocketAdapter, WebSocketAdapterPb

__all__ = ["Socket", "WebSocketAdapter", "WebSocketAdapterPb"]
