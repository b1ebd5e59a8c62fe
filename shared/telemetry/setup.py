"""Sets telemetry up for one process, and ends it in bounded time.

Metrics are always collected for `/metrics`. Over OTLP metrics and spans go only where the
environment names a collector; without one no span is ever made (`tracer` is None).

Whatever is exported is exported by threads of the SDK, from bounded queues that drop what does not
fit: a collector that is slow or gone costs telemetry, never an event. Nothing is registered
globally, so that two servers can live in one test.
"""

import asyncio
import threading
from collections.abc import Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    generate_latest,
)

from shared.telemetry.instruments import Instruments
from shared.telemetry.settings import Exports

SCOPE: Final = "fanwire"
LAST_FLUSH_S: Final = 1.0
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class Telemetry:
    """The instruments and the tracer of one process."""

    def __init__(
        self,
        resource: Resource,
        *,
        readers: Sequence[MetricReader] = (),
        processors: Sequence[SpanProcessor] = (),
    ) -> None:
        self._registry = CollectorRegistry()
        prometheus = PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        # No hook at the interpreter's exit: it would wait for a collector that is gone.
        self._meters = MeterProvider(
            [prometheus, *readers], resource=resource, shutdown_on_exit=False
        )
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        for processor in processors:
            self._tracers.add_span_processor(processor)
        self.instruments = Instruments(self._meters.get_meter(SCOPE))
        self.tracer: Tracer | None = self._tracers.get_tracer(SCOPE) if processors else None

    @classmethod
    def of_environment(cls, exports: Exports, *, server: str, instance: str) -> "Telemetry":
        """Return what the OTEL_* variables ask for; they win over our own resource attributes."""
        own = {"service.name": f"fanwire-{server}", "service.instance.id": instance}
        return cls(
            Resource.create(own).merge(OTELResourceDetector().detect()),
            readers=[PeriodicExportingMetricReader(OTLPMetricExporter())]
            if exports.metrics
            else [],
            processors=[BatchSpanProcessor(OTLPSpanExporter())] if exports.traces else [],
        )

    def prometheus_text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    async def close(self) -> None:
        """Send what is left, for at most LAST_FLUSH_S."""
        # A thread that is not waited for: an export under way cannot be interrupted.
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shut_down() -> None:
            self._shut_down()
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut_down, name="last-flush", daemon=True).start()
        try:
            async with asyncio.timeout(LAST_FLUSH_S):
                await done.wait()
        except TimeoutError:
            pass

    def _shut_down(self) -> None:
        self._tracers.shutdown()
        self._meters.shutdown(timeout_millis=LAST_FLUSH_S * 1000)
