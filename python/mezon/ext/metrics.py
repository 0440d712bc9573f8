"""What a bot does, for Prometheus and for OpenTelemetry.

::

    from mezon.ext.metrics import PrometheusMetrics, Tracing

    metrics = PrometheusMetrics(bot)   # pip install "mezon-rs[metrics]"
    metrics.serve(9090)                # http://localhost:9090/metrics
    Tracing(bot)                       # pip install "mezon-rs[otel]"

Both come before the login. Neither costs anything when it is not made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from mezon import MezonClient, Observer, Stats

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

__all__ = ["PrometheusMetrics", "Tracing"]

#: The counters of `client.stats()`, with what they say; all but these are gauges.
_COUNTERS: Final = {
    "frames_received": "Frames received on the socket",
    "bytes_received": "Bytes received on the socket",
    "frames_sent": "Frames sent on the socket",
    "bytes_sent": "Bytes sent on the socket",
    "skipped": "Events nobody listens to",
    "filtered": "Events no handler's filter wanted",
    "malformed": "Frames and bodies that could not be read",
    "unclaimed": "Answers to calls that were over",
    "reconnects": "Connections regained",
    "pauses": "How often reading stopped because the bot was behind",
    "handler_errors": "Handlers that raised",
    "gap_filled": "Missed messages that were fetched after a reconnect",
    "duplicates": "Messages that came twice",
}
_GAUGES: Final = {
    "queued": "Events in the inbox",
    "queued_bytes": "Bytes in the inbox",
    "pending": "Calls that wait for their turn or their answer",
    "joined": "Clans and channels joined",
    "handlers": "Handlers running now",
}

#: Seconds: handlers take microseconds, calls milliseconds, HTTP behind its limiter seconds.
_BUCKETS: Final = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PrometheusMetrics(Observer):
    """The bot's counters, and the times and errors of handlers, calls and HTTP requests.

    Args:
        client: A client that is not logged in yet.
        registry: Where they go; the process's own if left out. Several bots share one: the label ``bot`` tells them.
        prefix: What their names begin with.

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
        book = _books(self.registry, prefix)
        self._seconds, self._errors = book.seconds, book.errors
        book.add(self._bot, client)
        client.observe(self)

    def handler(self, event: str, handler: Callable[..., Any]) -> AbstractContextManager[None]:
        """Time a handler."""
        return self._timed("handler", event)

    def call(self, name: str) -> AbstractContextManager[None]:
        """Time a call."""
        return self._timed("call", name)

    def request(self, name: str, method: str) -> AbstractContextManager[None]:
        """Time an HTTP request."""
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
        """Write all of it as Prometheus reads it, for a web server of your own."""
        import prometheus_client

        return prometheus_client.generate_latest(self.registry).decode()

    def serve(self, port: int, address: str = "127.0.0.1") -> Callable[[], None]:
        """Serve it over HTTP at ``/metrics``, in a thread of its own; gives a function that ends that."""
        import prometheus_client

        server, thread = prometheus_client.start_http_server(port, address, self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join(5)

        return stop


class _Book:
    """The metrics of one registry and prefix, for all bots that share it; a collector of Prometheus."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        from prometheus_client import Counter, Histogram

        self.prefix = prefix
        #: A bot that is gone shows no more.
        self._clients: WeakValueDictionary[str, MezonClient] = WeakValueDictionary()
        #: Scrapes read the dictionary on threads of their own.
        self._lock = threading.Lock()
        self.seconds = Histogram(
            f"{prefix}_seconds",
            "Seconds that handlers, calls and HTTP requests took",
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
        """Show the counters of a bot too."""
        with self._lock:
            self._clients[bot] = client

    def collect(self) -> Iterable[Metric]:
        """Give the counters of every bot, as they are now."""
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
            "Round trip of a ping",
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
        made: Metric = family
        return made


_known: WeakKeyDictionary[CollectorRegistry, dict[str, _Book]] = WeakKeyDictionary()


def _books(registry: CollectorRegistry, prefix: str) -> _Book:
    books = _known.setdefault(registry, {})
    if prefix not in books:
        books[prefix] = _Book(registry, prefix)
    return books[prefix]


class Tracing(Observer):
    """Spans of OpenTelemetry for handlers, calls and HTTP requests; a call is a child of the handler that makes it.

    Args:
        client: A client that is not logged in yet.
        provider: Where spans go; the process's own provider if left out.

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
