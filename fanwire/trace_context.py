"""The trace that the caller is in, for an event's `traceparent`.

OpenTelemetry is optional: without it, or outside a span, an event carries no trace. One that
the caller gives is never overwritten.
"""

try:
    from opentelemetry import trace
except ImportError:  # pragma: no cover - the tests' environment has it

    def current_traceparent() -> str | None:
        """Return None: there is no OpenTelemetry."""
        return None

else:

    def current_traceparent() -> str | None:
        """Return the active span's context in W3C form, or None outside a span."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
