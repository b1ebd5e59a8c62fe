"""`fanwire topics` on a real server and a real worker."""

from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic
from tests.integration.fanout.conftest import FanoutDesk
from tests.integration.fanwire.cli.conftest import Ask, StartWorker
from tests.support.ledger import Ledger
from tests.support.waiting import eventually

USERS = Topic(Org("acme"), Service("users"))
OTHER = Topic(Org("other"), Service("tasks"))


async def committed(desk: FanoutDesk, count: int) -> Ledger:
    """Wait until so many events are committed, whatever else is dead."""

    async def is_done() -> Ledger | None:
        ledger = await desk.ledger()
        return ledger if len(ledger.events) == count and not ledger.unread_count else None

    return await eventually(is_done)


async def test_a_topic_without_a_worker_shows_its_lag(ask: Ask, desk: FanoutDesk) -> None:
    await desk.publish(range(3))
    await desk.publish(range(1), OTHER)
    ran = await ask("topics", "acme", "--json")
    (row,) = ran.rows
    assert ran.code == 0
    assert (row["org"], row["service"], row["position"]) == ("acme", "tasks", None)
    assert (row["lagEvents"], row["logBatches"], row["deadLetters"]) == (3, 0, 0)
    assert 0 <= row["lagMs"] < 60_000
    assert [row["org"] for row in (await ask("topics", "--json")).rows] == ["acme", "other"]


async def test_a_committed_topic_shows_position_log_and_window(
    ask: Ask, desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await start_worker()
    await desk.publish(range(5), USERS)
    ledger = await desk.delivered(range(5), USERS)
    (row,) = (await ask("topics", "--json")).rows
    assert row["position"] == str(ledger.batches[-1].position)
    assert (row["lagEvents"], row["lagMs"]) == (0, 0)
    assert row["logBatches"] >= 1
    assert row["logBytes"] > 0
    assert 1 <= row["windowMs"] <= 150
    told = (await ask("topics")).out
    assert "acme/users" in told
    assert row["position"] in told


async def test_dead_letters_are_listed_with_what_can_be_done(
    ask: Ask, desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await start_worker()
    await desk.add({"data": b"x" * 70_000})
    await desk.add({"data": b'{"n":1}', "eventId": b""})
    await desk.add({"data": b"{bad"})
    await desk.publish([1])
    await committed(desk, 1)
    rows = (await ask("topics", "dead", "acme", "tasks", "--json")).rows
    assert [(row["reason"], row["replayable"]) for row in rows] == [
        ("too_big", False),
        ("bad_id", True),
        ("decode", False),
    ]
    assert rows[1]["head"] == '{"n":1}'
    assert (rows[1]["field"], "'' is empty" in rows[1]["why"]) == ("eventId", True)
    told = (await ask("topics", "dead", "acme", "tasks", "--reason", "too_big")).out
    assert "only the first 256 bytes are kept" in told
    assert "bad_id" not in told


async def test_what_is_whole_is_published_again_and_the_rest_stays(
    ask: Ask, desk: FanoutDesk, start_worker: StartWorker
) -> None:
    await start_worker()
    await desk.add({"data": b"x" * 70_000})
    data = b'{"n":"%b"}' % (b"x" * 60_000)
    await desk.add({"data": data, "property_id": b"p9"})
    await desk.publish([1])
    await committed(desk, 1)
    ran = await ask("topics", "replay-dead", "acme", "tasks", "--property", "p9", "--json")
    assert ran.code == 0
    (told,) = ran.rows
    assert (told["published"], told["left"]) == (1, 1)
    assert told["leftBecause"] == {"only the first 256 bytes are kept": 1}
    ledger = await committed(desk, 2)
    assert ledger.events[-1]["propertyId"] == "p9"
    assert ledger.events[-1]["data"] == {"n": "x" * 60_000}
    left = (await ask("topics", "dead", "acme", "tasks", "--json")).rows
    assert [row["reason"] for row in left] == ["too_big"]
    nothing = await ask("topics", "replay-dead", "acme", "tasks", "--no-property")
    assert nothing.code == 1
    assert "published 0 of 1" in nothing.out
    assert "publish them again" in nothing.err
