"""Spans that are kept in memory, and contexts that are made up."""

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace import SpanContext

from shared.telemetry.setup import Telemetry


class RecordedSpans:
    """A tracer whose spans can be looked at, once they have ended."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._exporter = InMemorySpanExporter()
        self.processor = SimpleSpanProcessor(self._exporter)
        provider = TracerProvider(sampler, shutdown_on_exit=False)
        provider.add_span_processor(self.processor)
        self.tracer = provider.get_tracer("test")

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        """Every span so far, in the order of their ends."""
        return self._exporter.get_finished_spans()

    @property
    def only(self) -> ReadableSpan:
        """The one span there is."""
        (span,) = self.all
        return span

    def telemetry(self) -> Telemetry:
        """Return telemetry of a server whose spans are kept here."""
        return Telemetry(Resource.get_empty(), processors=[self.processor])


def a_traceparent(trace: int = 1, span: int = 1, *, flags: int = 1) -> str:
    """Return the text of a context."""
    return f"00-{trace:032x}-{span:016x}-{flags:02x}"


def spelled(context: SpanContext | None) -> str | None:
    """Return a context as its text, None for none."""
    if context is None:
        return None
    return a_traceparent(context.trace_id, context.span_id, flags=context.trace_flags)


def context_of(span: ReadableSpan) -> SpanContext:
    """Return the context of a span that has ended."""
    context = span.get_span_context()
    assert context is not None
    return context
