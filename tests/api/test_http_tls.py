"""TLS: certificates are checked, a CA of one's own can be named."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from http_doubles import HastyClock
from mezon import errors
from mezon.api import Limiter, MezonApi
from mezon.testing.address import LocalCertificate


@pytest.fixture(scope="module")
def certificate() -> Iterator[LocalCertificate]:
    certificate = LocalCertificate()
    yield certificate
    certificate.remove()


@pytest.fixture
async def secure_url(certificate: LocalCertificate) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/{rest:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.context).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_an_unknown_certificate_is_refused_and_not_tried_again(
    secure_url: str, clock: HastyClock
) -> None:
    api = MezonApi(1, "k", secure_url, 5000, limiter=Limiter(0, 0, clock=clock))
    with pytest.raises(errors.MezonConnectionError, match="certificate of 127"):
        await api.list_clans_descs("T")
    assert clock.waits == []
    await api.close()


async def test_a_named_ca_is_trusted(secure_url: str, certificate: LocalCertificate) -> None:
    context = ssl.create_default_context(cafile=str(certificate.ca_file))
    for api in (
        MezonApi(1, "k", secure_url, 5000, None, ca_file=certificate.ca_file),
        MezonApi(1, "k", secure_url, 5000, None, ssl_context=context),
    ):
        assert (await api.list_clans_descs("T")).clandesc == []
        await api.close()


async def test_plain_http_to_a_secure_port_is_a_connection_error(secure_url: str) -> None:
    api = MezonApi(1, "k", secure_url.replace("https", "http"), 5000, None)
    with pytest.raises(errors.MezonConnectionError):
        await api.add_friends("T", [1])
    await api.close()
