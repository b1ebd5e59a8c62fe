"""The span of each batch on this gateway, as the child of its commit.

Made after the batch was written, with the time at which that began: nothing of it stands between
two sockets, and there is one for all of them.
"""

from opentelemetry.trace import SpanKind, Tracer

from fanwire.core.keys import Topic
from fanwire.publish.tracing import (
    BATCH_COUNT,
    DESTINATION,
    OPERATION,
    REDIS,
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
                spans.SERVICE: topic.service,
                spans.ORG: topic.org,
                spans.POSITION: str(entry.position),
                spans.RECIPIENTS: written.recipients,
                spans.FILTERED: written.filtered,
                spans.DROPPED: written.dropped,
                spans.AGE_MS: round(age_ms, 3),
            },
        ).end()
