"""A batch's span: whose child it is, what it links to, and what became of its batch."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from redis.exceptions import ResponseError

from fanout.commit.committer import Committer, ServerRefused
from fanout.commit.limits import CommitLimits
from fanout.commit.spans import CommitSpans
from fanout.commit.telemetry import CommitTelemetry
from fanout.counters import WorkerCounters
from fanout.topic.open_topic import OpenTopic
from shared.redis.owned_connection import OwnedConnection
from shared.redis.server_clock import ServerClock
from shared.telemetry.contexts import remote_span
from tests.support.fanout_values import an_event, an_open_topic
from tests.support.tracing import RecordedSpans, a_traceparent, context_of, spelled
from tests.support.waiting import eventually

BODY, TRACE = 8 + 7, 8 + 9
"""Where a commit has its frame and its `t`, behind the command and the keys."""


class Redis:
    """Answers every commit in one way, and keeps what it was told."""

    def __init__(self, answer: object = 1) -> None:
        self._answer = answer
        self.commits: list[Sequence[Any]] = []

    async def call_all(self, commands: Sequence[Sequence[Any]]) -> list[object]:
        self.commits += commands
        if isinstance(self._answer, OSError):
            raise self._answer
        return [self._answer for _ in commands]


def a_committer(redis: Redis, spans: RecordedSpans | None) -> Committer:
    return Committer(
        cast(OwnedConnection, redis),
        CommitLimits(dead_letters_max=10),
        clock=ServerClock(),
        counters=WorkerCounters(),
        telemetry=CommitTelemetry(spans=None if spans is None else CommitSpans(spans.tracer)),
        on_refused=lambda topic, refusal, why: None,
    )


def a_topic(*traceparents: str | None) -> OpenTopic:
    topic = an_open_topic()
    for number, traceparent in enumerate(traceparents):
        topic.batches.add(an_event(number, traceparent=traceparent), now_ms=0)
    return topic


async def commit(topic: OpenTopic, spans: RecordedSpans | None, answer: object = 1) -> Redis:
    redis = Redis(answer)
    committer = a_committer(redis, spans)
    committer.schedule(topic)
    async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
        tasks.create_task(committer.run())
        await eventually(lambda: bool(redis.commits), every_s=0)
        committer.stop()
    return redis


async def the_span_of(*traceparents: str | None) -> ReadableSpan:
    spans = RecordedSpans()
    await commit(a_topic(*traceparents), spans)
    return spans.only


def links_of(span: ReadableSpan) -> list[str | None]:
    return [spelled(link.context) for link in span.links]


async def test_a_batch_has_one_span() -> None:
    span = await the_span_of(None, None)
    assert (span.name, span.kind) == ("commit tasks", SpanKind.CONSUMER)
    attributes = dict(span.attributes or {})
    del attributes["fanwire.batch.size_bytes"]
    assert attributes == {
        "messaging.system": "redis",
        "messaging.operation.name": "commit",
        "messaging.destination.name": "acme/tasks",
        "messaging.batch.message_count": 2,
        "fanwire.service": "tasks",
        "fanwire.org": "acme",
        "fanwire.position": "7-2",
        "fanwire.batch.window_ms": 30,
    }
    assert span.status.is_unset
    assert span.parent is None
    assert span.links == ()


async def test_its_context_goes_out_in_the_frame_and_in_the_log() -> None:
    spans = RecordedSpans()
    redis = await commit(a_topic(a_traceparent(1, 1)), spans)
    [command] = redis.commits
    own = spelled(context_of(spans.only))
    assert command[TRACE] == own
    assert f'"trace":"{own}"'.encode() in command[BODY]
    assert (spans.only.attributes or {})["fanwire.batch.size_bytes"] == len(command[BODY])


async def test_without_a_tracer_the_first_event_s_context_goes_out() -> None:
    redis = await commit(a_topic(None, a_traceparent(1, 1), a_traceparent(2, 2)), None)
    assert redis.commits[0][TRACE] == a_traceparent(1, 1)


async def test_events_of_one_trace_have_their_batch_in_it() -> None:
    span = await the_span_of(a_traceparent(1, 1), None, a_traceparent(1, 2))
    assert spelled(span.parent) == a_traceparent(1, 1)
    assert context_of(span).trace_id == 1
    assert links_of(span) == [a_traceparent(1, 1), a_traceparent(1, 2)]


async def test_events_of_several_traces_are_linked_from_one_of_its_own() -> None:
    span = await the_span_of(a_traceparent(1, 1), a_traceparent(2, 2), a_traceparent(1, 1))
    assert span.parent is None
    assert context_of(span).trace_id not in (1, 2)
    assert links_of(span) == [a_traceparent(1, 1), a_traceparent(2, 2)]


async def test_links_are_bounded() -> None:
    span = await the_span_of(*(a_traceparent(n, n) for n in range(1, 200)))
    assert links_of(span) == [a_traceparent(n, n) for n in range(1, 129)]
    assert (span.attributes or {})["messaging.batch.message_count"] == 199


@pytest.mark.parametrize("garbage", ["x", "00-0-0-00", a_traceparent(0, 1), a_traceparent(1, 0)])
async def test_what_is_no_context_is_passed_over(garbage: str) -> None:
    span = await the_span_of(garbage)
    assert (span.parent, span.links) == (None, ())


async def test_a_trace_that_is_not_sampled_goes_on_unsampled() -> None:
    spans = RecordedSpans(ALWAYS_OFF)
    redis = await commit(a_topic(a_traceparent(1, 1, flags=0)), spans)
    assert spans.all == ()
    context = remote_span(redis.commits[0][TRACE])
    assert context is not None
    assert (context.trace_id, context.trace_flags.sampled) == (1, False)


async def test_a_refused_batch_is_an_error() -> None:
    spans = RecordedSpans()
    await commit(a_topic(None), spans, ResponseError("STALE cursor 5-0"))
    assert spans.only.status.status_code is StatusCode.ERROR
    assert (spans.only.attributes or {})["error.type"] == "stale"


@pytest.mark.parametrize(
    ("answer", "raised", "name"),
    [
        (ConnectionError("cut"), ConnectionError, "ConnectionError"),
        (ResponseError("OOM no memory"), ServerRefused, "ServerRefused"),
    ],
)
async def test_the_end_of_the_term_is_the_end_of_its_spans(
    answer: object, raised: type[Exception], name: str
) -> None:
    spans = RecordedSpans()
    with pytest.raises(ExceptionGroup) as ended:
        await commit(a_topic(None), spans, answer)
    assert ended.group_contains(raised)
    assert (spans.only.attributes or {})["error.type"] == name


async def test_a_batch_of_dead_letters_has_no_span() -> None:
    spans = RecordedSpans()
    topic = an_open_topic()
    topic.batches.pass_over("1000-1", now_ms=0)
    await commit(topic, spans)
    assert spans.all == ()
