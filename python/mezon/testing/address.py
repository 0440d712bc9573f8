"""Where a gateway is: its addresses, what sessions say of them, and what points a bot there."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final, Literal

from mezon.testing.expect import Expecting
from mezon.testing.world import World

if TYPE_CHECKING:
    from mezon.testing.tls import LocalCertificate

__all__ = ["API_KEY", "BOT_ID", "Addressed", "Shape"]

BOT_ID: Final = 1_830_000_000_000_000_001
API_KEY: Final = "local-gateway-api-key"

Shape = Literal["url", "host:port", "host", "none"]


class Addressed(Expecting):
    """The addresses of a ``mezon.testing.LocalGateway``, whose arguments these are."""

    def __init__(
        self,
        world: World,
        max_records: int,
        *,
        host: str,
        port: int,
        tls: bool,
        bot_id: int,
        api_key: str,
    ) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the local gateway listens on loopback only, not on {host}")
        super().__init__(world, max_records)
        self.host = host
        self.port = port
        self.bot_id = bot_id
        self.api_key = api_key
        self._tls = tls
        self._certificate: LocalCertificate | None = None
        self._ws_shape: Shape = "url"
        self._tcp_shape: Shape = "host:port"

    @property
    def tls(self) -> bool:
        """Whether it speaks https and wss."""
        return self._tls

    @property
    def url(self) -> str:
        """Base URL of the HTTP side, without a trailing slash."""
        return f"{'https' if self._tls else 'http'}://{self._place}"

    @property
    def ws_url(self) -> str:
        """Base URL of the WebSocket side."""
        return f"{'wss' if self._tls else 'ws'}://{self._place}"

    @property
    def tcp_url(self) -> str:
        """Where the abridged TCP side is: host and port, without a scheme as the live service writes it."""
        return self._place

    @property
    def _place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def mmn_api_url(self) -> str:
        """Where token transfers go."""
        return self.url + "/mmn-api/"

    @property
    def zk_api_url(self) -> str:
        """Where proofs are made."""
        return self.url + "/zk-api/"

    @property
    def ca_file(self) -> str | None:
        """Path of the CA certificate (PEM) a client has to trust; None without TLS and before the start."""
        return str(self._certificate.ca_file) if self._certificate is not None else None

    def client_options(self) -> dict[str, Any]:
        """Give the keyword arguments for ``MezonClient(...)`` that point a bot here.

        The messages it stores stay in memory, so that a test leaves no file behind, and its HTTP calls are not
        spaced out, because this server has no rate limit.
        """
        options: dict[str, Any] = {
            "client_id": self.bot_id,
            "api_key": self.api_key,
            "host": self.host,
            "port": str(self.port),
            "use_ssl": self._tls,
            "mmn_api_url": self.mmn_api_url,
            "zk_api_url": self.zk_api_url,
            "agent_event_url": self.url,
            "message_db": ":memory:",
            "http_rate_period": 0.0,
        }
        if self._tls:
            from mezon import GatewayOptions

            options["gateway"] = GatewayOptions(ca_file=self.ca_file)
        return options

    def environment(self) -> dict[str, str]:
        """Give the environment variables for a bot's process: the SDK's own, and MEZON_BOT_ID and MEZON_API_KEY."""
        return {
            "MEZON_BOT_ID": str(self.bot_id),
            "MEZON_API_KEY": self.api_key,
            "MEZON_HOST": self.host,
            "MEZON_PORT": str(self.port),
            "MEZON_USE_SSL": "true" if self._tls else "false",
            "MEZON_MMN_API_URL": self.mmn_api_url,
            "MEZON_ZK_API_URL": self.zk_api_url,
        }

    def announce(self, *, ws_url: Shape | None = None, tcp_url: Shape | None = None) -> None:
        """Say how the next sessions write where the sockets are.

        ``url`` is with a scheme, ``host:port`` without; ``host`` is what the live service writes, the port is 443 then;
        ``none`` leaves it out. Write anything else with ``session_fields``.

        Args:
            ws_url: The shape of the WebSocket's; a session begins with ``url``.
            tcp_url: That of abridged TCP; a session begins with ``host:port``.
        """
        self._ws_shape = ws_url or self._ws_shape
        self._tcp_shape = tcp_url or self._tcp_shape

    @property
    def announced_ws_url(self) -> str:
        """What sessions say of the WebSocket."""
        return self._announced(self._ws_shape, self.ws_url)

    @property
    def announced_tcp_url(self) -> str:
        """What sessions say of the TCP socket."""
        return self._announced(self._tcp_shape, f"tcp://{self._place}")

    def _announced(self, shape: Shape, url: str) -> str:
        match shape:
            case "url":
                return url
            case "host:port":
                return self._place
            case "host":
                return self.host
            case "none":
                return ""
