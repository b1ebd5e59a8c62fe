"""A collector of our own: takes OTLP over HTTP, and shows what came.

It decodes with OpenTelemetry's generated classes and nothing of ours, and answers in threads, so
that an exporter of the test's own process may wait for it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.waiting import eventually

T = TypeVar("T")

PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class SunkSpan:
    """A span as the collector got it; ids as hexadecimal text, empty for none."""

    service: str
    instance: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[tuple[str, str], ...]
    """Trace and span of each."""
    attributes: dict[str, Any]
    lasted_ns: int


class OtlpSink:
    """What has come so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[SunkSpan] = []
        self.metrics: dict[str, set[str]] = {}
        """The names that each `service.name` sent."""

    def settings(self) -> dict[str, str]:
        """Return what makes a server send everything here, at once."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    def named(self, name: str) -> list[SunkSpan]:
        """Return the spans of this name."""
        return [span for span in self.spans if span.name == name]

    def has(self, server: str, metric: str) -> bool:
        """Tell whether a server, by its `service.name`, has sent this metric."""
        return metric in self.metrics.get(server, ())

    async def until(self, find: Callable[[], T | None], *, what: str) -> T:
        """Return what `find` finds, as soon as it does."""
        return await eventually(find, PATIENCE_S, what=what)

    def take(self, path: str, body: bytes) -> None:
        """Decode one export."""
        if path == "/v1/traces":
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                server = str(_values(group.resource.attributes)["service.name"])
                names = {metric.name for scope in group.scope_metrics for metric in scope.metrics}
                self.metrics[server] = self.metrics.get(server, set()) | names


@contextmanager
def otlp_sink() -> Iterator[OtlpSink]:
    """Run a sink on a free port of the loopback."""

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sink.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: object = None, size: object = None) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as server:
        server.daemon_threads = True
        sink = OtlpSink(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[SunkSpan]:
    for group in request.resource_spans:
        resource = _values(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield SunkSpan(
                    service=str(resource["service.name"]),
                    instance=str(resource.get("service.instance.id", "")),
                    name=span.name,
                    kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    attributes=_values(span.attributes),
                    lasted_ns=span.end_time_unix_nano - span.start_time_unix_nano,
                )


def _values(pairs: Sequence[KeyValue]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        field = pair.value.WhichOneof("value")
        found[pair.key] = None if field is None else getattr(pair.value, field)
    return found
