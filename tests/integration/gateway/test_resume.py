"""Resumes: on any gateway, from memory and from the log, or an honest reset."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from redis.asyncio import Redis

from tests.conftest import StartStack
from tests.support.client_ledger import ClientLedger
from tests.support.flow import Flow
from tests.support.redis_reads import read_fields
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


async def seen(tenant: Tenant, count: int, gateway: int = 0) -> StreamClient:
    """Publish numbers one batch after another; return the socket that saw them."""
    client = await tenant.connect(gateway)
    for n in range(count):
        await tenant.publish_numbers("tasks", [n])
        await client.received(n + 1)
    return client


def numbers(client: StreamClient) -> list[int]:
    return [event["data"]["n"] for event in client.events]


def state(client: StreamClient) -> dict[str, object]:
    (row,) = client.hello["services"]
    return {"recovered": row.get("recovered"), "replayed": row.get("replayed")}


@pytest.mark.parametrize("gateway", [0, 1], ids=["same gateway", "other gateway"])
async def test_every_position_resumes_with_just_what_followed(tenant: Tenant, gateway: int) -> None:
    witness = await seen(tenant, 8)
    for at, batch in enumerate(witness.of_type("batch"), 1):
        client = await tenant.connect(gateway, resume={"tasks": batch["position"]})
        await client.received(8 - at)
        assert numbers(client) == list(range(at, 8))
        assert client.hello["services"][0]["position"] == batch["position"]
        assert state(client) == {"recovered": True, "replayed": 8 - at}
        assert client.of_type("reset") == []


async def test_a_fresh_socket_says_nothing_of_recovery(tenant: Tenant) -> None:
    await seen(tenant, 1)
    assert state(await tenant.connect()) == {"recovered": None, "replayed": None}


async def test_a_resume_goes_on_live_without_a_seam(tenant: Tenant) -> None:
    ledger = ClientLedger()
    first = await seen(tenant, 3)
    ledger.take(first)
    await first.close()
    await tenant.publish_numbers("tasks", range(3, 6))
    second = await tenant.connect(1, resume=ledger.resume)
    await second.received(3)
    await tenant.publish_numbers("tasks", range(6, 9))
    await second.received(6)
    ledger.take(second)
    ledger.check("tasks", range(9))


async def test_each_service_resumes_for_itself(tenant: Tenant) -> None:
    first = await tenant.connect(services=["tasks", "users"])
    await tenant.publish_numbers("tasks", [0])
    await tenant.publish_numbers("users", [0])
    await first.received(2)
    await first.close()
    await tenant.publish_numbers("tasks", [1])
    await tenant.publish_numbers("users", [1])
    await (await tenant.connect(services=["users"], resume=first.positions())).received(1)
    second = await tenant.connect(
        1,
        services=["reports", "tasks", "users"],
        resume={"tasks": first.positions()["tasks"], "users": "5-5"},
    )
    reset = await second.next("reset")
    assert (reset["service"], reset["reason"]) == ("users", "unknown_epoch")
    await second.received(1)
    states = {row["name"]: row.get("recovered") for row in second.hello["services"]}
    assert states == {"reports": None, "tasks": True, "users": False}


async def test_a_long_absence_is_replayed_from_the_log(tenant: Tenant) -> None:
    ledger = ClientLedger()
    first = await seen(tenant, 1)
    ledger.take(first)
    await first.close()
    for start in range(1, 30_001, 2_000):
        await tenant.publish_numbers("tasks", range(start, start + 2_000))
    second = await tenant.connect(resume=ledger.resume)
    await second.received(30_000)
    ledger.take(second)
    ledger.check("tasks", range(30_001))


@pytest.mark.parametrize("case", ["B57"])
@pytest.mark.parametrize(
    "position",
    ["1-1", "9999999999999-1"],
    ids=["old epoch", "future epoch"],
)
@pytest.mark.parametrize("gateway", [0, 1], ids=["held", "not held"])
async def test_a_position_that_never_was_is_reset(
    tenant: Tenant, position: str, gateway: int, case: str
) -> None:
    witness = await seen(tenant, 2)
    client = await tenant.connect(gateway, resume={"tasks": position})
    reset = await client.next("reset")
    assert reset == {"type": "reset", "service": "tasks"} | {
        "reason": reset["reason"], "position": witness.positions()["tasks"]
    }  # fmt: skip
    assert reset["reason"] in {"unknown_epoch", "rolled_back"}
    assert state(client)["recovered"] is False
    await tenant.publish_numbers("tasks", [2])
    await client.received(1)
    assert client.of_type("batch")[0]["prev"] == reset["position"]


async def test_B57_a_position_beyond_the_head_is_reset(tenant: Tenant) -> None:
    witness = await seen(tenant, 2)
    epoch, _, seq = witness.positions()["tasks"].partition("-")
    client = await tenant.connect(resume={"tasks": f"{epoch}-{int(seq) + 1}"})
    assert (await client.next("reset"))["reason"] == "unknown_epoch"


async def test_B57_a_position_of_another_service_is_reset(tenant: Tenant) -> None:
    await seen(tenant, 3)
    users = await tenant.connect(services=["users"])
    await tenant.publish_numbers("users", range(5))
    await users.received(5)
    client = await tenant.connect(resume={"tasks": users.positions()["users"]})
    await client.next("reset")


async def test_B57_a_position_inside_a_batch_is_reset(tenant: Tenant) -> None:
    client = await tenant.connect()
    await tenant.publish_numbers("tasks", range(50))
    await client.received(50)
    batch = max(client.of_type("batch"), key=lambda batch: len(batch["events"]))
    epoch, _, seq = batch["position"].partition("-")
    inside = f"{epoch}-{int(seq) - 1}"
    again = await tenant.connect(1, resume={"tasks": inside})
    await again.next("reset")


async def test_a_position_of_a_topic_that_never_was_is_reset(tenant: Tenant) -> None:
    client = await tenant.connect(resume={"tasks": "1795419516000-3"})
    assert await client.next("reset") == {
        "type": "reset", "service": "tasks", "reason": "unknown_epoch", "position": "0-0"
    }  # fmt: skip
    await tenant.publish_numbers("tasks", [0])
    await client.received(1)


async def test_the_beginning_resumes_as_long_as_the_log_has_it(tenant: Tenant) -> None:
    await seen(tenant, 3)
    for gateway in (0, 1):
        client = await tenant.connect(gateway, resume={"tasks": "0-0"})
        await client.received(3)
        assert numbers(client) == [0, 1, 2]


async def test_F28_a_replay_that_was_cut_short_is_continued(tenant: Tenant) -> None:
    for start in range(0, 12_000, 2_000):
        await tenant.publish_numbers("tasks", range(start, start + 2_000))
    await until_seq(tenant, 12_000)
    ledger = ClientLedger()
    ledger.positions.clear()
    resume = {"tasks": "0-0"}
    for gateway in (1, 0, 1):
        client = await tenant.connect(gateway, resume=resume, is_paused=True)
        client.unpause()
        await client.until(partial(has_events, client, 500))
        client.drop()
        await client.ended()
        ledger.take(client)
        resume = ledger.resume
    last = await tenant.connect(0, resume=resume)
    await last.received(12_000 - len(ledger.numbers["tasks"]))
    ledger.take(last)
    ledger.check("tasks", range(12_000))


async def test_F27_a_client_that_flaps_between_gateways_misses_nothing(tenant: Tenant) -> None:
    ledger = ClientLedger()
    client = await tenant.connect()
    async with Flow(tenant, "tasks", per_s=1_000) as flow:
        for n in range(25):
            await flow.more(20)
            client.drop()
            await client.ended()
            ledger.take(client)
            client = await tenant.connect(n % 2, resume=ledger.resume)
    await client.until(lambda: len(client.events) + len(ledger.numbers["tasks"]) >= flow.count)
    ledger.take(client)
    ledger.check("tasks", range(flow.count))


async def test_an_ack_of_what_another_gateway_sent_first_is_no_fault(tenant: Tenant) -> None:
    clients = [await tenant.connect(0), await tenant.connect(1)]
    async with Flow(tenant, "tasks", per_s=1_000) as flow:
        for n in range(20):
            await flow.more(10)
            known = clients[n % 2].positions()
            moved = await tenant.connect((n + 1) % 2, resume=known)
            await moved.say(type="ack", positions=known)
            await moved.say(type="ping")
            await moved.next("heartbeat")
            await moved.close()


def has_events(client: StreamClient, count: int) -> bool:
    return len(client.events) >= count


async def until_seq(tenant: Tenant, seq: int) -> None:
    async def is_committed() -> bool:
        stored = await read_fields(tenant.redis, tenant.keys.topic(tenant.topic("tasks")), ["seq"])
        return stored == [b"%d" % seq]

    await eventually(is_committed, 15)


@pytest.fixture
async def forgetful(start_stack: StartStack, redis: Redis) -> AsyncIterator[Tenant]:
    """A tenant whose replay log keeps a quarter of a megabyte."""
    stack = await start_stack(
        env={"FANOUT_RETENTION_BYTES": "262144", "FANOUT_BATCH_MAX_BYTES": "4096"}
    )
    one = Tenant(stack, redis)
    yield one
    await one.close()


LARGE = b'{"n":%d,"filler":"' + b"x" * 1_000 + b'"}'


async def publish_large(tenant: Tenant, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, 200):
        await tenant.publish("tasks", *(LARGE % n for n in range(start, start + 200)))
    await until_seq(tenant, numbers.stop)


@pytest.mark.parametrize("case", ["F30", "B58"])
async def test_an_absence_beyond_the_retention_is_a_reset(forgetful: Tenant, case: str) -> None:
    first = await seen(forgetful, 2)
    await first.close()
    await publish_large(forgetful, range(2, 2_002))
    for resume in (first.positions(), {"tasks": first.of_type("batch")[0]["position"]}):
        client = await forgetful.connect(resume=resume)
        reset = await client.next("reset")
        assert reset["reason"] == "expired"
        assert reset["position"].endswith("-2002")
        assert client.events == []
    await forgetful.publish_numbers("tasks", [2_002])
    await client.received(1)


async def test_what_the_replay_budget_trimmed_is_a_reset(
    start_stack: StartStack, redis: Redis
) -> None:
    stack = await start_stack(
        env={"FANOUT_REPLAY_BUDGET_BYTES": "1048576", "FANOUT_BATCH_MAX_BYTES": "4096"}
    )
    one = Tenant(stack, redis)
    for service in ("analytics", "tasks"):
        await one.publish(service, *(LARGE % n for n in range(800)))

    async def is_trimmed() -> bool:
        lengths = [await redis.xlen(one.keys.batches(one.topic(s))) for s in ("analytics", "tasks")]
        return 0 < lengths[0] < lengths[1] // 2

    await eventually(is_trimmed, 10)
    client = await one.connect(
        services=("analytics", "tasks"), resume={"analytics": "0-0", "tasks": "0-0"}
    )
    reset = await client.next("reset")
    assert (reset["service"], reset["reason"]) == ("analytics", "expired")
    await client.until(lambda: has_number(client, 799))
    await one.close()


async def test_a_replay_that_the_retention_overtakes_is_a_reset(forgetful: Tenant) -> None:
    await publish_large(forgetful, range(200))
    client = await forgetful.connect(resume={"tasks": "0-0"}, is_paused=True)
    # The resume is judged by then, while the log still held all of it.
    await eventually(client.has_unread)
    await publish_large(forgetful, range(200, 1_000))
    client.unpause()
    assert (await client.next("reset"))["reason"] == "expired"
    replayed = numbers(client)
    assert 0 < len(replayed) < 200
    assert replayed == list(range(len(replayed)))
    await forgetful.publish_numbers("tasks", [1_000])
    await client.until(lambda: has_number(client, 1_000))
    ledger = ClientLedger()
    ledger.take(client)
    assert ledger.resets == [("tasks", "expired")]


def has_number(client: StreamClient, number: int) -> bool:
    return numbers(client)[-1:] == [number]
