"""The span of a publish: what it tells, and which context its events carry."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import fakeredis
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from fanwire.errors import InvalidEvent, Unreachable
from fanwire.publish import tracing as trace_context
from fanwire.publish.async_publisher import AsyncPublisher
from fanwire.publish.new_event import NewEvent
from fanwire.publish.plan import PublishLimits
from fanwire.publish.publisher import Publisher
from shared.telemetry.contexts import remote_span
from tests.support.source_tree import CHECKOUT
from tests.support.tracing import RecordedSpans, a_traceparent, context_of, spelled

OWN = a_traceparent(7, 8)
ONE_TRY = PublishLimits(attempts=1)

Publish = Callable[[Sequence[NewEvent]], list[str]]


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


@pytest.fixture(params=["sync", "async"])
def publish(request: pytest.FixtureRequest, server: fakeredis.FakeServer) -> Publish:
    """Both publishers: what they trace is the same."""

    def sync(events: Sequence[NewEvent]) -> list[str]:
        return Publisher(fakeredis.FakeRedis(server=server), limits=ONE_TRY).publish_many(events)

    async def asynchronous(events: Sequence[NewEvent]) -> list[str]:
        async with AsyncPublisher(fakeredis.FakeAsyncRedis(server=server), limits=ONE_TRY) as it:
            return await it.publish_many(events)

    return sync if request.param == "sync" else lambda events: asyncio.run(asynchronous(events))


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> RecordedSpans:
    return traced_by(RecordedSpans(), monkeypatch)


def traced_by(spans: RecordedSpans, monkeypatch: pytest.MonkeyPatch) -> RecordedSpans:
    monkeypatch.setattr(trace_context, "TRACER", spans.tracer)
    return spans


def carried(server: fakeredis.FakeServer, service: str = "tasks") -> list[str | None]:
    rows: Any = fakeredis.FakeRedis(server=server).xrange(f"events:{{acme}}:{service}")
    return [
        fields[b"traceparent"].decode() if b"traceparent" in fields else None for _, fields in rows
    ]


def test_an_event_carries_the_context_of_its_span(
    publish: Publish, server: fakeredis.FakeServer, spans: RecordedSpans
) -> None:
    [entry_id] = publish([NewEvent("acme", "tasks", 1)])
    span = spans.only
    assert (span.name, span.kind) == ("send events", SpanKind.PRODUCER)
    assert span.attributes == {
        "messaging.system": "redis",
        "messaging.operation.name": "send",
        "messaging.destination.name": "acme/tasks",
        "messaging.batch.message_count": 1,
        "messaging.message.id": entry_id,
    }
    assert carried(server) == [spelled(context_of(span))]


def test_the_span_is_a_child_of_the_caller_s(publish: Publish, spans: RecordedSpans) -> None:
    with spans.tracer.start_as_current_span("request") as request:
        publish([NewEvent("acme", "tasks", 1)])
    assert spans.all[0].parent == request.get_span_context()


def test_what_leaves_together_has_one_span(
    publish: Publish, server: fakeredis.FakeServer, spans: RecordedSpans
) -> None:
    entry_ids = publish([NewEvent("acme", "tasks", 1), NewEvent("acme", "users", 2)])
    attributes = spans.only.attributes
    assert attributes is not None
    assert attributes["fanwire.entry_ids"] == tuple(entry_ids)
    assert attributes["messaging.batch.message_count"] == 2
    assert "messaging.destination.name" not in attributes
    assert carried(server, "tasks") == carried(server, "users") == [spelled(context_of(spans.only))]


def test_each_round_trip_has_a_span_and_a_bounded_one(
    publish: Publish, spans: RecordedSpans
) -> None:
    publish([NewEvent("acme", "tasks", n) for n in range(501)])
    first, second = (dict(span.attributes or {}) for span in spans.all)
    assert [first["messaging.batch.message_count"], second["messaging.batch.message_count"]] == [
        500,
        1,
    ]
    ids = first["fanwire.entry_ids"]
    assert isinstance(ids, tuple)
    assert len(ids) == 128


def test_a_context_that_the_caller_gives_is_never_overwritten(
    publish: Publish, server: fakeredis.FakeServer, spans: RecordedSpans
) -> None:
    publish([NewEvent("acme", "tasks", 1, traceparent=OWN), NewEvent("acme", "tasks", 2)])
    assert carried(server) == [OWN, spelled(context_of(spans.only))]


def test_what_is_not_sampled_says_so(
    publish: Publish, server: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = traced_by(RecordedSpans(ALWAYS_OFF), monkeypatch)
    publish([NewEvent("acme", "tasks", 1)])
    [traceparent] = carried(server)
    context = remote_span(traceparent or "")
    assert context is not None
    assert not context.trace_flags.sampled
    assert spans.all == ()


def test_without_a_provider_there_is_no_context(
    publish: Publish, server: fakeredis.FakeServer
) -> None:
    publish([NewEvent("acme", "tasks", 1)])
    assert carried(server) == [None]


def test_without_a_provider_the_caller_s_context_is_passed_on(
    publish: Publish, server: fakeredis.FakeServer
) -> None:
    # As a framework without the SDK has it from the request that it serves.
    remote = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(remote)):
        publish([NewEvent("acme", "tasks", 1)])
    assert carried(server) == [OWN]


def test_a_failure_is_told_by_its_name_alone(
    publish: Publish, server: fakeredis.FakeServer, spans: RecordedSpans
) -> None:
    with pytest.raises(InvalidEvent):
        publish([NewEvent("acme", "tasks", b"{private")])
    server.connected = False
    with pytest.raises(Unreachable):
        publish([NewEvent("acme", "tasks", 1)])
    for span, name in zip(spans.all, ("invalid_event", "unreachable"), strict=True):
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, name)
        assert (span.attributes or {})["error.type"] == name
        assert "private" not in span.to_json()


@pytest.mark.slow
def test_opentelemetry_may_be_missing() -> None:
    code = """if True:
        import sys
        sys.modules["opentelemetry"] = None
        import fakeredis
        from fanwire import Publisher
        redis = fakeredis.FakeRedis()
        Publisher(redis).publish("acme", "tasks", 1)
        [(_, fields)] = redis.xrange("events:{acme}:tasks")
        assert b"traceparent" not in fields, fields
    """
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
