"""Payloads that we did not make up, through the whole system, as their receivers got them."""

from collections import Counter, defaultdict
from typing import Any, cast

import pytest

from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.webhooks import Webhook, webhooks


@pytest.fixture(scope="module")
def collection() -> list[Webhook]:
    """The community's webhook payloads."""
    found = webhooks()
    assert len(found) > 300
    assert max(len(each.payload) for each in found) > 25_000
    return found


async def publish(tenant: Tenant, collection: list[Webhook]) -> None:
    pipe = tenant.redis.pipeline(transaction=False)
    for webhook in collection:
        fields = {"type": webhook.service, "eventId": webhook.delivery, "data": webhook.payload}
        if webhook.property_id is not None:
            fields["propertyId"] = webhook.property_id
        pipe.xadd(tenant.keys.events(tenant.topic(webhook.service)), cast(Any, fields))
    await pipe.execute()


def by_service(webhooks: list[Webhook]) -> dict[str, list[bytes]]:
    payloads = defaultdict(list)
    for webhook in webhooks:
        payloads[webhook.service].append(webhook.payload)
    return dict(payloads)


def received(client: StreamClient) -> dict[str, list[bytes]]:
    payloads: dict[str, list[bytes]] = defaultdict(list)
    for frame in client.frames:
        if frame.type == "batch":
            payloads[frame.fields["service"]] += frame.payloads
    return dict(payloads)


async def test_every_payload_arrives_byte_for_byte_in_the_order_of_its_service(
    tenant: Tenant, collection: list[Webhook]
) -> None:
    services = sorted({webhook.service for webhook in collection})
    halves = [services[:30], services[30:]]
    clients = [await tenant.connect(n % 2, services=half) for n, half in enumerate(halves)]
    await publish(tenant, collection)
    for client, half in zip(clients, halves, strict=True):
        wanted = [webhook for webhook in collection if webhook.service in half]
        await client.received(len(wanted), timeout_s=20)
        assert received(client) == by_service(wanted)


@pytest.mark.parametrize("gateway", [0, 1], ids=["from the tail", "from the log"])
async def test_every_payload_comes_back_by_replay(
    tenant: Tenant, collection: list[Webhook], gateway: int
) -> None:
    services = sorted({webhook.service for webhook in collection})[:30]
    wanted = [webhook for webhook in collection if webhook.service in services]
    live = await tenant.connect(0, services=services)
    await publish(tenant, collection)
    await live.received(len(wanted), timeout_s=20)
    late = await tenant.connect(gateway, services=services, resume=dict.fromkeys(services, "0-0"))
    await late.received(len(wanted), timeout_s=20)
    assert received(late) == by_service(wanted)
    assert {row["recovered"] for row in late.hello["services"]} == {True}


async def test_a_repository_filter_lets_through_what_is_of_it_or_of_none(
    tenant: Tenant, collection: list[Webhook]
) -> None:
    repositories = Counter(webhook.property_id for webhook in collection if webhook.property_id)
    chosen = repositories.most_common(1)[0][0]
    services = sorted({webhook.service for webhook in collection})[:30]
    client = await tenant.connect(services=services, property_id=chosen)
    wanted = [
        webhook
        for webhook in collection
        if webhook.service in services and webhook.property_id in {chosen, None}
    ]
    assert 10 < len(wanted) < sum(webhook.service in services for webhook in collection)
    await publish(tenant, collection)
    await client.received(len(wanted), timeout_s=20)
    assert received(client) == by_service(wanted)
