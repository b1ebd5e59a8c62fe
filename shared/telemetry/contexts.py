"""From the text that an entry or a batch carries to the context of a span."""

from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NO_PARENT: Final = Context()
"""A span that is started in it begins a trace; `None` would take the one that is active."""

_PROPAGATOR: Final = TraceContextTextMapPropagator()


def parent_of(traceparent: str | None) -> Context:
    """Return a context whose span is the remote one; NO_PARENT without a valid one."""
    if not traceparent:
        return NO_PARENT
    return _PROPAGATOR.extract({"traceparent": traceparent}, NO_PARENT)


def remote_span(traceparent: str) -> SpanContext | None:
    """Return the remote span, None if the text is no valid one."""
    context = get_current_span(parent_of(traceparent)).get_span_context()
    return context if context.is_valid else None
