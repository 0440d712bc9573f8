"""Metrics for Prometheus and spans for OpenTelemetry."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import urllib.request
from typing import Any

import pytest
from ext_kit import ANSWER, answer_to, until
from mezon import MezonClient, MezonError, Observer
from mezon.ext.commands import Bot, Context
from mezon.ext.metrics import PrometheusMetrics, Tracing
from mezon.testing import LocalGateway
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry


def add_commands(bot: Bot) -> None:
    @bot.command()
    async def ping(ctx: Context) -> None:
        await ctx.send("pong")

    @bot.command()
    async def broken(ctx: Context) -> None:
        raise RuntimeError("oops")


async def test_prometheus_sees_times_errors_and_counters(gateway: LocalGateway, bot: Bot) -> None:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(bot, registry)
    add_commands(bot)
    await bot.login()
    assert await answer_to(gateway, "!ping") == "pong"
    assert "Something went wrong" in await answer_to(gateway, "!broken")
    me = {"bot": str(bot.client_id)}

    def value(name: str, /, **labels: str) -> float:
        return registry.get_sample_value(f"mezon_{name}", {**me, **labels}) or 0.0

    await until(lambda: value("handler_errors_total") == 1)
    handled = {"kind": "handler", "name": "channel_message"}
    assert value("seconds_count", **handled) == 2  # what is no command is no work
    assert value("errors_total", error="RuntimeError", **handled) == 1
    assert value("seconds_count", kind="call", name="channel_message_send") == 2
    assert value("seconds_sum", kind="call", name="channel_message_send") > 0
    assert value("seconds_count", kind="http", name="ListClanDescs") == 1
    assert value("events_total", event="channel_message") == 4
    assert value("frames_sent_total") >= 2
    assert value("ready") == 1
    assert f'mezon_ready{{bot="{bot.client_id}"}} 1.0' in metrics.text()
    assert gateway.api_key not in metrics.text()


async def test_several_bots_share_a_registry_and_a_port(gateway: LocalGateway, free_port: int) -> None:
    registry = CollectorRegistry()
    gateway.add_bot(777, "other-key", "other")
    one = MezonClient(**gateway.client_options())
    two = MezonClient(**{**gateway.client_options(), "client_id": 777, "api_key": "other-key"})
    metrics = [PrometheusMetrics(client, registry) for client in (one, two)]
    await one.login()
    stop = metrics[0].serve(free_port)
    try:
        body = await asyncio.to_thread(
            lambda: urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics").read().decode()
        )
    finally:
        stop()
    assert f'mezon_ready{{bot="{one.client_id}"}} 1.0' in body
    assert 'mezon_ready{bot="777"} 0.0' in body
    await one.disconnect()


async def test_a_port_that_is_in_use_is_left_to_its_owner(gateway: LocalGateway, free_port: int) -> None:
    """The second worker of a host runs the same file."""
    client = MezonClient(**gateway.client_options())
    metrics = PrometheusMetrics(client, CollectorRegistry())
    stops = [metrics.serve(free_port)]
    try:
        with pytest.raises(OSError, match="in use"):
            metrics.serve(free_port)
        stops.append(metrics.serve(free_port, tries=16))
    finally:
        for stop in stops:
            stop()
    assert len(stops) == 2


async def test_scrapes_from_a_thread_fail_in_no_case(gateway: LocalGateway) -> None:
    """Handlers begin and end, and bots and handlers are registered, while threads read all counters."""
    registry = CollectorRegistry()
    client = MezonClient(**gateway.client_options())
    metrics = PrometheusMetrics(client, registry)
    scrapes, failures = [0, 0], []

    @client.on_channel_message
    async def slow(message: Any) -> None:
        await asyncio.sleep(random.random() / 10)

    await client.login()
    over = threading.Event()

    async def send_on() -> None:
        prepared = await asyncio.to_thread(gateway.prepare_blast, 2_000, mix="plain")
        while True:
            await gateway.blast(prepared)

    def scrape(number: int) -> None:
        while not over.is_set():
            try:
                metrics.text()
                client.stats()
            except Exception as error:
                failures.append(error)
            scrapes[number] += 1

    def done() -> bool:
        other = MezonClient(**{**gateway.client_options(), "client_id": 800 + len(others) % 50})
        others.append(other)
        PrometheusMetrics(other, registry)
        others[:-20] = []
        client.on_channel_message_update(lambda message: None)
        return min(scrapes) > 300

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=scrape, args=(number,)) for number in range(2)]
    others: list[MezonClient] = []
    burst = asyncio.ensure_future(send_on())
    for thread in threads:
        thread.start()
    try:
        await until(done)
    finally:
        over.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        sys.setswitchinterval(interval)
        burst.cancel()
        await asyncio.wait([burst])
    assert failures == []
    await client.disconnect()


async def test_a_call_is_a_child_of_its_handler(gateway: LocalGateway, bot: Bot) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    Tracing(bot, provider)
    add_commands(bot)
    await bot.login()
    assert await answer_to(gateway, "!ping") == "pong"
    await answer_to(gateway, "!broken")

    def spans(name: str) -> list[Any]:
        return [span for span in exporter.get_finished_spans() if span.name == name]

    await until(lambda: any(not span.status.is_ok for span in spans("handle channel_message")))
    handlers = {span.context.span_id: span for span in spans("handle channel_message")}
    sends = spans("call channel_message_send")
    assert len(sends) == 2
    assert all(span.parent.span_id in handlers for span in sends)
    assert sends[0].attributes["mezon.bot"] == str(bot.client_id)
    failed = [span for span in handlers.values() if not span.status.is_ok]
    assert failed[0].events[0].attributes["exception.message"] == "oops"
    assert spans("http ListClanDescs")[0].attributes["http.request.method"] == "POST"
    assert gateway.api_key not in str([span.to_json() for span in exporter.get_finished_spans()])


async def test_an_observer_sees_every_kind_of_handler(gateway: LocalGateway) -> None:
    seen: list[str] = []

    class Watch(Observer):
        def handler(self, event: str, handler: Any) -> Any:
            seen.append(getattr(handler, "__name__", type(handler).__name__))
            return super().handler(event, handler)

    client = MezonClient(**gateway.client_options())
    client.observe(Watch())
    done: list[str] = []

    @client.on_channel_message
    def plain(message: Any) -> None:
        done.append("plain")

    @client.on_channel_message
    async def coroutine(message: Any) -> None:
        done.append("coroutine")

    class Callable_:
        async def __call__(self, message: Any) -> None:
            done.append("callable")

    client.on_channel_message(Callable_())

    @client.on_ready
    async def ready() -> None:
        done.append("ready")

    await client.login()
    await gateway.say("general", "alice", "hi")
    await until(lambda: len(done) == 4)
    assert sorted(done) == ["callable", "coroutine", "plain", "ready"]
    assert {"plain", "coroutine", "ready", "Callable_"} <= set(seen)
    with pytest.raises(MezonError, match="before login"):
        client.observe(Watch())
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    ack = await channel.send("x")
    assert (await gateway.next_sent(ANSWER)).text == "x"
    await ack.update("y")
    await client.disconnect()
