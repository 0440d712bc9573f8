"""Credentials of NATS as its users have them: an operator's JWTs in .creds files; and files that are none."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import nkeys
import pytest
from mezon._cluster.broker import BrokerError, CredentialsError, connect, credential_options, disconnect
from mezon._cluster.settings import Broker
from mezon.errors import InvalidArgumentError
from mezon.testing import LocalGateway
from nats_operator import Operator, rights_of_the_guide
from nats_servers import Child, nats_server, needs_nats
from patience import patient
from test_cluster_bot import environment

pytestmark = pytest.mark.timeout(120)


@needs_nats
async def test_a_bot_with_credentials_files(
    gateway: LocalGateway, bot: Path, ledger: Path, tmp_path: Path
) -> None:
    """Relay and worker as commands, each with a JWT that holds the rights of the guide and no other."""
    operator = Operator()
    files = {
        user: operator.credentials(
            tmp_path / f"{user}.creds", user, rights_of_the_guide(gateway.bot_id, user), newline=newline
        )
        for user, newline in (("relay", "\n"), ("worker-1", "\r\n"))
    }
    async with nats_server(operator.config) as server:
        cli, nats = ("-m", "mezon.cli"), ("--nats", server.url)
        relay = Child(
            *cli,
            "relay",
            *nats,
            *("--nats-creds", str(files["relay"]), "--cache", "none", "--partitions", "4"),
            environment=dict(gateway.environment()),
        )
        worker = Child(
            *cli,
            "worker",
            str(bot),
            *nats,
            environment={
                **environment(gateway, ledger),
                "MEZON_NATS_CREDS": str(files["worker-1"]),
                "MEZON_WORKER_NAME": "worker-1",
            },
        )
        async with relay, worker:
            await relay.ready()
            await worker.ready()
            await gateway.say("general", "alice", "?here")
            assert (await gateway.next_sent("channel_message_send", timeout=30)).text == "!here"
            said = relay.log() + worker.log() + (server.folder / "nats.log").read_text()
            for wrong in ("Permissions Violation", "Authorization Violation", "Traceback", "BEGIN"):
                assert wrong not in said, said[-3000:]
            assert await worker.terminate() == 0
            assert await relay.terminate() == 0


@needs_nats
async def test_credentials_of_another_operator_are_refused(tmp_path: Path) -> None:
    ours, another = Operator(), Operator()
    stranger = another.credentials(tmp_path / "stranger.creds", "stranger", {})
    friend = ours.credentials(tmp_path / "friend.creds", "friend", {})
    async with nats_server(ours.config) as server:
        await disconnect(await connect(Broker(urls=server.url, credentials=friend)))
        with pytest.raises(BrokerError, match="check the credentials"):
            await connect(Broker(urls=server.url, credentials=stranger))
        with pytest.raises(BrokerError, match="check the credentials"):
            await connect(Broker(urls=server.url))


@needs_nats
async def test_a_file_that_was_renewed_is_read_at_the_next_connection(tmp_path: Path) -> None:
    operator = Operator()
    file = operator.credentials(tmp_path / "mine.creds", "first", {})
    back = asyncio.Event()
    async with nats_server(operator.config) as server:
        client = await connect(Broker(urls=server.url, credentials=file), on_reconnect=back.set)
        # An empty file, as of somebody who is about to write it: what was read before is shown again.
        for text, name in (("", "first"), (None, "second")):
            if text is None:
                operator.credentials(file, "second", {})
            else:
                file.write_text(text)
            back.clear()
            await server.kill()
            await server.start()
            await asyncio.wait_for(back.wait(), patient(20))
            await client.flush()
            shown = await client.request("$SYS.REQ.USER.INFO", timeout=5)
            assert f'"{name}"' in shown.data.decode()
        await disconnect(client)


SEED = bytes(nkeys.encode_seed(bytes(range(32)), nkeys.PREFIX_BYTE_USER)).decode()


@pytest.mark.parametrize(
    ("holds", "says"),
    [
        (None, "cannot be read: No such file"),
        ("", "no line with BEGIN NATS USER JWT"),
        (SEED, "pass a seed with --nats-nkey"),
        ("-----BEGIN NATS USER JWT-----\na.b.c\n", "no line with BEGIN USER NKEY SEED"),
        (
            "-----BEGIN NATS USER JWT-----\na.b.c\n-----BEGIN USER NKEY SEED-----\nSUWRONGSEED\n",
            "holds no seed",
        ),
        (b"\xff\xfe", "it is no text"),
    ],
)
def test_a_file_that_is_no_credentials_is_named(tmp_path: Path, holds: str | bytes | None, says: str) -> None:
    file = tmp_path / "some.creds"
    if holds is not None:
        file.write_bytes(holds if isinstance(holds, bytes) else holds.encode())
    with pytest.raises(CredentialsError, match=says) as caught:
        credential_options(Broker(urls="nats://one:4222", credentials=file))
    assert str(file) in str(caught.value)
    assert "SUWRONG" not in str(caught.value)


def test_a_seed_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bot.nk"
    for holds in (SEED[:-4], SEED.lower(), os.urandom(4).hex()):
        file.write_text(holds)
        with pytest.raises(CredentialsError, match="holds no seed of an nkey") as caught:
            credential_options(Broker(urls="nats://one:4222", nkey_seed=file))
        assert holds not in str(caught.value)
    file.write_text(f"{SEED}\n")
    assert credential_options(Broker(urls="nats://one:4222", nkey_seed=file)) == {"nkeys_seed": str(file)}


def test_one_way_to_show_who_one_is(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="leave one out"):
        Broker(urls="nats://one:4222", credentials=tmp_path / "a", nkey_seed=tmp_path / "b")
