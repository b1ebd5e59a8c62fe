"""Leaving without anybody noticing."""

import asyncio

import pytest

from fanwire.errors import Draining
from gateway.cluster.dismissal import LONGEST_CLIENT_WAIT_MS
from gateway.cluster.drain import Drainer, DrainState, DrainTimes
from gateway.connection.connection import Connection
from gateway.connection.phases import SessionInput
from gateway.connection.rate_limit import RateLimit
from gateway.edge.admission import Admission, AdmissionLimits
from tests.support.gateway_stage import GatewayStage
from tests.support.loopback import Client
from tests.support.server_frames import close_code, messages
from tests.support.tracing import RecordedSpans

RATE = RateLimit(per_s=10, burst=100)


class DrainStage(GatewayStage):
    def __init__(self, *, notice_ms: int = 0, window_ms: int = 0) -> None:
        super().__init__()
        limits = AdmissionLimits(100, 100, 100, None, RATE, RATE)
        self.admission = Admission(limits, self.registry)
        self.spans = RecordedSpans()
        self.drainer = Drainer(
            self.registry,
            self.admission,
            DrainTimes(notice_ms, window_ms),
            self.spans.tracer,
        )


@pytest.fixture(autouse=True)
def _no_last_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cluster.drain.LAST_CLOSES_S", 0.0)


async def drained(stage: DrainStage) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.drainer.run())
        await stage.drainer.drain()


def assert_was_moved(client: Client) -> None:
    written = client.transport.received()
    drain, error = messages(written)
    assert drain["type"] == "drain"
    assert 0 <= drain["reconnectAfterMs"] < LONGEST_CLIENT_WAIT_MS
    assert error["retryAfterMs"] == drain["reconnectAfterMs"]
    assert close_code(written) == 1012


async def test_F23_every_socket_is_told_and_then_closed() -> None:
    stage = DrainStage()
    live, joining = stage.client(), stage.client()
    live.connection.advance(SessionInput.HELLO)
    await drained(stage)
    assert_was_moved(live)
    assert_was_moved(joining)
    assert len(stage.registry) == 0


async def test_B24_from_the_first_moment_on_nobody_new_is_let_in() -> None:
    stage = DrainStage(notice_ms=5)
    client = stage.client()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(drained(stage))
        await asyncio.sleep(0)
        with pytest.raises(Draining):
            stage.admission.check_node()
        assert client.connection.is_open, "the balancers have not noticed yet"


async def test_whoever_asks_second_waits_for_the_drain_that_is_under_way() -> None:
    stage = DrainStage(notice_ms=5)
    client = stage.client()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.drainer.run())
        stage.drainer.begin()
        assert stage.drainer.state == DrainState(True, False, 1)
        await asyncio.gather(stage.drainer.drain(), stage.drainer.drain())
    assert stage.drainer.state == DrainState(True, True, 0)
    assert_was_moved(client)


async def test_who_stops_waiting_does_not_stop_the_drain() -> None:
    stage = DrainStage(notice_ms=5)
    client = stage.client()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.drainer.run())
        impatient = asyncio.create_task(stage.drainer.drain())
        await asyncio.sleep(0)
        impatient.cancel()
    assert_was_moved(client)


async def test_without_sockets_there_is_nothing_to_wait_for() -> None:
    async with asyncio.timeout(1):
        await drained(DrainStage(notice_ms=3_600_000))


async def test_a_socket_that_leaves_by_itself_is_left_alone() -> None:
    stage = DrainStage(notice_ms=5)
    client = stage.client()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(drained(stage))
        await asyncio.sleep(0)
        client.transport.lose()
    assert client.transport.received() == b""


async def test_a_socket_that_was_let_in_before_and_upgraded_since_is_moved_too() -> None:
    stage = DrainStage()
    first, late = stage.client(), stage.client()
    stage.registry.remove(late.connection)  # let in, and not upgraded yet
    end_of_first = stage.registry.remove

    def upgrade_the_late_one(connection: Connection) -> None:
        end_of_first(connection)
        if connection is first.connection:
            stage.registry.add(late.connection)

    stage.registry.remove = upgrade_the_late_one  # type: ignore[method-assign]
    await drained(stage)
    assert_was_moved(late)


async def test_F23_sockets_leave_one_by_one_over_the_window() -> None:
    stage = DrainStage(window_ms=40)
    for _ in range(4):
        stage.client()
    counts: list[int] = []
    async with asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(drained(stage))
        while not draining.done():
            counts.append(len(stage.registry))
            await asyncio.sleep(0)
    assert sorted(set(counts), reverse=True)[:4] == [4, 3, 2, 1]


async def test_a_drain_is_one_span_and_none_where_nobody_is() -> None:
    stage = DrainStage()
    stage.client(), stage.client()
    await drained(stage)
    assert stage.spans.only.name == "drain"
    assert stage.spans.only.attributes == {"fanwire.result": "finished", "fanwire.count": 2}
    empty = DrainStage()
    await drained(empty)
    assert empty.spans.all == ()
