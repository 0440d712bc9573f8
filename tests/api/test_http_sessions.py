"""One pooled session per loop: opened late, shared, closed once, never left open."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest
from aiohttp import web
from http_doubles import FakeClock, Server
from mezon import errors
from mezon.api import Limiter, MezonApi
from patience import patient
from preloaded import PRELOADED
from vanished_loops import vanish
from waiting import settle, until


async def test_nothing_is_opened_before_the_first_call_and_then_one_session_is_shared(
    server: Server, api: MezonApi
) -> None:
    assert api.http.sessions == 0
    await asyncio.gather(*(api.list_clans_descs("T") for _ in range(20)))
    session = await api.http.session()
    await api.list_clans_descs("T")
    assert await api.http.session() is session
    assert len(server.seen) == 21


async def test_connections_are_reused(server: Server, api: MezonApi) -> None:
    peers = set()

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    server.default = lambda: note
    for _ in range(5):
        await api.list_clans_descs("T")
    assert len(peers) == 1


async def test_close_twice_and_use_again(server: Server, api: MezonApi) -> None:
    await api.close()
    await api.list_clans_descs("T")
    session = await api.http.session()
    await api.close()
    await api.close()
    assert session.closed
    await api.list_clans_descs("T")
    assert len(server.seen) == 2


async def test_close_ends_the_calls_that_wait_and_those_under_way(server: Server) -> None:
    clock = FakeClock()
    api = MezonApi(1, "k", server.url, 5000, limiter=Limiter(1, 1.25, clock=clock))
    reached = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        reached.set()
        await asyncio.sleep(30)
        raise AssertionError

    server.default = lambda: silent
    tasks = [asyncio.create_task(api.list_clans_descs("T")) for _ in range(3)]
    await reached.wait()
    await api.close()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), patient(5))
    assert [isinstance(result, errors.MezonConnectionError) for result in results] == [True] * 3
    await clock.advance(10)
    assert len(server.seen) == 1  # neither retried nor started after the close


@pytest.mark.parametrize("status", [503, 403])
async def test_close_ends_a_pause_between_two_tries(status: int, server: Server) -> None:
    clock = FakeClock()
    api = MezonApi(1, "k", server.url, 5000, limiter=Limiter(0, 0, clock=clock))
    server.default = lambda: web.Response(status=status)
    task = asyncio.create_task(api.list_clans_descs("T"))
    await until(lambda: clock.next_timer() is not None)
    await api.close()
    with pytest.raises(errors.MezonConnectionError, match="closed"):
        await task
    assert clock.next_timer() is None
    assert len(server.seen) == 1


async def test_a_call_on_its_way_into_the_limit_does_not_start_after_the_close(server: Server) -> None:
    clock = FakeClock()
    limiter = Limiter(1, 1.25, clock=clock)
    api = MezonApi(1, "k", server.url, 5000, limiter=limiter)
    await limiter.acquire()
    task = asyncio.create_task(api.list_clans_descs("T"))
    await settle()
    clock.time += 1.25
    limiter._queue()._pump()  # granted, and closed before the call goes on
    await api.close()
    with pytest.raises(errors.MezonConnectionError, match="closed"):
        await task
    assert server.seen == []


async def test_close_leaves_the_calls_of_others_on_a_shared_limiter(server: Server) -> None:
    clock = FakeClock()
    limiter = Limiter(1, 1.25, clock=clock)
    mine, yours = (MezonApi(1, "k", server.url, 5000, limiter=limiter) for _ in range(2))
    await mine.list_clans_descs("T")
    waiting = asyncio.create_task(yours.list_clans_descs("T"))
    await settle()
    await mine.close()
    await clock.advance(1.25)
    await waiting
    assert len(server.seen) == 2
    await yours.close()


class ThreadedServer:
    """A server on a loop of its own, for tests that make and end loops."""

    def __enter__(self) -> str:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    async def _start(self) -> str:
        async def answer(request: web.Request) -> web.Response:
            return web.Response()

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def __exit__(self, *_: Any) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def test_one_client_in_loop_after_loop() -> None:
    with ThreadedServer() as url:
        api = MezonApi(1, "k", url, 5000, None)
        sessions = []

        async def use() -> None:
            await api.list_clans_descs("T")
            sessions.append(await api.http.session())

        asyncio.run(use())
        assert sessions[0].closed  # by the end of asyncio.run, nobody called close()
        asyncio.run(use())
        assert sessions[1] is not sessions[0]
        del sessions[:]
        gc.collect()


def test_one_client_in_two_loops_at_a_time() -> None:
    with ThreadedServer() as url:
        api = MezonApi(1, "k", url, 5000, None)
        other_closed: list[bool] = []
        go, done = threading.Event(), threading.Event()

        async def other() -> None:
            await api.list_clans_descs("T")
            session = await api.http.session()
            go.set()
            await asyncio.to_thread(done.wait)
            for _ in range(100):
                if session.closed:
                    break
                await asyncio.sleep(0.01)
            other_closed.append(session.closed)

        async def here() -> None:
            await asyncio.to_thread(go.wait)
            await api.list_clans_descs("T")
            await api.close()
            done.set()

        thread = threading.Thread(target=lambda: asyncio.run(other()))
        thread.start()
        asyncio.run(here())
        thread.join()
        assert other_closed == [True]


def test_a_loop_that_vanished_leaves_no_unclosed_session(caplog: pytest.LogCaptureFixture) -> None:
    """`loop.close()` without a shutdown of async generators, as some frameworks do it."""
    with ThreadedServer() as url:
        api = MezonApi(1, "k", url, 5000, None)
        for _ in range(2):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(api.list_clans_descs("T"))
            vanish(loop)
        asyncio.run(api.list_clans_descs("T"))
        del api
        gc.collect()
    assert "Unclosed" not in caplog.text


@pytest.mark.parametrize("ending", ["pass", "await api.close()", "raise SystemExit(0)", "del api"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_program_ends_without_a_word(ending: str, loop: str) -> None:
    with ThreadedServer() as url:
        program = textwrap.dedent(f"""
            import asyncio, {loop}
            from mezon.api import MezonApi
            async def main():
                api = MezonApi(1, "k", {url!r}, 5000)
                await api.list_clans_descs("T")
                {ending}
            {loop}.run(main())
        """)
        ended = subprocess.run(
            [PRELOADED, "-W", "error::ResourceWarning", "-c", program],
            capture_output=True,
            text=True,
            timeout=patient(50),
            check=False,
        )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_importing_the_client_imports_no_http() -> None:
    program = (
        "import sys, mezon.api, mezon.api.utils, mezon.managers.session, mezon.managers.channel;"
        "print([name for name in ('aiohttp', 'yarl', 'google.protobuf') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
