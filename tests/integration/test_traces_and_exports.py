"""What a collector is sent by real processes, and what they do without one."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from functools import partial

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from redis.asyncio import Redis

from fanwire.publish import tracing as trace_context
from fanwire.publish.async_publisher import AsyncPublisher
from fanwire.publish.new_event import NewEvent
from shared.telemetry.names import DELIVERY_LATENCY, FANOUT_EVENTS
from tests.conftest import StartStack
from tests.support.otlp_sink import OtlpSink, SunkSpan, otlp_sink
from tests.support.role import Role
from tests.support.stack import Stack
from tests.support.tenant import Tenant
from tests.support.tracing import a_traceparent
from tests.support.waiting import free_port

pytestmark = [pytest.mark.redis]


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with otlp_sink() as running:
        yield running


@pytest.fixture
def _traced_publisher(sink: OtlpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set up tracing as a publishing service would, without its being global."""
    resource = Resource.create({"service.name": "shop"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{sink.url}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace_context, "TRACER", provider.get_tracer("shop"))


@pytest.fixture
async def stack(start_stack: StartStack, sink: OtlpSink) -> Stack:
    return await start_stack(gateways=2, env=sink.settings())


@pytest.fixture
async def tenant(stack: Stack, redis: Redis) -> AsyncIterator[Tenant]:
    tenant = Tenant(stack, redis)
    yield tenant
    await tenant.close()


async def publish(stack: Stack, *events: NewEvent) -> list[str]:
    async with AsyncPublisher.from_url(stack.redis_url, key_prefix=stack.key_prefix) as publisher:
        return await publisher.publish_many(events)


async def sunk(sink: OtlpSink, name: str, tenant: Tenant, count: int = 1) -> list[SunkSpan]:
    """Return the spans of this name of the tenant's org, once there are so many."""

    def find() -> list[SunkSpan] | None:
        found = [s for s in sink.named(name) if s.attributes["fanwire.org"] == tenant.org]
        return found if len(found) >= count else None

    return await sink.until(find, what=f"{count} spans {name}")


@pytest.mark.usefixtures("_traced_publisher")
async def test_one_trace_leads_from_the_publisher_to_every_gateway(
    stack: Stack, sink: OtlpSink, tenant: Tenant
) -> None:
    clients = [await tenant.connect(0), await tenant.connect(1), await tenant.connect(1)]
    [entry_id] = await publish(stack, NewEvent(tenant.org, "tasks", {"n": 1}))
    for client in clients:
        await client.received(1)
    [commit] = await sunk(sink, "commit tasks", tenant)
    delivers = await sunk(sink, "deliver tasks", tenant, 2)
    [send] = sink.named("send events")

    assert {span.trace_id for span in (send, commit, *delivers)} == {send.trace_id}
    assert (send.service, send.kind, send.parent_id) == ("shop", "producer", "")
    assert send.attributes["messaging.message.id"] == entry_id
    assert (commit.service, commit.kind, commit.parent_id) == (
        "fanwire-fanout",
        "consumer",
        send.span_id,
    )
    assert commit.links == ((send.trace_id, send.span_id),)
    [batch] = clients[0].of_type("batch")
    assert commit.attributes["fanwire.position"] == batch["position"]
    assert commit.attributes["messaging.batch.message_count"] == 1
    assert {(span.service, span.instance, span.kind, span.parent_id) for span in delivers} == {
        ("fanwire-gateway", "gw-0", "consumer", commit.span_id),
        ("fanwire-gateway", "gw-1", "consumer", commit.span_id),
    }
    recipients = {span.instance: span.attributes["fanwire.recipients"] for span in delivers}
    assert recipients == {"gw-0": 1, "gw-1": 2}
    for client in clients:
        [frame] = client.of_type("batch")
        assert frame["trace"].split("-")[1:3] == [commit.trace_id, commit.span_id]


async def test_a_batch_links_to_every_trace_that_meets_in_it(
    stack: Stack, sink: OtlpSink, tenant: Tenant
) -> None:
    client = await tenant.connect()
    # The first of a burst may leave alone; those behind it have a window to meet in.
    contexts = {n: a_traceparent(n, n) for n in range(1, 21)}
    await publish(
        stack,
        *(NewEvent(tenant.org, "tasks", n, traceparent=text) for n, text in contexts.items()),
    )
    await client.received(len(contexts))

    def all_linked() -> list[SunkSpan] | None:
        spans = [s for s in sink.named("commit tasks") if s.attributes["fanwire.org"] == tenant.org]
        return spans if sum(len(span.links) for span in spans) >= len(contexts) else None

    commits = await sink.until(all_linked, what="a link for each event")
    links = [link for span in commits for link in span.links]
    assert links == [(f"{n:032x}", f"{n:016x}") for n in contexts]
    met = [span for span in commits if len(span.links) > 1]
    assert met
    for span in met:
        assert span.parent_id == ""
        assert span.trace_id not in {trace_id for trace_id, _ in span.links}


async def test_a_socket_is_traced_for_moments_and_not_for_its_life(
    start_stack: StartStack, redis: Redis, sink: OtlpSink
) -> None:
    stack = await start_stack(env=sink.settings() | {"REALTIME_LOG_LEVEL": "debug"})
    tenant = Tenant(stack, redis)
    first = await tenant.connect()
    await tenant.publish("tasks", b"1")
    await first.received(1)
    left_at = first.positions()
    await tenant.publish("tasks", b"2", b"3")
    await first.received(3)
    client = await tenant.connect(resume=left_at)
    await client.received(2)
    assert (await tenant.update(services=["tasks", "users"])).status_code == 200
    await client.next("subscriptions")
    await tenant.close()

    async def short(name: str, count: int) -> list[SunkSpan]:
        def enough() -> list[SunkSpan] | None:
            return sink.named(name) if len(sink.named(name)) >= count else None

        return await sink.until(enough, what=f"{count} spans {name}")

    connects = await short("connect", 2)
    [resume] = await short("resume", 1)
    [update] = await short("update-services", 1)
    for span in (*connects, update):
        assert (span.kind, span.parent_id) == ("server", "")
    told = [(s.attributes["fanwire.result"], s.attributes["fanwire.count"]) for s in connects]
    assert told == [("joined", 1), ("joined", 1)]
    assert (resume.kind, resume.parent_id) == ("internal", connects[1].span_id)
    assert (resume.attributes["fanwire.result"], resume.attributes["fanwire.count"]) == (
        "recovered",
        2,
    )
    assert (update.attributes["fanwire.result"], update.attributes["fanwire.count"]) == (
        "stored",
        2,
    )

    opened = lines_of(stack.gateway, "conn.opened")
    for span, line in zip(connects, opened, strict=True):
        assert f"trace_id={span.trace_id}" in line
    # What a socket does later is no part of its connect.
    closed = lines_of(stack.gateway, "conn.closed")
    assert len(closed) == 2
    assert not any("trace_id" in line for line in closed)
    assert any("version=1" in line for line in lines_of(stack.gateway, "sub.applied"))


async def test_metrics_reach_the_collector_as_well(
    stack: Stack, sink: OtlpSink, tenant: Tenant
) -> None:
    client = await tenant.connect()
    await tenant.publish("tasks", b"1")
    await client.received(1)
    for server, metric in (
        ("fanwire-gateway", DELIVERY_LATENCY),
        ("fanwire-fanout", FANOUT_EVENTS),
    ):
        has_come = partial(sink.has, server, metric.name)
        await sink.until(has_come, what=f"{metric.name} of {server}")


def lines_of(role: Role, event: str) -> list[str]:
    return [line for line in role.stderr.splitlines() if f" event={event} " in line]


def complaints(role: Role) -> list[str]:
    return lines_of(role, "telemetry.export_failed")


async def test_without_a_collector_everything_works_and_ends_in_time(
    start_stack: StartStack, redis: Redis, sink: OtlpSink
) -> None:
    nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    stack = await start_stack(env=sink.settings() | nobody)
    tenant = Tenant(stack, redis)
    client = await tenant.connect()
    for n in range(10):
        await tenant.publish("tasks", b"1")
        await client.received(n + 1)
    roles: list[Role] = [stack.gateway, stack.worker]
    for role in roles:
        await sink.until(partial(complaints, role), what=f"a complaint of {role.name}")
    await tenant.close()
    await asyncio.gather(*(_ends_in_time(role) for role in roles))
    for role in roles:
        assert len(complaints(role)) == 1, "one line a minute"


async def test_a_collector_that_never_answers_does_not_hold_up_the_end(
    start_stack: StartStack, redis: Redis, sink: OtlpSink
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        endpoint = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        env = sink.settings() | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        stack = await start_stack(env=env)
        tenant = Tenant(stack, redis)
        client = await tenant.connect()
        await tenant.publish("tasks", b"1")
        await client.received(1)
        await tenant.close()
        await asyncio.gather(_ends_in_time(stack.gateway), _ends_in_time(stack.worker))


async def _ends_in_time(role: Role) -> None:
    asked_s = time.monotonic()
    role.terminate()
    assert await role.wait() == 0
    assert time.monotonic() - asked_s < 6, role.stderr[-2_000:]
