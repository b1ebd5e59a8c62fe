"""`fanwire trace` on a real server and a real worker."""

from typing import Any

from fanwire.core.keys import Keys
from tests.integration.fanout.conftest import TOPIC, FanoutDesk
from tests.integration.fanwire.cli.conftest import Ask, StartWorker
from tests.support.waiting import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def traced(ask: Ask, event: str, *options: str) -> dict[str, Any]:
    ran = await ask("trace", event, "--json", *options)
    assert ran.code == 0, ran.err
    (row,) = ran.rows
    return row


async def test_an_entry_that_no_worker_has_taken_is_waiting(ask: Ask, desk: FanoutDesk) -> None:
    (entry_id,) = await desk.publish([1])
    row = await traced(ask, entry_id)
    assert (row["state"], row["org"], row["service"]) == ("waiting", "acme", "tasks")
    assert (row["entryId"], row["eventId"]) == (entry_id, "e1")
    assert (await traced(ask, "e1"))["state"] == "waiting"
    assert "for a worker to commit it" in (await ask("trace", "e1")).out


async def test_a_committed_event_is_found_by_each_of_its_names(
    ask: Ask, desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await start_worker()
    traceparent = f"00-{TRACE}-00f067aa0ba902b7-01"
    entry_id = await desk.add(
        {"data": '{"n":0}', "eventId": "first", "traceparent": traceparent, "propertyId": "p9"}
    )
    await desk.delivered([0])
    await desk.publish(range(1, 4))
    ledger = await desk.delivered(range(4))
    row = await traced(ask, "first")
    assert row["state"] == "committed"
    assert row["position"] == str(ledger.batches[0].position)
    assert (row["seq"], row["behindHead"], row["propertyId"]) == (1, 3, "p9")
    assert (row["traceId"], row["previous"]) == (TRACE, "0-0")
    assert row["betweenMs"] == row["committedAtMs"] - row["publishedAtMs"]
    assert await traced(ask, row["position"]) == row
    assert await traced(ask, entry_id, "--org", "acme", "--service", "tasks") == row
    told = (await ask("trace", "first")).out
    assert f"3 events behind the head {ledger.batches[-1].position}" in told
    assert TRACE in told


async def test_a_dead_letter_is_found_with_its_reason(
    ask: Ask, desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await start_worker()
    entry_id = await desk.add({"data": "{bad"})
    await eventually(lambda: _has_dead_letter(desk))
    row = await traced(ask, entry_id)
    assert (row["state"], row["reason"], row["entryId"]) == ("dead", "decode", entry_id)
    assert "because of decode" in (await ask("trace", entry_id)).out


async def test_an_event_is_found_behind_a_gap_of_the_input(
    ask: Ask, desk: FanoutDesk, start_worker: StartWorker
) -> None:
    worker = await start_worker(sweep_ms=100)
    [entry_id] = await desk.publish([0])
    await desk.delivered([0])
    async with desk.redis.pipeline(transaction=True) as pipe:
        pipe.xadd(desk.keys.events(TOPIC), {"data": "1"})
        pipe.xtrim(desk.keys.events(TOPIC), maxlen=0, approximate=False)
        await pipe.execute()
    await eventually(lambda: worker.counters.input_gaps == 1)
    assert (await traced(ask, entry_id))["state"] == "committed"


async def test_what_left_the_log_is_told_by_its_position_and_unknown_without(
    ask: Ask, desk: FanoutDesk, start_worker: StartWorker, key_prefix: str
) -> None:
    await start_worker()
    await desk.publish([0])
    position = str((await desk.delivered([0])).batches[0].position)
    await desk.redis.xtrim(Keys(key_prefix).batches(TOPIC), maxlen=0, approximate=False)
    assert (await traced(ask, position))["state"] == "trimmed"
    ran = await ask("trace", "e0", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "was trimmed" in ran.err


async def _has_dead_letter(desk: FanoutDesk) -> bool:
    return bool((await desk.ledger()).dead)
