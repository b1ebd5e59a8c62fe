"""Concurrent publishes leave together, and each gets its own outcome."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from fanwire.errors import Busy, NotReplicated, RealtimeError, RedisRefused, Unreachable
from fanwire.publish.joined import JoinedPublishes
from fanwire.publish.new_event import NewEvent, Outgoing, checked_outgoing


def outgoing(number: int, service: str = "tasks") -> Outgoing:
    return checked_outgoing(NewEvent("acme", service, number, event_id=str(number)))


class WriteByHand:
    """Round trips that end when a test lets them."""

    def __init__(self) -> None:
        self.trips: list[list[str]] = []
        self.gate = asyncio.Event()
        self.judge: Callable[[Sequence[Outgoing]], RealtimeError | None] = lambda events: None

    async def __call__(self, events: Sequence[Outgoing]) -> list[str]:
        self.trips.append([event.event_id for event in events])
        await self.gate.wait()
        await turns(1)
        if (error := self.judge(events)) is not None:
            raise error
        return [f"{event.event_id}-0" for event in events]

    def open(self) -> None:
        self.gate.set()


async def turns(count: int = 5) -> None:
    """Let whatever can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)


Outcomes = list["str | BaseException"]


async def outcomes(joined: JoinedPublishes, *events: Outgoing) -> Outcomes:
    return await asyncio.gather(*map(joined.publish, events), return_exceptions=True)


async def test_what_comes_during_a_trip_leaves_together_in_the_next() -> None:
    write = WriteByHand()
    joined = JoinedPublishes(write)
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(joined.publish(outgoing(n))) for n in range(4)]
        await turns()
        assert write.trips == [["0"]]
        write.open()
    assert [call.result() for call in calls] == ["0-0", "1-0", "2-0", "3-0"]
    assert write.trips == [["0"], ["1", "2", "3"]]


async def test_a_trip_has_a_bound() -> None:
    write = WriteByHand()
    write.open()
    found = await outcomes(JoinedPublishes(write), *map(outgoing, range(1_201)))
    assert found == [f"{n}-0" for n in range(1_201)]
    assert max(map(len, write.trips)) == 500
    assert len(write.trips) <= 4


async def test_who_gives_up_takes_no_one_along() -> None:
    write = WriteByHand()
    joined = JoinedPublishes(write)
    async with asyncio.TaskGroup() as tasks:
        first, *others = (tasks.create_task(joined.publish(outgoing(n))) for n in range(3))
        await turns()
        first.cancel()
        await turns()
        write.open()
    assert first.cancelled()
    assert [call.result() for call in others] == ["1-0", "2-0"]


async def test_who_gives_up_in_the_queue_is_not_sent() -> None:
    write = WriteByHand()
    joined = JoinedPublishes(write)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(joined.publish(outgoing(0)))
        await turns()
        second, third = (tasks.create_task(joined.publish(outgoing(n))) for n in (1, 2))
        await turns()
        second.cancel()
        await turns()
        write.open()
    assert [first.result(), third.result()] == ["0-0", "2-0"]
    assert write.trips == [["0"], ["2"]]


async def test_a_full_topic_does_not_keep_others_out() -> None:
    write = WriteByHand()
    write.open()
    write.judge = lambda events: (
        Busy("full") if any(event.topic.service == "users" for event in events) else None
    )
    events = [outgoing(0), outgoing(1, "users"), outgoing(2), outgoing(3, "users")]
    first, second, third, fourth = await outcomes(JoinedPublishes(write), *events)
    assert (first, third) == ("0-0", "2-0")
    assert isinstance(second, Busy)
    assert isinstance(fourth, Busy)
    assert second is not fourth, "each task raises its own"


async def test_what_is_known_to_be_written_is_not_sent_again() -> None:
    write = WriteByHand()
    write.open()

    def refuse_users(events: Sequence[Outgoing]) -> RealtimeError | None:
        ids = [None if e.topic.service == "users" else f"{e.event_id}-0" for e in events]
        error = RedisRefused("WRONGTYPE")
        error.entry_ids = ids
        return error if None in ids else None

    write.judge = refuse_users
    events = [outgoing(0), outgoing(1, "users"), outgoing(2)]
    first, second, third = await outcomes(JoinedPublishes(write), *events)
    assert (first, third) == ("0-0", "2-0")
    assert isinstance(second, RedisRefused)
    assert sum(trip.count("0") + trip.count("2") for trip in write.trips) == 2


@pytest.mark.parametrize("kind", [Unreachable, NotReplicated])
async def test_what_concerns_all_is_told_to_all(kind: type[RealtimeError]) -> None:
    write = WriteByHand()
    write.open()

    def fail(events: Sequence[Outgoing]) -> RealtimeError:
        error = kind("no")
        error.entry_ids = ["1-0"] * len(events) if kind is NotReplicated else ()
        return error

    write.judge = fail
    found = await outcomes(JoinedPublishes(write), outgoing(0), outgoing(1, "users"))
    assert [type(each) for each in found] == [kind, kind]
