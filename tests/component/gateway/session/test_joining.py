"""Joining sockets to topics, and changing what they get in place."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fanwire.core.ids import Service
from fanwire.core.keys import Topic
from fanwire.core.position import ZERO, Position
from gateway.connection.phases import SessionInput, SessionPhase
from gateway.delivery.replay_log import UnreadableTopic
from gateway.session.joining import WantedChange
from shared.redis.pipelined import RedisUnavailable
from tests.support.gateway_stage import GatewayStage, a_request, positions_in
from tests.support.gateway_values import (
    ACME,
    EPOCH,
    TASKS,
    TASKS_OF_ACME,
    USERS,
    a_chain,
    a_plain_chain,
    at,
    some_claims,
)
from tests.support.loopback import Client
from tests.support.server_frames import Reader, messages
from tests.support.waiting import eventually

USERS_OF_ACME = Topic(ACME, USERS)


def wanted(
    version: int,
    *services: str,
    property_id: str | None = None,
    property_version: int = 0,
) -> WantedChange:
    return WantedChange(version, frozenset(map(Service, services)), property_id, property_version)


async def deliver(stage: GatewayStage, topic: Topic = TASKS_OF_ACME, *, rows: Any = None) -> None:
    """Commit a batch of the topic and let the gateway deliver it."""
    held = await stage.feed.open(topic)
    entries = a_chain(*(rows or [[None]]), after=held.position, service=topic.service)
    stage.log.commit(topic, entries)
    held.deliver(entries, now_ms=0)


def seqs(told: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    return [
        (message["service"], event["seq"])
        for message in told
        if message["type"] == "batch"
        for event in message["events"]
    ]


async def test_hello_tells_the_head_from_which_the_socket_is_live() -> None:
    stage = GatewayStage()
    stage.log.commit(TASKS_OF_ACME, a_plain_chain(3))
    client = stage.client()
    [hello] = await stage.join(client, "tasks", "users")
    assert hello["type"] == "hello"
    assert (hello["connectionId"], hello["node"]) == (client.connection.id, "gw")
    assert positions_in(hello) == {"tasks": str(at(3)), "users": str(ZERO)}
    assert "recovered" not in hello["services"][0]
    await deliver(stage)
    assert seqs(client.messages()) == [("tasks", 4)]


async def test_a_socket_of_no_services_is_greeted_too() -> None:
    stage = GatewayStage()
    [hello] = await stage.join(stage.client())
    assert hello["services"] == []


@pytest.mark.parametrize("tail_entries", [0, 9], ids=["from-the-log", "from-the-tail"])
async def test_a_resume_is_replayed_behind_hello(tail_entries: int) -> None:
    stage = GatewayStage()
    if tail_entries:
        await deliver(stage, rows=[[None]] * 5)
    else:
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(5))
    client = stage.client()
    told = await stage.join(client, "tasks", resume={TASKS: at(2)})
    [row] = told[0]["services"]
    assert (row["position"], row["recovered"], row["replayed"]) == (str(at(2)), True, 3)
    assert seqs(told) == [("tasks", 3), ("tasks", 4), ("tasks", 5)]
    await deliver(stage)
    assert seqs(client.messages()) == [("tasks", 6)]


@pytest.mark.parametrize(
    ("resume", "reason"),
    [
        pytest.param(at(99), "unknown_epoch", id="B57-future"),
        pytest.param(at(1, epoch=EPOCH + 1), "unknown_epoch", id="B57-epoch"),
        pytest.param(at(1), "expired", id="B58"),
    ],
)
async def test_a_resume_that_cannot_be_honoured_is_a_reset_to_the_head(
    resume: Position, reason: str
) -> None:
    stage = GatewayStage()
    stage.log.commit(TASKS_OF_ACME, a_plain_chain(5))
    stage.log.trim(TASKS_OF_ACME, 3)
    client = stage.client()
    hello, reset = await stage.join(client, "tasks", resume={TASKS: resume})
    [row] = hello["services"]
    assert (row["position"], row["recovered"], row["replayed"]) == (str(at(5)), False, 0)
    assert (reset["type"], reset["reason"], reset["position"]) == ("reset", reason, str(at(5)))
    await deliver(stage)
    assert seqs(client.messages()) == [("tasks", 6)]


async def test_one_service_is_recovered_although_another_is_not() -> None:
    stage = GatewayStage()
    stage.log.commit(TASKS_OF_ACME, a_plain_chain(3))
    stage.log.commit(USERS_OF_ACME, a_plain_chain(3))
    stage.log.trim(USERS_OF_ACME, 3)
    told = await stage.join(stage.client(), "tasks", "users", resume={TASKS: at(1), USERS: at(1)})
    recovered = {row["name"]: row["recovered"] for row in told[0]["services"]}
    assert recovered == {"tasks": True, "users": False}
    assert seqs(told) == [("tasks", 2), ("tasks", 3)]


async def test_F47_a_resume_of_a_topic_that_is_not_ours_is_a_reset() -> None:
    stage = GatewayStage()
    stage.log.failing[TASKS_OF_ACME] = UnreadableTopic("WRONGTYPE")
    told = await stage.join(stage.client(), "tasks", "users", resume={TASKS: at(1)})
    assert [message["type"] for message in told] == ["hello", "reset"]


async def test_F29_what_is_committed_during_the_join_comes_once() -> None:
    stage = GatewayStage()
    stage.log.commit(TASKS_OF_ACME, a_plain_chain(2))
    client, reader = stage.client(), Reader(at(1))
    feeding: list[int] = []

    def commit_and_deliver() -> None:
        held = stage.hub.get(TASKS_OF_ACME)
        if held is None or len(feeding) == 5:
            return
        feeding.append(1)
        entries = a_plain_chain(1, after=held.position)
        stage.log.commit(TASKS_OF_ACME, entries)
        held.deliver(entries, now_ms=0)

    stage.log.before_reply = stage.log.after_reply = commit_and_deliver
    await stage.join_and_replay(client, a_request("tasks", resume={TASKS: at(1)}))
    await deliver(stage)
    reader.take(client.transport.received_in_full())
    assert reader.seqs == list(range(2, 4 + len(feeding)))
    assert feeding


async def test_a_join_that_redis_fails_is_for_its_caller_to_answer() -> None:
    stage = GatewayStage()
    stage.trips.failure = RedisUnavailable("gone")
    with pytest.raises(RedisUnavailable):
        await stage.join(stage.client(), "tasks")


async def test_a_socket_that_ends_during_its_join_joins_nothing() -> None:
    stage = GatewayStage()
    client = stage.client()
    stage.log.after_reply = client.transport.lose
    await stage.join_and_replay(client, a_request("tasks"))
    held = stage.hub.get(TASKS_OF_ACME)
    assert held is not None
    assert not held.is_needed


async def test_a_drain_that_overtakes_the_join_does_not_undo_it() -> None:
    stage = GatewayStage()
    client = stage.client()
    stage.log.after_reply = lambda: client.connection.advance(SessionInput.DRAIN)
    [hello] = await stage.join(client, "tasks")
    assert hello["type"] == "hello"


def _narrowed(stage: GatewayStage, client: Client, services: Sequence[str]) -> Callable[[], None]:
    def narrow() -> None:
        stage.log.after_reply = lambda: None
        allowed = frozenset(services)
        client.connection.claims = replace(client.connection.claims, services=allowed)
        stage.joiner.narrow(client.connection)

    return narrow


async def test_a_token_that_is_narrowed_during_the_join_widens_nothing_afterwards() -> None:
    stage = GatewayStage()
    client = stage.client(some_claims(services=["tasks", "users"]))
    stage.log.after_reply = _narrowed(stage, client, ["users"])
    [hello] = await stage.join(client, "tasks", "users")
    assert hello["type"] == "hello", "nothing comes before it"
    assert list(positions_in(hello)) == ["users"]
    await deliver(stage)
    assert client.messages() == []


async def test_a_token_that_is_narrowed_during_a_change_widens_nothing_afterwards() -> None:
    stage = GatewayStage()
    client = stage.client(some_claims(services=["tasks", "users"]))
    await stage.join(client, "users")
    stage.log.after_reply = _narrowed(stage, client, ["users"])
    await stage.joiner.change(client.connection, wanted(1, "tasks", "users"))
    assert list(positions_in(client.messages()[-1])) == ["users"]
    await deliver(stage)
    assert client.messages() == []


async def test_a_change_is_applied_in_place_and_acknowledged_with_the_heads() -> None:
    stage = GatewayStage()
    client = stage.client()
    await stage.join(client, "tasks")
    stage.log.commit(USERS_OF_ACME, a_plain_chain(7))
    await stage.joiner.change(client.connection, wanted(3, "users"))
    [told] = client.messages()
    assert (told["type"], told["version"], told["propertyId"]) == ("subscriptions", 3, None)
    assert positions_in(told) == {"users": str(at(7))}
    await deliver(stage)
    await deliver(stage, USERS_OF_ACME)
    assert seqs(client.messages()) == [("users", 8)]


async def test_a_change_that_is_not_newer_is_ignored() -> None:
    stage = GatewayStage()
    client = stage.client()
    await stage.join(client, "tasks")
    await stage.joiner.change(client.connection, wanted(3, "users"))
    client.messages()
    for version in (3, 2):
        await stage.joiner.change(client.connection, wanted(version, "tasks"))
    assert client.messages() == []
    assert client.connection.subscription.services == {"users"}


async def test_F34_of_changes_that_come_at_once_the_newest_wins() -> None:
    stage = GatewayStage()
    client = stage.client()
    await stage.join(client, "tasks")
    names = ["a", "b", "c", "d"]
    changes = [wanted(version, names[version - 1]) for version in (2, 4, 1, 3)]
    await asyncio.gather(*(stage.joiner.change(client.connection, each) for each in changes))
    assert client.connection.subscription.services == {"d"}
    assert [message["version"] for message in client.messages()] == [2, 4]


async def test_a_change_of_a_service_that_the_token_does_not_list_is_left_out() -> None:
    stage = GatewayStage()
    client = stage.client(some_claims(services=["tasks"]))
    await stage.join(client, "tasks")
    await stage.joiner.change(client.connection, wanted(1, "tasks", "finance"))
    assert list(positions_in(client.messages()[-1])) == ["tasks"]


async def test_a_change_during_the_join_waits_for_hello() -> None:
    stage = GatewayStage()
    client = stage.client()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.join_and_replay(client, a_request("tasks")))
        tasks.create_task(stage.joiner.change(client.connection, wanted(5, "users")))
    assert client.types() == ["hello", "subscriptions"]
    assert client.connection.subscription.services == {"users"}


async def test_a_change_from_before_the_connect_does_not_concern_the_socket() -> None:
    stage = GatewayStage()
    stage.trips.hashes["subs:{acme}"][":version"] = b"5"
    client = stage.client()
    await stage.join(client, "tasks")
    await stage.joiner.change(client.connection, wanted(5, "users"))
    assert client.connection.subscription.services == {"tasks"}


async def test_a_new_filter_takes_effect_at_the_head() -> None:
    stage = GatewayStage()
    client = stage.client()
    await stage.join(client, "tasks", property_id="p1")
    await deliver(stage, rows=[["p1"], ["p2"]])
    await stage.joiner.change(
        client.connection, wanted(1, "tasks", property_id="p2", property_version=1)
    )
    await deliver(stage, rows=[["p1"], ["p2"]])
    told = client.messages()
    assert seqs(told) == [("tasks", 1), ("tasks", 4)]
    assert told[1]["propertyId"] == "p2"
    assert positions_in(told[1]) == {"tasks": str(at(2))}


async def test_a_filter_that_is_older_than_the_sockets_own_is_not_applied() -> None:
    stage = GatewayStage()
    stage.trips.hashes["subs:{acme}"][":version"] = b"5"
    client = stage.client()
    await stage.join(client, "tasks", property_id="p1")
    await stage.joiner.change(
        client.connection, wanted(6, "tasks", "users", property_id="p2", property_version=4)
    )
    assert client.connection.subscription.property_id == "p1"
    assert client.messages()[-1]["propertyId"] == "p1"


async def test_a_filter_never_shows_more_than_the_token_allows() -> None:
    stage = GatewayStage()
    client = stage.client(some_claims(properties=["p1"]))
    await stage.join(client, "tasks", property_id="p1")
    await stage.joiner.change(
        client.connection, wanted(1, "tasks", property_id="p2", property_version=1)
    )
    client.messages()
    await deliver(stage, rows=[["p1"], ["p2"], [None]])
    assert seqs(client.messages()) == [("tasks", 3)]


async def test_a_service_whose_replay_is_under_way_has_no_position_yet_and_goes_on() -> None:
    stage = GatewayStage()
    stage.log.commit(TASKS_OF_ACME, a_plain_chain(20))
    client, reader = stage.client(), Reader(at(1))
    told: list[dict[str, Any]] = []

    async def change_when_live() -> None:
        await eventually(lambda: client.connection.phase is SessionPhase.LIVE, every_s=0)
        await stage.joiner.change(client.connection, wanted(1, "tasks", "users"))

    async def read_on() -> None:
        while not reader.seqs or reader.seqs[-1] < 20:
            await asyncio.sleep(0)
            written = client.transport.received_in_full()
            told.extend(messages(written))
            reader.take(written)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(read_on())
        tasks.create_task(change_when_live())
        await stage.join_and_replay(client, a_request("tasks", resume={TASKS: at(1)}))
    assert reader.seqs == list(range(2, 21))
    [changed] = [message for message in told if message["type"] == "subscriptions"]
    assert positions_in(changed) == {"tasks": None, "users": str(ZERO)}


async def test_a_service_that_is_left_during_its_replay_is_not_replayed_on() -> None:
    stage = GatewayStage()
    stage.log.commit(TASKS_OF_ACME, a_plain_chain(40))
    client = stage.client()

    def leave() -> None:
        if client.connection.phase is SessionPhase.LIVE:
            client.connection.claims = replace(client.connection.claims, services=frozenset())
            stage.joiner.narrow(client.connection)

    stage.log.after_reply = leave
    told = await stage.join(client, "tasks", resume={TASKS: at(1)})
    assert [message["type"] for message in told] == ["hello", "subscriptions"]
    held = stage.hub.get(TASKS_OF_ACME)
    assert held is not None
    assert not held.is_needed


async def test_a_narrowed_socket_is_told_what_it_keeps() -> None:
    stage = GatewayStage()
    client = stage.client()
    await stage.join(client, "tasks", "users")
    client.connection.claims = replace(client.connection.claims, services=frozenset(["users"]))
    stage.joiner.narrow(client.connection)
    [told] = client.messages()
    assert (told["type"], list(positions_in(told))) == ("subscriptions", ["users"])
    await deliver(stage)
    assert client.messages() == []
