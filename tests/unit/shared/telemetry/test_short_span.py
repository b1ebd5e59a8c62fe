"""A span of a moment: how it ends, and who its children are."""

import pytest
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from fanwire.errors import RealtimeError, Unauthorized
from shared.redis.pipelined import RedisUnavailable
from shared.telemetry import spans
from shared.telemetry.short_span import UNTRACED, begin
from tests.support.tracing import RecordedSpans, context_of


def test_without_a_tracer_there_is_nothing() -> None:
    with begin(None, spans.CONNECT) as span, span.active():
        assert not get_current_span().get_span_context().is_valid
        span.end("joined")
    assert span is UNTRACED


def test_it_ends_with_its_result() -> None:
    recorded = RecordedSpans()
    with begin(recorded.tracer, spans.CONNECT) as span:
        span.end("joined", count=3)
    only = recorded.only
    assert (only.name, only.kind) == ("connect", SpanKind.SERVER)
    assert only.attributes == {"fanwire.result": "joined", "fanwire.count": 3}
    assert only.status.is_unset


def test_left_without_a_result_it_has_failed() -> None:
    recorded = RecordedSpans()
    with pytest.raises(ValueError), begin(recorded.tracer, spans.DRAIN), UNTRACED.active():
        raise ValueError("private")
    assert (recorded.only.attributes or {})["fanwire.result"] == "failed"
    assert recorded.only.status.status_code is StatusCode.ERROR
    assert recorded.only.events == ()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unauthorized("expired"), StatusCode.UNSET),
        (RedisUnavailable("it is away"), StatusCode.ERROR),
    ],
)
def test_only_an_error_of_ours_is_one(error: RealtimeError, status: StatusCode) -> None:
    recorded = RecordedSpans()
    with begin(recorded.tracer, spans.CONNECT) as span:
        span.refuse(error)
    assert (recorded.only.attributes or {})["fanwire.result"] == error.name
    assert recorded.only.status.status_code is status


def test_the_first_end_counts() -> None:
    recorded = RecordedSpans()
    with begin(recorded.tracer, spans.CONNECT) as span:
        span.end("joined")
        span.refuse(Unauthorized("too late"))
    assert (recorded.only.attributes or {})["fanwire.result"] == "joined"


def test_it_is_active_where_it_is_asked_to_be_and_nowhere_else() -> None:
    recorded = RecordedSpans()
    with begin(recorded.tracer, spans.CONNECT) as span:
        assert not get_current_span().get_span_context().is_valid
        with span.active():
            assert get_current_span().get_span_context().is_valid
        assert not get_current_span().get_span_context().is_valid
        span.end("joined")


def test_it_begins_a_trace_unless_it_has_a_parent() -> None:
    recorded = RecordedSpans()
    with recorded.tracer.start_as_current_span("whatever is active"):
        connect = begin(recorded.tracer, spans.CONNECT)
        connect.end("joined")
        begin(recorded.tracer, spans.RESUME, connect).end("recovered")
    root, child, _ = recorded.all
    assert root.parent is None
    assert child.parent == context_of(root)
