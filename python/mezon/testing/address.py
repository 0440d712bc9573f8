"""The address of a gateway: its URLs, its certificate, and the URLs that sessions announce."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from pathlib import Path
from typing import Literal

__all__ = ["Address", "LocalCertificate", "Shape"]

Shape = Literal["url", "host:port", "host", "none"]


class Address:
    """Where a gateway listens.

    Args:
        host: A loopback address.
        port: The port; 0 until the gateway has chosen a free one.
        tls: Whether the gateway speaks https and wss.

    Attributes:
        certificate: The certificate of a started gateway with TLS.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, tls: bool = False) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the local gateway listens on loopback only, not on {host}")
        self.host = host
        self.port = port
        self.tls = tls
        self.certificate: LocalCertificate | None = None
        self._ws_shape: Shape = "url"
        self._tcp_shape: Shape = "host:port"

    @property
    def url(self) -> str:
        """Base URL of the HTTP API, without a trailing slash."""
        return f"{'https' if self.tls else 'http'}://{self.netloc}"

    @property
    def ws_url(self) -> str:
        """Base URL of the WebSocket."""
        return f"{'wss' if self.tls else 'ws'}://{self.netloc}"

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def ca_file(self) -> str | None:
        """Path of the CA certificate (PEM) that clients must trust; None without TLS and before the start."""
        return str(self.certificate.ca_file) if self.certificate is not None else None

    # TLS

    def server_context(self) -> ssl.SSLContext | None:
        """Return the TLS context to listen with. Create the certificate if necessary."""
        if self.tls and self.certificate is None:
            self.certificate = LocalCertificate(self.host)
        return self.certificate.context if self.certificate is not None else None

    def present_certificate(self, chain: Path) -> None:
        """Use this certificate (a PEM file with its key) for new connections."""
        if self.certificate is None:
            raise RuntimeError("present_certificate() requires a started gateway with LocalGateway(tls=True)")
        self.certificate.context.load_cert_chain(chain)

    def remove_certificate(self) -> None:
        """Delete the files of the certificate."""
        certificate, self.certificate = self.certificate, None
        if certificate is not None:
            certificate.remove()

    # Announcing

    def announce(self, *, ws_url: Shape | None = None, tcp_url: Shape | None = None) -> None:
        """Set the shapes of the socket URLs in new sessions. None leaves a shape unchanged."""
        self._ws_shape = ws_url or self._ws_shape
        self._tcp_shape = tcp_url or self._tcp_shape

    @property
    def announced_ws_url(self) -> str:
        """The WebSocket URL in sessions."""
        return self._announced(self._ws_shape, self.ws_url)

    @property
    def announced_tcp_url(self) -> str:
        """The URL of the TCP socket in sessions."""
        return self._announced(self._tcp_shape, f"tcp://{self.netloc}")

    def _announced(self, shape: Shape, url: str) -> str:
        match shape:
            case "url":
                return url
            case "host:port":
                return self.netloc
            case "host":
                return self.host
            case "none":
                return ""


class LocalCertificate:
    """A temporary CA and a server certificate for ``localhost``, ``127.0.0.1`` and ``host``.

    Attributes:
        ca_file: PEM file of the CA, for clients to trust.
        context: The server's TLS context.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

        now = datetime.datetime.now(datetime.UTC)
        start, end = now - datetime.timedelta(hours=1), now + datetime.timedelta(days=7)

        def name(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca_usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        authority = (
            x509.CertificateBuilder()
            .subject_name(name("Mezon local gateway CA"))
            .issuer_name(name("Mezon local gateway CA"))
            .public_key(ca_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(ca_usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        if host not in ("127.0.0.1", "localhost"):
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name("localhost"))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
            )
            .sign(ca_key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        self._folder = tempfile.TemporaryDirectory(prefix="mezon-gateway-")
        folder = Path(self._folder.name)
        self.ca_file: Path = folder / "ca.pem"
        self.ca_file.write_bytes(authority.public_bytes(pem))
        chain, key_file = folder / "server.pem", folder / "server.key"
        chain.write_bytes(certificate.public_bytes(pem))
        key_file.touch(mode=0o600)
        key_file.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        self.context: ssl.SSLContext = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key_file)

    def remove(self) -> None:
        """Delete the certificate files."""
        self._folder.cleanup()
