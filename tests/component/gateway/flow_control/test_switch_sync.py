"""Following the live flags: who is told what, and what a failure leaves as it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.core.switches import Switches
from gateway.connection.records import ActiveSubscription
from gateway.flow_control.switch_sync import SwitchSync
from shared.redis.pipelined import RedisUnavailable, WrongType
from tests.support.gateway_stage import GatewayStage, a_request
from tests.support.gateway_values import ACME, some_claims
from tests.support.lagging import Ears, deliver
from tests.support.loopback import Client
from tests.support.server_frames import close_code, messages
from tests.support.waiting import eventually

GLOBEX = Org("globex")


class Watched(GatewayStage):
    """A stage whose flags are followed."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = Keys()
        self.watch = SwitchSync(
            self.trips, self.keys, self.registry, self.switchboard, self.withholding
        )

    def throw(self, field: str, value: str = "1", *, org: Org | None = None) -> None:
        key = self.keys.flags() if org is None else self.keys.org_flags(org)
        self.trips.hashes[key][field] = value.encode()
        if org is not None:
            self.watch.changed(org)

    async def live(self, *services: str, org: Org = ACME) -> tuple[Client, Ears]:
        await self.watch.open(org)
        client = self.client(some_claims(org=org))
        ears = Ears(client)
        await self.joiner.join(client.connection, a_request(*services))
        ears.listen()
        return client, ears


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.flow_control.switch_sync.READ_S", 0.0)
    monkeypatch.setattr("gateway.flow_control.switch_sync.READS_PER_POLL", 10**9)
    monkeypatch.setattr("gateway.delivery.catch_up.PACE_S", 0.0)


@asynccontextmanager
async def running() -> AsyncIterator[Watched]:
    stage = Watched()
    async with asyncio.TaskGroup() as tasks:
        loops = [tasks.create_task(stage.watch.run()), tasks.create_task(stage.withholding.run())]
        yield stage
        for loop in loops:
            loop.cancel()


async def until(condition: Callable[[], object]) -> None:
    await eventually(condition, every_s=0)


def told_off(ears: Ears) -> list[list[str]]:
    ears.listen()
    return [message["services"] for message in ears.of_type("disabled")]


async def test_a_switched_service_is_told_kept_and_given_back() -> None:
    async with running() as stage:
        _, ears = await stage.live("analytics", "tasks")
        stage.throw("disable:analytics")
        await until(lambda: told_off(ears) == [["analytics"]])
        await deliver(stage, "analytics")
        await deliver(stage, "tasks")
        ears.listen()
        assert [batch["service"] for batch in ears.of_type("batch")] == ["tasks"]
        stage.throw("disable:analytics", "0")
        await until(lambda: told_off(ears) == [["analytics"], []])
        await until(lambda: told_off(ears) and ears.readers["analytics"].seqs == [1])


async def test_only_whom_a_switch_concerns_is_told() -> None:
    async with running() as stage:
        _, ears = await stage.live("tasks")
        _, foreign = await stage.live("analytics", org=GLOBEX)
        client, concerned = await stage.live("analytics")
        stage.throw("disable:analytics", org=ACME)
        await until(lambda: told_off(concerned) == [["analytics"]])
        assert told_off(ears) == told_off(foreign) == []
        assert client.connection.is_open


async def test_an_emergency_says_what_is_off_and_closes() -> None:
    async with running() as stage:
        client, _ = await stage.live("analytics", "tasks")
        stage.throw("emergency")
        await until(lambda: not client.connection.is_open)
        written = client.transport.received()
        disabled, error = messages(written)
        assert (disabled["type"], disabled["services"]) == ("disabled", ["analytics", "tasks"])
        assert disabled["retryAfterMs"] == error["retryAfterMs"]
        assert close_code(written) == 1013


async def test_a_socket_that_is_not_greeted_yet_is_told_by_its_hello() -> None:
    async with running() as stage:
        client = stage.client()
        ears = Ears(client)
        client.connection.subscription = ActiveSubscription(a_request("analytics").services)
        stage.throw("disable:analytics")
        await until(lambda: stage.switchboard.is_off(ACME, "analytics"))
        ears.listen()
        assert ears.told == []
        await stage.joiner.join(client.connection, a_request("analytics"))
        ears.listen()
        assert [message["type"] for message in ears.told] == ["hello", "disabled"]


@pytest.mark.parametrize("unread", ["every key", "the org's key"])
async def test_while_redis_is_gone_the_last_state_stays_and_what_was_due_stays_due(
    unread: str,
) -> None:
    async with running() as stage:
        _, ears = await stage.live("analytics")
        stage.throw("disable:analytics", org=ACME)
        await until(lambda: told_off(ears) == [["analytics"]])

        def fail(command: tuple[object, ...]) -> None:
            is_hit = unread == "every key" or command[1] == stage.keys.org_flags(ACME)
            stage.trips.failure = RedisUnavailable("gone") if is_hit else None

        stage.trips.before = fail
        stage.throw("disable:analytics", "0", org=ACME)
        called = len(stage.trips.calls)
        await until(lambda: len(stage.trips.calls) > called + 3)
        assert stage.switchboard.is_off(ACME, "analytics")
        stage.trips.before, stage.trips.failure = lambda _: None, None
        await until(lambda: told_off(ears) == [["analytics"], []])


async def test_one_key_that_is_no_hash_keeps_no_other_from_being_read() -> None:
    async with running() as stage:
        bad = stage.keys.org_flags(GLOBEX)

        def refuse(command: tuple[object, ...]) -> None:
            stage.trips.failure = WrongType("WRONGTYPE") if command[1] == bad else None

        stage.trips.before = refuse
        await stage.live("analytics", org=GLOBEX)
        _, ears = await stage.live("analytics")
        stage.watch.changed(GLOBEX)
        stage.throw("disable:analytics", org=ACME)
        await until(lambda: told_off(ears) == [["analytics"]])


async def test_what_is_no_text_switches_nothing_and_stops_nothing() -> None:
    async with running() as stage:
        _, ears = await stage.live("analytics")
        stage.trips.hashes[stage.keys.flags()]["emergency"] = b"\xff"
        stage.throw("disable:analytics")
        await until(lambda: told_off(ears) == [["analytics"]])


async def test_an_org_without_sockets_is_forgotten_and_read_again_for_the_next() -> None:
    async with running() as stage:
        client, _ = await stage.live("analytics")
        client.transport.lose()
        await until(lambda: not stage.switchboard.knows(ACME))
        stage.throw("disable:analytics", org=ACME)
        await stage.watch.open(ACME)
        assert stage.switchboard.is_off(ACME, "analytics")


async def test_an_org_that_was_forgotten_before_its_first_socket_came_is_read_soon() -> None:
    async with running() as stage:
        stage.trips.hashes[stage.keys.org_flags(ACME)]["disable:analytics"] = b"1"
        await stage.watch.open(ACME)
        stage.switchboard.forget_all_but(set())
        client = stage.client()
        ears = Ears(client)
        await stage.joiner.join(client.connection, a_request("analytics"))
        await until(lambda: told_off(ears) == [["analytics"]])


async def test_the_flags_of_all_orgs_are_known_before_the_first_socket() -> None:
    stage = Watched()
    stage.throw("emergency")
    await stage.watch.open(ACME)
    assert stage.switchboard.of(ACME) == Switches(emergency=True)
