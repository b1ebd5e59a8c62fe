"""`/metrics` of real processes: what Prometheus reads after a few events."""

import asyncio

import httpx
import pytest
from redis.asyncio import Redis

from shared.telemetry.metric import Kind, Metric, ToldBy
from shared.telemetry.names import METRICS
from tests.conftest import StartStack
from tests.support.role import Role
from tests.support.stack import Stack
from tests.support.telemetry import families, samples
from tests.support.tenant import Tenant

pytestmark = [pytest.mark.redis]


async def text_of(url: str) -> bytes:
    async with httpx.AsyncClient() as client:
        answer = await client.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return answer.content


async def text_with(names: set[str], role: Role) -> bytes:
    url = f"{role.internal_url}/metrics"
    async with asyncio.timeout(10):
        # Asked again and again, as Prometheus would.
        while not names <= families(text := await text_of(url)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return text


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(env={"REALTIME_METRIC_SERVICES": "chat"})


def always_told(*servers: ToldBy) -> set[str]:
    return {
        metric.prometheus_name
        for metric in METRICS
        if metric.server in servers and _is_always_told(metric)
    }


def _is_always_told(metric: Metric) -> bool:
    return not (metric.attributes or metric.kind is Kind.HISTOGRAM)


async def test_prometheus_reads_what_was_delivered(stack: Stack, redis: Redis) -> None:
    tenant = Tenant(stack, redis)
    client = await tenant.connect(services=["tasks", "chat", "untold"])
    for service in ("tasks", "tasks", "chat", "untold"):
        await tenant.publish(service, b"1")
    await client.received(4)

    text = await text_of(f"{stack.gateway.internal_url}/metrics")
    told = samples(text)
    assert always_told(ToldBy.GATEWAY, ToldBy.BOTH) <= families(text)
    assert told["realtime_gateway_connections_active"] == 1
    assert told["realtime_gateway_connections_opened_total"] == 1
    for service, count in (("tasks", 2), ("chat", 1), ("_other", 1)):
        assert told[f"realtime_gateway_events_delivered_total{{service={service}}}"] == count
    assert told["realtime_gateway_frames_sent_total{service=chat}"] == 1
    assert 0 < told["realtime_delivery_latency_seconds_sum{service=chat}"] < 5
    assert "untold" not in text.decode()
    assert told["realtime_gateway_canary_age_seconds"] < 20
    assert "service=_canary" not in told, "nobody's event"

    # The budget is reckoned once a second.
    told = samples(await text_with(always_told(ToldBy.FANOUT, ToldBy.BOTH), stack.worker))
    assert told["realtime_fanout_events_total{service=tasks}"] == 2
    assert told["realtime_redis_connected"] == 1
    assert told["realtime_replay_bytes{tier=high}"] > 0
    await tenant.close()


async def test_orgs_are_told_on_a_page_of_their_own(stack: Stack, redis: Redis) -> None:
    tenant = Tenant(stack, redis)
    client = await tenant.connect()
    await tenant.publish("tasks", b"1")
    await client.received(1)
    org = tenant.org
    told = samples(await text_of(f"{stack.gateway.internal_url}/metrics/orgs"))
    assert told == {
        f"realtime_org_connections{{org={org}}}": 1,
        f"realtime_org_events_total{{org={org}}}": 1,
    }
    assert org not in (await text_of(f"{stack.gateway.internal_url}/metrics")).decode()
    await tenant.close()
