"""A broadcast's span: made once it is over, for all sockets of the gateway."""

import time
from dataclasses import replace

from opentelemetry.trace import SpanKind

from fanwire.core.position import ZERO
from fanwire.core.tiers import Tier
from gateway.delivery.hub import HeldTopic, Hub
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.stats import Written
from gateway.telemetry.deliver_spans import DeliverSpans
from gateway.telemetry.telemetry import GatewayTelemetry
from tests.support.gateway_values import TASKS_OF_ACME, a_chain
from tests.support.loopback import LIMITS, Client, RecordingSessions
from tests.support.telemetry import some_settings
from tests.support.tracing import RecordedSpans, a_traceparent, context_of, spelled

P1 = frozenset(["p1"])


class DeliverSpansStage:
    """A held topic whose deliveries are traced, with two sockets, one of them filtered."""

    def __init__(self) -> None:
        self.spans = RecordedSpans()
        hub = Hub()
        self.held = HeldTopic(
            TASKS_OF_ACME,
            Tier.HIGH,
            position=ZERO,
            epoch=0,
            now_ms=0,
            stats=GatewayTelemetry.of(self.spans.telemetry(), some_settings()).stats,
        )
        hub.hold(self.held)
        sessions = RecordingSessions(hub, LIMITS)
        self.clients = [Client(sessions), Client(sessions)]
        for client, wanted in zip(self.clients, (None, P1), strict=True):
            self.held.join(client.connection, wanted)


def a_traced_chain(*traceparents: str | None) -> list[LogEntry]:
    batches = a_chain(*[["p1", "p2"]] * len(traceparents))
    return [replace(b, trace=t) for b, t in zip(batches, traceparents, strict=True)]


def test_a_batch_has_one_span_for_all_sockets() -> None:
    stage = DeliverSpansStage()
    stage.held.deliver(a_traced_chain(a_traceparent(1, 1)), now_ms=0)
    span = stage.spans.only
    assert (span.name, span.kind) == ("deliver tasks", SpanKind.CONSUMER)
    attributes = dict(span.attributes or {})
    age_ms = attributes.pop("fanwire.age_ms")
    assert isinstance(age_ms, float)
    assert attributes == {
        "messaging.system": "redis",
        "messaging.operation.name": "deliver",
        "messaging.destination.name": "acme/tasks",
        "messaging.batch.message_count": 2,
        "fanwire.service": "tasks",
        "fanwire.org": "acme",
        "fanwire.position": str(stage.held.position),
        "fanwire.recipients": 2,
        "fanwire.filtered": 1,
        "fanwire.dropped": 0,
    }


def test_it_began_when_the_first_socket_was_written_to() -> None:
    spans, begun_ns = RecordedSpans(), time.time_ns() - 1_000_000
    [batch] = a_traced_chain(None)
    DeliverSpans(spans.tracer).delivered(
        TASKS_OF_ACME, batch, Written(recipients=1), begun_ns=begun_ns, age_ms=12.5
    )
    assert spans.only.start_time == begun_ns
    assert spans.only.end_time is not None
    assert spans.only.end_time > begun_ns
    assert (spans.only.attributes or {})["fanwire.age_ms"] == 12.5


def test_it_is_the_child_of_its_commit() -> None:
    stage = DeliverSpansStage()
    stage.held.deliver(a_traced_chain(a_traceparent(1, 1)), now_ms=0)
    span = stage.spans.only
    assert spelled(span.parent) == a_traceparent(1, 1)
    assert span.parent is not None
    assert span.parent.is_remote
    assert context_of(span).trace_id == 1


def test_a_batch_without_a_context_begins_a_trace() -> None:
    stage = DeliverSpansStage()
    with stage.spans.tracer.start_as_current_span("whatever is active"):
        stage.held.deliver(a_traced_chain(None), now_ms=0)
    assert stage.spans.all[0].parent is None


def test_batches_written_together_have_a_span_each() -> None:
    stage = DeliverSpansStage()
    stage.held.deliver(a_traced_chain(a_traceparent(1, 1), a_traceparent(2, 2)), now_ms=0)
    assert [spelled(span.parent) for span in stage.spans.all] == [
        a_traceparent(1, 1),
        a_traceparent(2, 2),
    ]


def test_what_nobody_is_there_for_is_not_traced() -> None:
    stage = DeliverSpansStage()
    for client in stage.clients:
        stage.held.leave(client.connection)
    stage.held.deliver(a_traced_chain(a_traceparent(1, 1)), now_ms=0)
    assert stage.spans.all == ()
