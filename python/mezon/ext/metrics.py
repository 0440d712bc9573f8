"""Metrics for Prometheus and traces for OpenTelemetry.

::

    from mezon.ext.metrics import PrometheusMetrics, Tracing

    metrics = PrometheusMetrics(bot)   # pip install "mezon-rs[metrics]"
    metrics.serve(9090)                # http://localhost:9090/metrics
    Tracing(bot)                       # pip install "mezon-rs[otel]"

Create both before the login. Without them, observation costs nothing.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from mezon import MezonClient, Observer, Stats
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

__all__ = ["PrometheusMetrics", "Tracing"]

logger = get_logger("mezon.ext")

#: The counters of `client.stats()` with their descriptions.
_COUNTERS: Final = {
    "frames_received": "Frames received on the socket",
    "bytes_received": "Bytes received on the socket",
    "frames_sent": "Frames sent on the socket",
    "bytes_sent": "Bytes sent on the socket",
    "skipped": "Events without a handler",
    "filtered": "Events that no filter of a handler matched",
    "malformed": "Frames and bodies that could not be decoded",
    "unclaimed": "Responses to calls that had ended",
    "reconnects": "Successful reconnects",
    "pauses": "Times that reading stopped because the bot was too slow",
    "handler_errors": "Handlers that raised",
    "gap_filled": "Missed messages fetched after a reconnect",
    "duplicates": "Messages received twice",
}
_GAUGES: Final = {
    "queued": "Events in the inbox",
    "queued_bytes": "Bytes in the inbox",
    "pending": "Calls that wait for their turn or their response",
    "joined": "Clans and channels joined",
    "handlers": "Handlers running now",
    "http_waiting": "HTTP requests that wait for the rate limit",
}

#: Buckets in seconds: handlers take microseconds, calls milliseconds, rate-limited HTTP requests seconds.
_BUCKETS: Final = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PrometheusMetrics(Observer):
    """The bot's counters, and the durations and errors of handlers, calls and HTTP requests.

    Args:
        client: A client that has not logged in.
        registry: The registry of the metrics; the default registry of the process if omitted. Several bots can share
            one: the label ``bot`` distinguishes them.
        prefix: The prefix of the metric names.

    Raises:
        ImportError: If ``prometheus-client`` is not installed.
    """

    def __init__(
        self, client: MezonClient, registry: CollectorRegistry | None = None, *, prefix: str = "mezon"
    ) -> None:
        try:
            import prometheus_client
        except ImportError as error:
            raise ImportError(
                'these metrics need prometheus-client: pip install "mezon-rs[metrics]"'
            ) from error
        self.client = client
        self.registry: CollectorRegistry = registry if registry is not None else prometheus_client.REGISTRY
        self._bot = str(client.client_id)
        self._prefix = prefix
        collector = _collector(self.registry, prefix)
        self._seconds, self._errors = collector.seconds, collector.errors
        collector.add(self._bot, client)
        client.observe(self)

    def handler(self, event: str, handler: Callable[..., Any]) -> AbstractContextManager[None]:
        """Measure a handler."""
        return self._timed("handler", event)

    def call(self, name: str) -> AbstractContextManager[None]:
        """Measure a call over the socket."""
        return self._timed("call", name)

    def request(self, name: str, method: str) -> AbstractContextManager[None]:
        """Measure an HTTP request."""
        return self._timed("http", name)

    @contextmanager
    def _timed(self, kind: str, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        except Exception as error:
            self._errors.labels(self._bot, kind, name, type(error).__name__).inc()
            raise
        finally:
            self._seconds.labels(self._bot, kind, name).observe(time.perf_counter() - start)

    def text(self) -> str:
        """Return the metrics in the Prometheus text format, for a web server of your own."""
        import prometheus_client

        return prometheus_client.generate_latest(self.registry).decode()

    def serve(self, port: int, address: str = "127.0.0.1", *, tries: int = 1) -> Callable[[], None]:
        """Serve the metrics over HTTP at ``/metrics`` in a thread; returns a function that stops the server.

        Args:
            port: The port.
            address: The address to listen on.
            tries: How many ports to try, upward from ``port``, while they are in use: several workers of one host can
                then run the same file.

        Raises:
            OSError: No port can be used.
        """
        import prometheus_client

        last = port + max(tries, 1) - 1
        while True:
            try:
                server, thread = prometheus_client.start_http_server(port, address, self.registry)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE or port >= last:
                    raise
                port += 1
        logger.info("Metrics are served at http://%s:%d/metrics", address, port)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join(5)

        return stop


class _Collector:
    """The metrics of all bots that share a registry and a prefix; a Prometheus collector."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        from prometheus_client import Counter, Histogram

        self.prefix = prefix
        #: Weak references: a client that no longer exists is not exported.
        self._clients: WeakValueDictionary[str, MezonClient] = WeakValueDictionary()
        #: Scrapes read the dictionary on their own threads.
        self._lock = threading.Lock()
        self.seconds = Histogram(
            f"{prefix}_seconds",
            "Duration of handlers, calls and HTTP requests in seconds",
            ["bot", "kind", "name"],
            registry=registry,
            buckets=_BUCKETS,
        )
        self.errors = Counter(
            f"{prefix}_errors",
            "Handlers, calls and HTTP requests that raised",
            ["bot", "kind", "name", "error"],
            registry=registry,
        )
        registry.register(self)

    def add(self, bot: str, client: MezonClient) -> None:
        """Export the counters of a bot."""
        with self._lock:
            self._clients[bot] = client

    def collect(self) -> Iterable[Metric]:
        """Yield the current counters of every bot."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        with self._lock:
            clients = dict(self._clients.items())
        stats = {bot: client.stats() for bot, client in clients.items()}
        yield self._family(
            CounterMetricFamily, "events", "Events received", stats, "event", lambda one: one.events
        )
        for name, text in _COUNTERS.items():
            yield self._family(
                CounterMetricFamily, name, text, stats, "", lambda one, name=name: getattr(one, name)
            )
        for name, text in _GAUGES.items():
            yield self._family(
                GaugeMetricFamily, name, text, stats, "", lambda one, name=name: getattr(one, name)
            )
        yield self._family(
            GaugeMetricFamily,
            "ready",
            "Whether the bot is connected",
            stats,
            "",
            lambda one: one.state == "ready",
        )
        yield self._family(
            GaugeMetricFamily,
            "latency_seconds",
            "Round-trip time of a ping",
            stats,
            "",
            lambda one: one.latency or 0.0,
        )

    def _family(
        self,
        kind: Any,
        name: str,
        text: str,
        stats: dict[str, Stats],
        label: str,
        value: Callable[..., Any],
    ) -> Metric:
        family: Any = kind(f"{self.prefix}_{name}", text, labels=["bot", label] if label else ["bot"])
        for bot, one in stats.items():
            found = value(one)
            for key, number in found.items() if isinstance(found, dict) else [("", found)]:
                family.add_metric([bot, key] if label else [bot], float(number))
        metric: Metric = family
        return metric


_collectors: WeakKeyDictionary[CollectorRegistry, dict[str, _Collector]] = WeakKeyDictionary()


def _collector(registry: CollectorRegistry, prefix: str) -> _Collector:
    collectors = _collectors.setdefault(registry, {})
    if prefix not in collectors:
        collectors[prefix] = _Collector(registry, prefix)
    return collectors[prefix]


class Tracing(Observer):
    """OpenTelemetry spans for handlers, calls and HTTP requests. A call is a child of the handler that makes it.

    Args:
        client: A client that has not logged in.
        provider: The tracer provider; the global provider if omitted.

    Raises:
        ImportError: If ``opentelemetry-api`` is not installed.
    """

    def __init__(self, client: MezonClient, provider: TracerProvider | None = None) -> None:
        try:
            from opentelemetry import trace
        except ImportError as error:
            raise ImportError('traces need opentelemetry-api: pip install "mezon-rs[otel]"') from error
        self._kinds = trace.SpanKind
        self._tracer: Tracer = trace.get_tracer("mezon", tracer_provider=provider)
        self._bot = str(client.client_id)
        client.observe(self)

    def handler(self, event: str, handler: Callable[..., Any]) -> AbstractContextManager[Any]:
        """Open a span for a handler."""
        where = getattr(handler, "__qualname__", type(handler).__qualname__)
        return self._span(
            f"handle {event}", self._kinds.CONSUMER, {"mezon.event": event, "code.function": where}
        )

    def call(self, name: str) -> AbstractContextManager[Any]:
        """Open a span for a call over the socket."""
        return self._span(f"call {name}", self._kinds.CLIENT, {"rpc.system": "mezon", "rpc.method": name})

    def request(self, name: str, method: str) -> AbstractContextManager[Any]:
        """Open a span for an HTTP request."""
        return self._span(
            f"http {name}", self._kinds.CLIENT, {"http.request.method": method, "rpc.method": name}
        )

    def _span(self, name: str, kind: Any, attributes: dict[str, str]) -> AbstractContextManager[Any]:
        return self._tracer.start_as_current_span(
            name, kind=kind, attributes={"mezon.bot": self._bot, **attributes}
        )
