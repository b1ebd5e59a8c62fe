"""Reading and changing what every node sees of a user's subscriptions."""

import asyncio
from typing import Any, Final

import pytest

from fanwire.core.connection_ids import connection_field
from fanwire.core.ids import Service, UserId
from fanwire.core.keys import Keys
from fanwire.core.subscription import Subscription
from fanwire.errors import NotFound, Overloaded, StaleVersion
from gateway.session.store import SubscriptionChange, SubscriptionStore
from shared.redis.pipelined import RedisUnavailable
from tests.support.gateway_values import ACME, DEMO, TASKS, USERS
from tests.support.memory_redis import MemoryTrips

KEY: Final = Keys().subs(ACME)
MINE: Final = connection_field(DEMO, "gw~1")


class StoreStage:
    def __init__(self) -> None:
        self.trips = MemoryTrips()
        self.store = SubscriptionStore(self.trips, Keys())

    async def change(self, *services: str, **changed: Any) -> Subscription:
        change = a_change(*services, **changed)
        return await self.store.change(ACME, DEMO, change)

    async def register(self, property_id: str | None = None) -> int:
        return await self.store.register(ACME, MINE, frozenset([TASKS]), property_id)


def a_change(
    *services: str,
    property_id: str | None = None,
    sets_property: bool = False,
    connection_id: str | None = None,
    if_version: int | None = None,
    request_id: str | None = None,
) -> SubscriptionChange:
    return SubscriptionChange(
        frozenset(map(Service, services)),
        property_id,
        sets_property,
        connection_id,
        if_version,
        request_id,
    )


async def test_a_change_is_stored_under_the_next_version_and_rung() -> None:
    stage = StoreStage()
    stored = await stage.change("tasks", "users")
    assert stored == Subscription(1, frozenset([TASKS, USERS]), None, 0)
    assert await stage.store.read(ACME, [DEMO]) == [stored]
    assert stage.trips.rung == [":subs 1 demo"]
    assert await stage.store.version(ACME) == 1


async def test_versions_count_the_changes_of_all_users_of_an_org() -> None:
    stage = StoreStage()
    await stage.change("tasks")
    other = await stage.store.change(ACME, UserId("eve"), a_change("tasks"))
    assert other.version == 2
    assert (await stage.change("users")).version == 3


async def test_B96_an_empty_list_is_stored_as_one() -> None:
    assert (await StoreStage().change()).services == frozenset()


async def test_an_omitted_property_keeps_the_filter_and_the_version_that_set_it() -> None:
    stage = StoreStage()
    await stage.change("tasks", property_id="p1", sets_property=True)
    kept = await stage.change("users")
    assert (kept.version, kept.property_id, kept.property_version) == (2, "p1", 1)


async def test_a_null_property_clears_the_filter() -> None:
    stage = StoreStage()
    await stage.change("tasks", property_id="p1", sets_property=True)
    cleared = await stage.change("tasks", sets_property=True)
    assert (cleared.property_id, cleared.property_version) == (None, 2)


async def test_a_change_of_one_connection_has_a_field_of_its_own() -> None:
    stage = StoreStage()
    await stage.register()
    stored = await stage.change("users", connection_id="gw~1")
    assert await stage.store.read(ACME, [DEMO, MINE]) == [None, stored]
    assert stage.trips.rung == [":subs 1 demo#gw~1"]


@pytest.mark.parametrize("connection_id", ["gw~2", "gw~9#x", "*"])
async def test_B61_a_change_of_a_connection_that_is_not_open_here_writes_nothing(
    connection_id: str,
) -> None:
    stage = StoreStage()
    await stage.register()
    before = dict(stage.trips.hashes[KEY])
    with pytest.raises(NotFound):
        await stage.change("users", connection_id=connection_id)
    assert (stage.trips.hashes[KEY], stage.trips.rung) == (before, [])


async def test_B61_a_connection_of_another_user_is_not_found() -> None:
    stage = StoreStage()
    await stage.register()
    with pytest.raises(NotFound):
        await stage.store.change(ACME, UserId("eve"), a_change("users", connection_id="gw~1"))


async def test_B61_a_connection_that_ends_before_the_write_is_not_found() -> None:
    stage = StoreStage()
    await stage.register()

    def end(command: tuple[object, ...]) -> None:
        if command[0] == "EVALSHA":
            stage.trips.hashes[KEY].pop(MINE, None)

    stage.trips.before = end
    with pytest.raises(NotFound):
        await stage.change("users", connection_id="gw~1")
    assert stage.trips.rung == []


@pytest.mark.parametrize("if_version", [0, 2, 99])
async def test_B102_a_stale_version_is_refused_with_the_current_one(if_version: int) -> None:
    stage = StoreStage()
    await stage.change("tasks")
    with pytest.raises(StaleVersion) as caught:
        await stage.change("users", if_version=if_version)
    assert caught.value.as_dict()["version"] == 1
    assert await stage.store.version(ACME) == 1


async def test_B102_the_current_version_is_accepted() -> None:
    stage = StoreStage()
    assert (await stage.change("tasks", if_version=0)).version == 1
    assert (await stage.change("users", if_version=1)).version == 2


async def test_B103_the_same_request_again_gets_the_same_answer_and_no_second_version() -> None:
    stage = StoreStage()
    first = await stage.change("tasks", request_id="r1", if_version=0)
    assert await stage.change("users", request_id="r1", if_version=0) == first
    assert await stage.store.version(ACME) == 1


async def test_B104_changes_at_once_are_serialised() -> None:
    stage = StoreStage()
    stored = await asyncio.gather(*(stage.change(name) for name in ("a", "b", "c")))
    assert sorted(each.version for each in stored) == [1, 2, 3]
    [last] = await stage.store.read(ACME, [DEMO])
    assert last in stored
    assert last is not None
    assert last.version == 3


async def test_a_field_that_changes_at_every_try_is_given_up_with_a_time_to_come_back() -> None:
    stage = StoreStage()

    def interfere(command: tuple[object, ...]) -> None:
        if command[0] == "EVAL":
            version = len(stage.trips.calls)
            body = b'{"services":[],"propertyId":null,"propertyVersion":0,"requestId":null}'
            stage.trips.hashes[KEY][DEMO] = b"%d %b" % (version, body)

    stage.trips.before = interfere
    with pytest.raises(Overloaded) as caught:
        await stage.change("tasks")
    assert caught.value.retry_after_ms is not None


async def test_B106_what_redis_refuses_is_for_the_caller_to_answer() -> None:
    stage = StoreStage()
    stage.trips.failure = RedisUnavailable("OOM")
    with pytest.raises(RedisUnavailable):
        await stage.change("tasks")


async def test_a_connection_is_registered_with_the_version_of_that_moment() -> None:
    stage = StoreStage()
    await stage.change("users")
    assert await stage.register("p1") == 1
    [own] = await stage.store.read(ACME, [MINE])
    assert own == Subscription(0, frozenset([TASKS]), "p1", 0)


async def test_registering_does_not_undo_a_change_that_came_first() -> None:
    stage = StoreStage()
    await stage.register()
    stored = await stage.change("users", connection_id="gw~1")
    await stage.register()
    assert await stage.store.read(ACME, [MINE]) == [stored]


async def test_an_ended_connection_leaves_no_field() -> None:
    stage = StoreStage()
    await stage.register()
    stage.store.unregister(ACME, MINE)
    assert await stage.store.read(ACME, [MINE]) == [None]


async def test_reading_no_fields_asks_nothing() -> None:
    stage = StoreStage()
    assert await stage.store.read(ACME, []) == []
    assert stage.trips.calls == []
