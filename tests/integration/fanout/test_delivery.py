"""What a publisher's XADD becomes."""

import asyncio
import time
from typing import Any

import pytest

from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic
from tests.integration.fanout.conftest import TOPIC, FanoutDesk, Fields, StartWorker
from tests.support.redis_reads import read_range
from tests.support.waiting import eventually

OTHER = Topic(Org("acme"), Service("users"))


@pytest.mark.alone
async def test_a_bare_xadd_is_in_the_log_within_200_ms(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await start_worker()
    started = time.monotonic()
    await desk.add({"data": '{"n":1}'})
    await desk.delivered([1], timeout_s=2)
    assert time.monotonic() - started < 0.2


@pytest.mark.alone
async def test_a_topic_that_joins_a_blocked_group_is_read_at_once(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await start_worker()
    await desk.publish([1])
    await desk.delivered([1])
    await asyncio.sleep(0.1)  # the group's read is blocked now, for up to a second
    started = time.monotonic()
    await desk.publish([2], OTHER)
    await desk.delivered([2], OTHER)
    assert time.monotonic() - started < 0.2


async def test_what_was_published_before_the_worker_started_is_delivered_in_order(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await desk.publish(range(2_000))
    await start_worker()
    ledger = await desk.delivered(range(2_000))
    assert max(len(batch.events) for batch in ledger.batches) == 200


async def test_topics_of_many_orgs_are_delivered_side_by_side(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    topics = [Topic(Org(f"org-{n}"), Service("tasks")) for n in range(150)]
    await start_worker()
    for topic in topics:
        await desk.publish(range(3), topic)
    for topic in topics:
        await desk.delivered(range(3), topic)


async def test_a_full_topic_is_left_out_of_reads_until_it_drained(
    desk: FanoutDesk, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanout.input.reader.TOPIC_MAX_BYTES", 20_000)
    await desk.publish(range(5_000))
    await start_worker()
    await desk.delivered(range(5_000), timeout_s=10)


async def test_a_repeated_id_is_delivered_once(desk: FanoutDesk, start_worker: StartWorker) -> None:
    worker = await start_worker()
    await desk.publish([1, 1, 2])
    await desk.publish([1])
    await desk.delivered([1, 2])
    assert worker.counters.duplicates == 2


async def test_a_repeat_in_an_old_backlog_is_found(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    # Two hours old by their ids, a second apart: what counts is the time between the two.
    first_ms = int((await desk.redis.time())[0]) * 1000 - 7_200_000
    await desk.add({"data": '{"n":1}', "eventId": "e1"}, entry_id=f"{first_ms}-0")
    await start_worker(sweep_ms=100)
    await desk.delivered([1])
    await asyncio.sleep(0.3)  # a few sweeps
    await desk.add({"data": '{"n":1}', "eventId": "e1"}, entry_id=f"{first_ms + 1_000}-0")
    await desk.add({"data": '{"n":2}'}, entry_id=f"{first_ms + 2_000}-0")
    await desk.delivered([1, 2])


@pytest.mark.parametrize("case", ["B115"])
async def test_of_one_id_with_two_payloads_the_first_wins(
    desk: FanoutDesk, start_worker: StartWorker, case: str
) -> None:
    worker = await start_worker()
    await desk.add({"eventId": "e1", "data": '{"n":1}'})
    await desk.add({"eventId": "e1", "data": '{"n":2}'})
    await desk.delivered([1])
    assert worker.counters.id_conflicts == 1


@pytest.mark.parametrize("case", ["B114"])
async def test_without_an_id_nothing_is_a_repeat(
    desk: FanoutDesk, start_worker: StartWorker, case: str
) -> None:
    worker = await start_worker()
    await desk.add({"data": '{"n":1}'})
    await desk.add({"data": '{"n":1}'})
    await desk.delivered([1, 1])
    assert worker.counters.events_without_id == 2


BAD_ENTRIES: dict[str, tuple[Fields, str]] = {
    "B109": ({"type": "task.updated"}, "schema"),
    "B110": ({"data": '"' + "x" * 70_000 + '"'}, "too_big"),
    "B111": ({"data": b"\xff\xfe"}, "decode"),
    "B112": ({"data": "{}"} | {f"f{n}": "x" for n in range(10_000)}, "shape"),
    "B112-name": ({"data": "{}", "x" * 1_000_000: "1"}, "shape"),
    "B113": ({"data": "{}", "eventId": ""}, "bad_id"),
    "B113-long": ({"data": "{}", "eventId": "x" * 129}, "bad_id"),
    "B113-binary": ({"data": "{}", "eventId": b"\x00\x01"}, "bad_id"),
    "B117": ({"data": "{}", "org": "globex"}, "tenant"),
    "B142": ({"data": "{}", "property_id": "p9"}, "schema"),
    "B143": ({"data": "{}", "traceparent": "x" * 3_000_000}, "too_big"),
    "B144": ({"data": r'"\ud83d"'}, "decode"),
    "F40-large": ({"data": b"x" * 10_000_000}, "too_big"),
    "F40-deep": ({"data": "[" * 20_000 + "]" * 20_000}, "decode"),
}


@pytest.mark.parametrize(("fields", "reason"), BAD_ENTRIES.values(), ids=BAD_ENTRIES.keys())
async def test_a_bad_entry_is_set_aside_and_the_next_ones_flow(
    desk: FanoutDesk, start_worker: StartWorker, fields: Fields, reason: str
) -> None:
    await start_worker()
    await desk.publish([1])
    bad_id = await desk.add(fields)
    await desk.publish([2])

    async def is_done() -> bool:
        (await desk.ledger()).check([{"n": 1}, {"n": 2}], dead_ids=[bad_id])
        return True

    await eventually(is_done)
    letter = (await desk.ledger()).dead[0]
    assert letter[b"reason"].decode() == reason
    given = fields.get("data", b"")
    data = given if isinstance(given, bytes) else given.encode()
    assert letter[b"head"] == (data[:256] if len(data) > 65_536 else data)
    assert int(letter[b"bytes"]) == len(data)
    assert letter[b"why"]


@pytest.mark.parametrize("case", ["B116"])
async def test_an_id_far_in_the_future_takes_its_place_like_any_other(
    desk: FanoutDesk, start_worker: StartWorker, case: str
) -> None:
    await start_worker()
    await desk.publish([1])
    await desk.add({"data": '{"n":2}', "eventId": "e2"}, entry_id="9999999999999-0")
    await desk.publish([3])
    await desk.delivered([1, 2, 3])


async def test_a_batch_names_the_first_traceparent_of_its_events(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await start_worker()
    await desk.add({"data": '{"n":1}', "traceparent": trace})
    await desk.delivered([1])
    [(_, fields)] = await read_range(desk.redis, desk.keys.batches(TOPIC))
    assert fields[b"t"].decode() == trace


async def test_each_batch_rings_the_bell_of_its_org(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    pubsub: Any = desk.redis.pubsub(ignore_subscribe_messages=True)
    await pubsub.ssubscribe(desk.keys.bell(TOPIC.org))
    await start_worker()
    await desk.publish([1])
    ledger = await desk.delivered([1])

    async def ring() -> str | None:
        message = await pubsub.get_message(timeout=0.1)
        return str(message["data"].decode()) if message else None

    assert await eventually(ring) == f"tasks {ledger.batches[-1].position}"
    await pubsub.aclose()


@pytest.mark.parametrize("case", ["F47-batches", "F47-topic", "F47-dead", "B119"])
async def test_a_key_of_a_wrong_type_stops_its_own_topic_alone(
    desk: FanoutDesk, start_worker: StartWorker, case: str
) -> None:
    worker = await start_worker()
    await desk.publish([1])
    await desk.publish([1], OTHER)
    await desk.delivered([1])
    await desk.delivered([1], OTHER)
    key = {
        "F47-batches": desk.keys.batches,
        "F47-topic": desk.keys.topic,
        "F47-dead": desk.keys.dead,
        "B119": desk.keys.events,
    }[case](TOPIC)
    await desk.redis.set(key, "planted")
    if case != "B119":
        await desk.publish([2])
    await desk.publish([2], OTHER)
    await desk.delivered([1, 2], OTHER)
    await eventually(lambda: worker.counters.topics_set_aside == 1)
    assert worker.counters.terms == 1
    assert await desk.redis.get(key) == b"planted"
    if case not in ("F47-batches", "B119"):
        assert await desk.redis.xlen(desk.keys.batches(TOPIC)) == 1, "half a commit was written"
