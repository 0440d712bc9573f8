"""Setup: environment variables, imports, warnings, certificates."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from importlib import metadata
from pathlib import Path

import mezon
import pytest
from bot_process import bot, quiet_options
from mezon import GatewayOptions, MezonClient
from mezon.errors import InvalidArgumentError, MezonConnectionError
from mezon.testing import LocalGateway
from mezon.testing.address import LocalCertificate
from waiting import until

Factory = Callable[..., Awaitable[LocalGateway]]


class TestEnvironment:
    async def test_a_bot_needs_no_arguments_but_its_key(
        self, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in gateway.environment().items():
            monkeypatch.setenv(name, value)
        client = MezonClient(gateway.bot_id, gateway.api_key, message_db=False)
        assert client.login_url == gateway.url
        assert (client.mmn_api_url, client.zk_api_url) == (gateway.mmn_api_url, gateway.zk_api_url)
        await client.login()
        assert gateway.connections.live == 1
        await client.disconnect()

    def test_arguments_override_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MEZON_HOST", "from.environment")
        monkeypatch.setenv("MEZON_PORT", "1")
        monkeypatch.setenv("MEZON_USE_SSL", "false")
        monkeypatch.setenv("MEZON_MMN_API_URL", "https://from.environment/mmn/")
        client = MezonClient(
            1, "key", host="passed", port="2", use_ssl=True, mmn_api_url="https://passed/mmn/"
        )
        assert client.login_url == "https://passed:2"
        assert client.mmn_api_url == "https://passed/mmn/"

    def test_defaults(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HOST", "PORT", "USE_SSL", "MMN_API_URL", "ZK_API_URL"):
            monkeypatch.delenv(f"MEZON_{name}", raising=False)
        client = MezonClient(1, "key")
        assert client.login_url == "https://gw.mezon.ai:443"
        assert client.mmn_api_url == "https://dong.mezon.ai/mmn-api/"
        assert client.zk_api_url == "https://dong.mezon.ai/zk-api/"

    @pytest.mark.parametrize(
        ("text", "scheme"), [("true", "https"), ("1", "https"), ("false", "http"), ("0", "http")]
    )
    def test_use_ssl(self, monkeypatch: pytest.MonkeyPatch, text: str, scheme: str) -> None:
        monkeypatch.setenv("MEZON_USE_SSL", text)
        assert MezonClient(1, "key", host="h", port="1").login_url == f"{scheme}://h:1"

    async def test_content_as_json(self, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
        """A bot written for mezon-sdk before 1.6.20 reads the text unchanged."""
        monkeypatch.setenv("MEZON_CONTENT_AS_JSON", "1")
        client = MezonClient(**quiet_options(gateway))
        assert client.content_as_json is True
        assert MezonClient(1, "key", content_as_json=False).content_as_json is False
        contents: list[object] = []
        client.on_channel_message(lambda message: contents.append(message.content))
        await client.login()
        await gateway.say("general", "alice", "as text")
        await until(lambda: contents, "the message")
        await client.disconnect()
        (content,) = contents
        assert isinstance(content, str)
        assert json.loads(content) == {"t": "as text"}

    def test_none_means_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MEZON_MMN_API_URL", "https://from.environment/mmn/")
        assert MezonClient(1, "key", mmn_api_url=None).mmn_api_url is None

    def test_an_invalid_id(self) -> None:
        with pytest.raises(InvalidArgumentError, match="client_id"):
            MezonClient("my-bot", "key")

    def test_the_key_is_in_no_repr(self) -> None:
        client = MezonClient(1, "a-secret-key")
        assert "a-secret-key" not in repr(client)


class TestImport:
    async def test_heavy_modules_are_not_imported(self) -> None:
        source = """
        import json, sys
        import mezon
        mezon.MezonClient
        mezon.MezonClient(1, "key")
        heavy = ("aiohttp", "google.protobuf", "sqlite3", "cryptography", "nacl", "mezon.protobuf.api.api_pb2")
        print(json.dumps([name for name in heavy if name in sys.modules]))
        """
        async with bot(source, python=sys.executable) as child:
            code, out, err = await child.end()
        assert (code, err) == (0, "")
        assert json.loads(out) == []

    async def test_making_a_client_leaves_no_file_and_no_thread(self, tmp_path: Path) -> None:
        source = f"""
        import os, threading
        os.chdir({str(tmp_path)!r})
        import mezon
        mezon.MezonClient(1, "key")
        print(threading.active_count(), len(os.listdir("/proc/self/task")) if os.path.exists("/proc") else 1)
        """
        async with bot(source, python=sys.executable) as child:
            code, out, err = await child.end()
        assert (code, out, err) == (0, "1 1\n", "")
        assert os.listdir(tmp_path) == []

    async def test_a_release_build_alone_is_silent(self) -> None:
        async with bot("import mezon", python=sys.executable) as child:
            assert await child.end() == (0, "", "")

    async def test_an_installed_reference_causes_a_warning(self, tmp_path: Path) -> None:
        folder = tmp_path / "mezon_sdk-1.8.3.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mezon-sdk\nVersion: 1.8.3\n")
        source = f"""
        import sys, warnings
        sys.path.append({str(tmp_path)!r})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import mezon
        [warning] = caught
        print(warning.category.__name__, warning.message)
        """
        async with bot(source, python=sys.executable) as child:
            code, out, err = await child.end()
        assert (code, err) == (0, "")
        assert out.startswith("RuntimeWarning mezon-sdk and mezon-rs are both installed")
        assert "pip uninstall -y mezon-sdk, then pip install --force-reinstall mezon-rs" in out

    @pytest.mark.parametrize(
        "left", [None, "from .models import ChannelMessage\n"], ids=["uninstalled", "installed"]
    )
    async def test_the_reference_has_broken_the_folder(self, tmp_path: Path, left: str | None) -> None:
        """mezon-sdk was uninstalled after mezon-rs, which removed ``__init__``, or was installed after it."""
        here = Path(mezon.__file__).parent
        (tmp_path / "mezon").mkdir()
        for entry in here.iterdir():
            if entry.name != "__init__.py":
                (tmp_path / "mezon" / entry.name).symlink_to(entry)
        if left is not None:
            (tmp_path / "mezon" / "__init__.py").write_text(left)
        source = f"""
        import os, sys
        # A folder without __init__ counts only where no other one has it.
        whole = {{path for path in sys.path if os.path.exists(os.path.join(path, "mezon", "__init__.py"))}}
        sys.path[:] = [{str(tmp_path)!r}, *(path for path in sys.path if path not in whole)]
        try:
            from mezon.models import ChannelMessage
        except ImportError as error:
            print(error)
        """
        async with bot(source, python=sys.executable) as child:
            code, out, err = await child.end()
        assert (code, err) == (0, "")
        assert out.startswith("files of mezon-rs are missing or were replaced")
        assert "pip uninstall -y mezon-sdk, then pip install --force-reinstall mezon-rs" in out

    async def test_a_debug_build_causes_a_warning(self) -> None:
        source = """
        import warnings
        from mezon.utils import installation
        installation.debug_build = True
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            installation.warn_at_import()
        [warning] = caught
        print(warning.category.__name__, warning.message)
        """
        async with bot(source, python=sys.executable) as child:
            code, out, err = await child.end()
        assert (code, err) == (0, "")
        assert out.startswith("RuntimeWarning the core of mezon-rs is a debug build")


class TestTls:
    async def test_with_the_servers_ca(self, gateway_factory: Factory) -> None:
        gateway = await gateway_factory(tls=True)
        options = quiet_options(gateway) | {"gateway": GatewayOptions(ca_file=gateway.ca_file)}
        assert options["use_ssl"] is True
        client = MezonClient(**options)
        heard: list[str] = []
        client.on_channel_message(lambda message: heard.append(message.content["t"]))
        await client.login()
        await gateway.say("general", "alice", "in secret")
        await until(lambda: heard == ["in secret"])
        channel = await client.channels.fetch(gateway.world.channel("general").id)
        await channel.send("in secret too")
        await client.disconnect()

    async def test_without_a_ca(self, gateway_factory: Factory) -> None:
        gateway = await gateway_factory(tls=True)
        client = MezonClient(**(quiet_options(gateway) | {"gateway": GatewayOptions()}))
        with pytest.raises(MezonConnectionError, match=r"(?i)certificate"):
            await client.login()
        assert gateway.requests == []
        await client.disconnect()

    async def test_with_a_wrong_ca(self, gateway_factory: Factory) -> None:
        gateway = await gateway_factory(tls=True)
        other = LocalCertificate("127.0.0.1")
        try:
            options = quiet_options(gateway) | {"gateway": GatewayOptions(ca_file=str(other.ca_file))}
            client = MezonClient(**options)
            with pytest.raises(MezonConnectionError, match=r"(?i)certificate"):
                await client.login()
            await client.disconnect()
        finally:
            other.remove()
        assert gateway.connections.total == 0

    async def test_the_socket_refuses_a_wrong_ca(self, gateway_factory: Factory) -> None:
        from mezon._gateway.connection import CoreConnection

        gateway = await gateway_factory(tls=True)
        other = LocalCertificate("127.0.0.1")
        connection = CoreConnection(GatewayOptions(ca_file=str(other.ca_file)).as_dict())
        try:
            with pytest.raises(MezonConnectionError, match=r"(?i)certificate"):
                await connection.open(
                    [f"{gateway.ws_url}/ws?token={gateway.new_session(gateway.bot_id).token}"], False
                )
        finally:
            await connection.close()
            other.remove()
        assert gateway.connections.total == 0

    async def test_a_missing_ca_file(self, gateway_factory: Factory, tmp_path: Path) -> None:
        gateway = await gateway_factory(tls=True)
        options = quiet_options(gateway) | {"gateway": GatewayOptions(ca_file=str(tmp_path / "none.pem"))}
        client = MezonClient(**options)
        with pytest.raises((MezonConnectionError, InvalidArgumentError, OSError), match=r"none\.pem"):
            await client.login()
        await client.disconnect()

    async def test_no_downgrade_to_plain_text(self, gateway_factory: Factory) -> None:
        secure, plain = await gateway_factory(tls=True), await gateway_factory()
        secure.session_fields |= {"ws_url": plain.ws_url, "tcp_url": f"tcp://{plain.tcp_url}"}
        options = quiet_options(secure) | {"gateway": GatewayOptions(ca_file=secure.ca_file)}
        client = MezonClient(**options)
        with pytest.raises(MezonConnectionError):
            await client.login()
        assert plain.connections.total == 0
        await client.disconnect()


def test_version() -> None:
    """``mezon.version``, as in mezon-sdk; it returns the version of this package for the name mezon-sdk."""
    assert mezon.version("pytest") == metadata.version("pytest")
    assert mezon.version("mezon-sdk") == mezon.version() == mezon.__version__
    with pytest.raises(metadata.PackageNotFoundError):
        mezon.version("no-such-distribution")
