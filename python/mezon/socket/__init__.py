"""The socket: its calls and its adapters."""

from mezon.socket.default_socket import Socket
from mezon.socket.websocket_adapter import WebSocketAdapter, WebSocketAdapterPb

__all__ = ["Socket", "WebSocketAdapter", "WebSocketAdapterPb"]
