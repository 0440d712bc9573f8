"""TLS to NATS: what asks for it gets it or an error, and a server without TLS is sent nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mezon._cluster.broker import BrokerError, connect, disconnect
from mezon._cluster.settings import Broker
from mezon.errors import InvalidArgumentError
from mezon.testing.address import LocalCertificate
from nats_operator import Operator
from nats_servers import Child, free_ports, nats_server, needs_nats
from patience import patient
from waiting import until

pytestmark = pytest.mark.timeout(120)


class PlainServer:
    """A server of NATS, or somebody between, that speaks no TLS and writes down what it is sent.

    Attributes:
        connections: How often somebody connected.
        received: All bytes that came.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.received = bytearray()
        self.port = 0
        self.open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        info = {
            "server_id": "plain",
            "version": "2.11.0",
            "max_payload": 1024,
            "headers": True,
            "auth_required": True,
            "nonce": "sign-me",
        }
        self.open.add(writer)
        with contextlib.suppress(OSError):
            writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
            while data := await reader.read(4096):
                self.received += data
                writer.write(b"PONG\r\n")
        writer.transport.abort()
        self.open.discard(writer)


@contextlib.asynccontextmanager
async def plain_server(port: int = 0) -> AsyncIterator[PlainServer]:
    plain = PlainServer()
    server = await asyncio.start_server(plain.serve, "127.0.0.1", port)
    plain.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield plain
        finally:
            for writer in plain.open:
                writer.transport.abort()
            await until(lambda: not plain.open, "every connection to end")


@pytest.fixture
def certificate() -> Iterator[LocalCertificate]:
    made = LocalCertificate()
    yield made
    made.remove()


def tls_config(certificate: LocalCertificate, more: str = "") -> str:
    folder = certificate.ca_file.parent
    return (
        f'tls {{ cert_file: "{folder / "server.pem"}", key_file: "{folder / "server.key"}" }}\n'
        f"{more}\nauthorization {{ user: bot, password: s3cret }}"
    )


@pytest.mark.parametrize("reconnect", [True, False])
@pytest.mark.parametrize("asks", ["tls://", "--nats-ca", "certificate", "one of two"])
async def test_a_server_without_tls_is_sent_nothing(
    certificate: LocalCertificate, asks: str, reconnect: bool
) -> None:
    folder = certificate.ca_file.parent
    options: dict[str, Any] = {
        "tls://": {},
        "--nats-ca": {"ca_file": certificate.ca_file},
        "certificate": {"certificate": folder / "server.pem", "key": folder / "server.key"},
        "one of two": {},
    }[asks]
    async with plain_server() as plain:
        where = f"bot:s3cret@127.0.0.1:{plain.port}"
        scheme = "tls" if asks == "tls://" else "nats"
        urls = f"{scheme}://{where}"
        if asks == "one of two":
            urls += f",tls://bot:s3cret@127.0.0.1:{plain.port}"
        with pytest.raises(BrokerError, match="TLS is requested") as caught:
            await connect(Broker(urls=urls, **options), reconnect=reconnect)
        assert "s3cret" not in str(caught.value)
        assert plain.connections
        assert plain.received == b""


async def test_a_server_without_tls_gets_no_signature_either(tmp_path: Path) -> None:
    file = Operator().credentials(tmp_path / "bot.creds", "bot", {})
    async with plain_server() as plain:
        with pytest.raises(BrokerError, match="TLS is requested"):
            await connect(Broker(urls=f"tls://127.0.0.1:{plain.port}", credentials=file))
        assert plain.received == b""


async def test_the_server_of_this_test_takes_a_password_in_plain_text() -> None:
    """Without TLS requested the same server is sent the password: the tests above would see it."""
    async with plain_server() as plain:
        client = await connect(Broker(urls=f"nats://bot:s3cret@127.0.0.1:{plain.port}"))
        await disconnect(client)
        assert b"s3cret" in plain.received


