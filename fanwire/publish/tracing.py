"""The span of a publish, whose context its events carry as `traceparent`.

OpenTelemetry is optional, and set up by the application. Where it is missing or has no provider, no
span is made, and an event carries the context of the span that the caller is in, if there is one.
One that the caller gives is never overwritten.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from fanwire.core.span_names import (
    BATCH_COUNT,
    DESTINATION,
    ENTRY_ID,
    ENTRY_IDS,
    ERROR_TYPE,
    OPERATION,
    REDIS,
    SEND,
    SYSTEM,
)
from fanwire.errors import RealtimeError
from fanwire.publish.new_event import NewEvent

MAX_ENTRY_IDS: Final = 128
"""OpenTelemetry's own default for the parts of a span; a list of thousands is not read."""


class Sending(Protocol):
    """A portion of events on its way to Redis."""

    @property
    def traceparent(self) -> str | None:
        """The context that its events carry, unless they have one of their own."""

    def sent(self, entry_ids: list[str]) -> list[str]:
        """Take note of the entries that the events became, and return them."""


class _Untraced:
    traceparent = None

    def sent(self, entry_ids: list[str]) -> list[str]:
        return entry_ids


try:
    from opentelemetry import trace
except ImportError:

    @contextmanager
    def sending(
        events: Sequence[NewEvent], tracer: "trace.Tracer | None" = None
    ) -> Iterator[Sending]:
        """Trace nothing: there is no OpenTelemetry."""
        yield _Untraced()

else:
    # It asks for the application's provider when the first span is made, and not on import.
    TRACER = trace.get_tracer("fanwire")

    class _Traced:
        def __init__(self, span: trace.Span) -> None:
            self._span = span
            self.traceparent = traceparent_of(span)

        def sent(self, entry_ids: list[str]) -> list[str]:
            if self._span.is_recording():
                if len(entry_ids) == 1:
                    self._span.set_attribute(ENTRY_ID, entry_ids[0])
                else:
                    self._span.set_attribute(ENTRY_IDS, entry_ids[:MAX_ENTRY_IDS])
            return entry_ids

    @contextmanager
    def sending(
        events: Sequence[NewEvent], tracer: "trace.Tracer | None" = None
    ) -> Iterator[Sending]:
        """Trace what happens inside as the publish of `events`, by the application's tracer or
        another."""
        # Not the SDK's record of an exception: its text may quote what was to be published.
        with (tracer or TRACER).start_as_current_span(
            SEND,
            kind=trace.SpanKind.PRODUCER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            if span.is_recording():
                span.set_attributes(_attributes(events))
            try:
                yield _Traced(span)
            except RealtimeError as error:
                span.set_attribute(ERROR_TYPE, error.name)
                span.set_status(trace.StatusCode.ERROR, error.name)
                raise

    def traceparent_of(span: trace.Span) -> str | None:
        """Return a span's context in W3C form, None if it has no valid one."""
        context = span.get_span_context()
        if not context.is_valid:
            return None
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _attributes(events: Sequence[NewEvent]) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        SYSTEM: REDIS,
        OPERATION: "send",
        BATCH_COUNT: len(events),
    }
    destinations = {f"{event.org}/{event.service}" for event in events}
    if len(destinations) == 1:
        attributes[DESTINATION] = destinations.pop()
    return attributes
