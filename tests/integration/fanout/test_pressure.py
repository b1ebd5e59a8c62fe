"""More events than can be committed: what gives way, who is told, and what does not."""

from typing import Any, cast

import pytest

from fanout.commit.limits import CommitLimits
from fanout.commit.pressure import PressureLimits
from fanout.settings import FanoutSettings
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic
from tests.integration.fanout.conftest import FanoutDesk, Fields, StartWorker
from tests.support.ledger import Ledger
from tests.support.waiting import eventually

TICKS = Topic(Org("acme"), Service("ticks"))
FINANCE = Topic(Org("acme"), Service("finance"))
ENTITIES = 10
FLOOD = 4_000


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small backlog be pressure, and a service of our own the low tier."""
    limits = CommitLimits(dead_letters_max=1_000, pressure=PressureLimits(low_bytes=20_000))
    monkeypatch.setattr(FanoutSettings, "commit_limits", limits)
    monkeypatch.setenv("REALTIME_TIERS", "ticks:low")


async def flood(desk: FanoutDesk, topic: Topic, count: int) -> None:
    """Publish numbers, of a few entities in turn."""
    pipe = desk.redis.pipeline(transaction=False)
    for n in range(count):
        fields: Fields = {
            "data": f'{{"n":{n},"pad":"{"x" * 200}"}}',
            "eventId": f"e{n}",
            "entityType": "row",
            "entityId": str(n % ENTITIES),
        }
        pipe.xadd(desk.keys.events(topic), cast(Any, fields))
    await pipe.execute()


async def drained(desk: FanoutDesk, topic: Topic) -> Ledger:
    async def is_drained() -> bool:
        return not (await desk.ledger(topic)).unread_count

    await eventually(is_drained, 15)
    # Once more: a ledger is read key by key, and commits may come between.
    return await desk.ledger(topic)


def numbers(ledger: Ledger) -> list[int]:
    return [event["data"]["n"] for event in ledger.events]


async def test_under_pressure_older_events_of_a_low_tier_give_way_and_the_batch_tells(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await flood(desk, TICKS, FLOOD)
    await flood(desk, FINANCE, FLOOD)
    worker = await start_worker()
    low, critical = await drained(desk, TICKS), await drained(desk, FINANCE)
    assert numbers(critical) == list(range(FLOOD))
    assert not any("conflated" in batch.frame for batch in critical.batches)

    found = numbers(low)
    assert found == sorted(found), "no older state comes after a newer one"
    assert set(range(FLOOD - ENTITIES, FLOOD)) <= set(found), "the latest of each entity"
    pruned = FLOOD - len(found)
    assert pruned > FLOOD // 2
    assert sum(batch.frame.get("conflated", 0) for batch in low.batches) == pruned
    assert worker.counters.pruned_by_tier == {"low": pruned}
    assert not low.dead


async def test_a_pruned_event_that_is_published_again_stays_pruned(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await flood(desk, TICKS, FLOOD)
    worker = await start_worker()
    before = numbers(await drained(desk, TICKS))
    pruned = min(set(range(FLOOD)) - set(before))
    await desk.add({"data": f'{{"n":{pruned},"pad":"{"x" * 200}"}}', "eventId": f"e{pruned}",
                    "entityType": "row", "entityId": str(pruned % ENTITIES)}, TICKS)  # fmt: skip
    await desk.add({"data": '{"n":-1}', "eventId": "last"}, TICKS)
    await eventually(lambda: worker.counters.duplicates == 1)

    async def has_last() -> bool:
        return numbers(await desk.ledger(TICKS))[-1:] == [-1]

    await eventually(has_last)
    assert numbers(await desk.ledger(TICKS)) == [*before, -1]