@needs_nats
async def test_a_reconnect_is_tls_as_well(certificate: LocalCertificate) -> None:
    back = asyncio.Event()
    async with nats_server(tls_config(certificate)) as server:
        urls = server.url.replace("nats://", "nats://bot:s3cret@")
        client = await connect(Broker(urls=urls, ca_file=certificate.ca_file), on_reconnect=back.set)
        try:
            await server.kill()
            async with plain_server(server.port) as plain:
                await until(lambda: plain.connections >= 2, "the client to try again")
                assert plain.received == b""
                assert not client.is_connected
            await server.start()
            await asyncio.wait_for(back.wait(), patient(20))
            await client.flush()
        finally:
            await disconnect(client)


@needs_nats
async def test_a_server_that_offers_tls_without_asking_for_it(certificate: LocalCertificate) -> None:
    async with nats_server(tls_config(certificate, "allow_non_tls: true")) as server:
        urls = server.url.replace("nats://", "tls://bot:s3cret@")
        client = await connect(Broker(urls=urls, ca_file=certificate.ca_file))
        await client.flush()
        assert client.connected_url is not None
        await disconnect(client)
        # It did take plain text: what asked for TLS did not use it.
        plain = await connect(Broker(urls=server.url.replace("nats://", "nats://bot:s3cret@")))
        await disconnect(plain)


@needs_nats
async def test_a_certificate_that_is_not_trusted_ends_the_attempt(certificate: LocalCertificate) -> None:
    async with nats_server(tls_config(certificate)) as server:
        with pytest.raises(Exception, match="certificate"):
            await connect(Broker(urls=server.url.replace("nats://", "tls://bot:s3cret@")))


def test_tls_cannot_be_enforced_with_another_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nats-py renames what is overridden, nobody connects."""
    from mezon._cluster import tls_client

    class Renamed:
        pass

    monkeypatch.setattr(tls_client, "Client", Renamed)
    port = free_ports(1)[0]
    with pytest.raises(BrokerError, match="TLS cannot be enforced"):
        asyncio.run(connect(Broker(urls=f"tls://127.0.0.1:{port}")))


@pytest.mark.parametrize("urls", ["TLS://one:4222", "http://one:4222", "://one:4222"])
def test_an_unknown_scheme_is_refused(urls: str) -> None:
    with pytest.raises(InvalidArgumentError, match="no address of NATS"):
        Broker(urls=urls)


def client_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for clients, which signs itself, and its key."""
    now = datetime.datetime.now(datetime.UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    files = folder / "client.pem", folder / "client.key"
    files[0].write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files[1].write_bytes(private)
    return files


async def status(*options: str, **environment: str) -> tuple[int, str]:
    """The exit code of ``mezon status`` and what it says."""
    arguments = ("-m", "mezon.cli", "status", *options)
    async with Child(*arguments, environment={"MEZON_BOT_ID": "81", **environment}) as command:
        assert command.process is not None
        assert command.process.stdout is not None
        said = (await command.process.stdout.read()).decode()
        return await command.process.wait(), said + command.log()


@needs_nats
async def test_a_server_that_verifies_clients_takes_the_certificate_of_the_command_line(
    certificate: LocalCertificate, tmp_path: Path
) -> None:
    client, key = client_certificate(tmp_path)
    folder = certificate.ca_file.parent
    config = (
        f'tls {{ cert_file: "{folder / "server.pem"}", key_file: "{folder / "server.key"}",'
        f' ca_file: "{client}", verify: true }}'
    )
    async with nats_server(config) as server:
        where = ("--nats", server.url, "--nats-ca", str(certificate.ca_file))
        code, said = await status(*where)
        assert (code, "cannot be reached" in said) == (1, True), said
        code, said = await status(*where, "--nats-cert", str(client), "--nats-cert-key", str(key))
        # The server lets it in: there is just no relay of this bot.
        assert (code, "no relay" in said.lower()) == (1, True), said
        files = {"MEZON_NATS_CERT": str(client), "MEZON_NATS_CERT_KEY": str(key)}
        assert await status(*where, **files) == (code, said)
        code, said = await status(*where, "--nats-cert", str(client))
        assert (code, "a client certificate for NATS needs its key" in said) == (1, True), said
