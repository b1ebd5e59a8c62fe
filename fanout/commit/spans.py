"""The span of each batch: from the turn that takes it until Redis has answered.

Its context has to be known before the batch is encoded, since the frame carries it; so it begins
first, and is told at its end what became of the batch.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, cast

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer

from fanout.topic.batches import Batch
from fanout.topic.open_topic import Commit, OpenTopic
from fanwire.core.span_names import (
    BATCH_COUNT,
    DESTINATION,
    ERROR_TYPE,
    OPERATION,
    ORG,
    POSITION,
    REDIS,
    SERVICE,
    SIZE_BYTES,
    SYSTEM,
    WINDOW_MS,
)
from fanwire.publish.tracing import traceparent_of
from shared.telemetry import spans
from shared.telemetry.contexts import NO_PARENT, parent_of, remote_span

_TRACE_ID: Final = slice(3, 35)
"""Where a traceparent has the id of its trace."""


class CommitSpan:
    """One batch's span; `ended` or `failed` must follow."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Span) -> None:
        self._span = span
        self.traceparent = cast(str, traceparent_of(span))
        """Its context, for the frame and the log."""

    def ended(self, commit: Commit) -> None:
        """Take note that Redis accepted the batch."""
        self._place(commit)
        self._span.end()

    def failed(self, commit: Commit, why: str) -> None:
        """Take note of what kept the batch from the log; nothing happens to an ended one."""
        if self._span.is_recording():
            self._place(commit)
            self._span.set_attribute(ERROR_TYPE, why)
            self._span.set_status(StatusCode.ERROR, why)
            self._span.end()

    def _place(self, commit: Commit) -> None:
        if commit.encoded is not None:
            self._span.set_attribute(POSITION, str(commit.position))
            self._span.set_attribute(SIZE_BYTES, len(commit.encoded.body))


class CommitSpans:
    """Makes the spans of a worker's batches."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, topic: OpenTopic, batch: Batch) -> CommitSpan:
        """Return the span of a batch that is about to be committed."""
        carried = list(dict.fromkeys(e.traceparent for e in batch.events if e.traceparent))
        span = self._tracer.start_span(
            spans.COMMIT.of(topic.topic.service),
            context=_parent(carried),
            kind=SpanKind.CONSUMER,
            links=list(_links(carried)),
            attributes={
                SYSTEM: REDIS,
                OPERATION: "commit",
                DESTINATION: str(topic.topic),
                BATCH_COUNT: len(batch.events),
                SERVICE: topic.topic.service,
                ORG: topic.topic.org,
                WINDOW_MS: round(topic.batches.window_ms),
            },
        )
        return CommitSpan(span)


def _parent(carried: Sequence[str]) -> Context:
    is_one_trace = len({traceparent[_TRACE_ID] for traceparent in carried}) == 1
    return parent_of(carried[0]) if is_one_trace else NO_PARENT


def _links(carried: Iterable[str]) -> Iterable[Link]:
    # What is no context is passed over: a publisher may write anything into the field.
    for traceparent in islice(carried, spans.MAX_LINKS):
        context = remote_span(traceparent)
        if context is not None:
            yield Link(context)
