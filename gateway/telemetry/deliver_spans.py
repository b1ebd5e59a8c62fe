"""The span of each batch on this gateway, as the child of its commit.

Made after the batch was written, with the time at which that began: nothing of it stands between
two sockets, and there is one for all of them.
"""

from opentelemetry.trace import SpanKind, Tracer

from fanwire.core.keys import Topic
from fanwire.core.span_names import (
    AGE_MS,
    BATCH_COUNT,
    DESTINATION,
    DROPPED,
    FILTERED,
    OPERATION,
    ORG,
    POSITION,
    RECIPIENTS,
    REDIS,
    SERVICE,
    SYSTEM,
)
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.stats import Written
from shared.telemetry import spans
from shared.telemetry.contexts import parent_of


class DeliverSpans:
    """Watches every batch that is written."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def delivered(
        self, topic: Topic, entry: LogEntry, written: Written, *, begun_ns: int, age_ms: float
    ) -> None:
        """Tell of a batch that was written to its last socket."""
        self._tracer.start_span(
            spans.DELIVER.of(topic.service),
            context=parent_of(entry.trace),
            kind=SpanKind.CONSUMER,
            start_time=begun_ns,
            attributes={
                SYSTEM: REDIS,
                OPERATION: "deliver",
                DESTINATION: str(topic),
                BATCH_COUNT: entry.event_count,
                SERVICE: topic.service,
                ORG: topic.org,
                POSITION: str(entry.position),
                RECIPIENTS: written.recipients,
                FILTERED: written.filtered,
                DROPPED: written.dropped,
                AGE_MS: round(age_ms, 3),
            },
        ).end()
