"""Services that a socket does not get for a while, whatever happens meanwhile."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanwire.core.ids import Service
from fanwire.core.position import ZERO
from fanwire.core.switches import Switches
from fanwire.core.tiers import Tier
from gateway.connection.phases import SessionPhase
from gateway.delivery.chain import ResetReason
from gateway.flow_control import socket_flow
from gateway.flow_control.withholding import LONGEST_REPLAY_EVENTS
from gateway.session.joining import WantedChange
from shared.redis.pipelined import RedisUnavailable
from tests.support.gateway_stage import GatewayStage, a_request, positions_in
from tests.support.gateway_values import EPOCH, a_batch, a_chain, at, some_claims
from tests.support.lagging import Ears, deliver, returning, stall, topic_of
from tests.support.loopback import Client
from tests.support.waiting import eventually

ANALYTICS = frozenset({"ANALYTICS"})


@pytest.fixture(autouse=True, scope="module")
def _without_pauses() -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr("gateway.delivery.catch_up.PACE_S", 0.0)
    patch.setattr("gateway.flow_control.withholding.RETRY_S", 0.0)


def hide(client: Client, *, hidden: bool) -> None:
    client.says(b'{"type":"visibility","hidden":%b}' % (b"true" if hidden else b"false"))


def a_change(version: int, *services: str, property_id: str | None = None) -> WantedChange:
    property_version = 0 if property_id is None else version
    return WantedChange(version, frozenset(map(Service, services)), property_id, property_version)


async def a_client(stage: GatewayStage, *services: str) -> tuple[Client, Ears]:
    client = stage.client()
    ears = Ears(client)
    await stage.join_and_replay(client, a_request(*services))
    ears.listen()
    return client, ears


async def seen(ears: Ears, service: str, *seqs: int) -> None:
    """Wait until a service's events are exactly these."""

    def are() -> bool:
        ears.listen()
        return ears.readers[service].seqs == list(seqs)

    await eventually(are, every_s=0, timeout_s=2)


async def test_a_hidden_page_keeps_critical_and_high_and_gets_the_rest_on_its_return() -> None:
    stage = GatewayStage()
    services = ("finance", "tasks", "properties", "analytics")
    async with returning(stage):
        client, ears = await a_client(stage, *services)
        hide(client, hidden=True)
        for service in services:
            await deliver(stage, service, 2)
        ears.listen()
        assert {m["service"] for m in ears.of_type("batch")} == {"finance", "tasks"}
        hide(client, hidden=False)
        for service in services:
            await seen(ears, service, 1, 2)
    assert stage.hub.get(topic_of("analytics")) is not None


async def test_a_page_that_flickers_before_hello_is_greeted_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, registered = GatewayStage(), asyncio.Event()
    await a_client(stage, "analytics")  # the topic is held

    async def register(*_: object) -> int:
        await registered.wait()
        return 0

    monkeypatch.setattr(stage.store, "register", register)
    async with returning(stage), asyncio.TaskGroup() as tasks:
        client = stage.client()
        ears = Ears(client)
        tasks.create_task(stage.join_and_replay(client, a_request("analytics")))
        await asyncio.sleep(0)
        for hidden in (True, False):
            hide(client, hidden=hidden)
        for _ in range(5):
            await asyncio.sleep(0)
        await deliver(stage, "analytics")
        hide(client, hidden=True)
        registered.set()
        await eventually(lambda: client.connection.phase is SessionPhase.LIVE, every_s=0)
        await deliver(stage, "analytics")
        ears.listen()
        assert [message["type"] for message in ears.told] == ["hello"]
        hide(client, hidden=False)
        await seen(ears, "analytics", 2)


async def test_a_resume_of_a_hidden_page_goes_on_from_where_it_was() -> None:
    stage = GatewayStage()
    await deliver(stage, "analytics", 5)
    async with returning(stage):
        client = stage.client()
        ears = Ears(client)
        client.connection.is_hidden = True
        await stage.join_and_replay(
            client,
            a_request("analytics", resume={Service("analytics"): at(2)}),
        )
        ears.listen()
        assert not ears.of_type("batch")
        hide(client, hidden=False)
        await seen(ears, "analytics", 3, 4, 5)


async def test_a_catch_up_that_is_interrupted_goes_on_from_where_it_was() -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, "analytics")
        hide(client, hidden=True)
        await deliver(stage, "analytics", 200)

        def interrupt() -> None:
            if stage.log.read_count % 2:
                hide(client, hidden=True)
                hide(client, hidden=False)

        stage.log.after_reply = interrupt
        hide(client, hidden=False)
        await seen(ears, "analytics", *range(1, 201))
    assert client.connection.is_open


async def test_too_much_to_replay_is_a_reset_and_live_from_there() -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, "analytics")
        hide(client, hidden=True)
        held = stage.hub.get(topic_of("analytics"))
        assert held is not None
        far = LONGEST_REPLAY_EVENTS + 1
        held.deliver([a_batch(ZERO, at(far), service="analytics")], now_ms=0)
        hide(client, hidden=False)
        await eventually(lambda: held.audiences, every_s=0)
        held.deliver(a_chain([None], after=at(far), service="analytics"), now_ms=0)
        ears.listen()
    [reset] = ears.of_type("reset")
    assert (reset["reason"], reset["position"]) == (ResetReason.OVERFLOW, str(at(far)))
    assert ears.readers["analytics"].position == at(far + 1)


async def test_a_return_that_redis_fails_is_tried_again_from_the_same_place() -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, "analytics")
        hide(client, hidden=True)
        await deliver(stage, "analytics", 100)  # more than the tail holds
        stage.log.failures = [RedisUnavailable("gone"), RedisUnavailable("still gone")]
        hide(client, hidden=False)
        await seen(ears, "analytics", *range(1, 101))
    assert client.connection.is_open
    assert not ears.of_type("reset")


async def test_a_log_that_was_trimmed_meanwhile_is_a_reset() -> None:
    stage = GatewayStage()
    topic = topic_of("analytics")
    async with returning(stage):
        client, ears = await a_client(stage, "analytics")
        hide(client, hidden=True)
        await deliver(stage, "analytics", 100)
        stage.log.trim(topic, 20)
        hide(client, hidden=False)

        def is_told() -> bool:
            ears.listen()
            return ears.readers["analytics"].position == at(100)

        await eventually(is_told, every_s=0)
    assert [reset["reason"] for reset in ears.of_type("reset")] == [ResetReason.EXPIRED]


async def test_a_rollback_meanwhile_is_a_reset_on_the_return() -> None:
    stage = GatewayStage()
    topic = topic_of("analytics")
    async with returning(stage):
        client, ears = await a_client(stage, "analytics")
        await deliver(stage, "analytics", 5)
        hide(client, hidden=True)
        held = stage.hub.get(topic)
        assert held is not None
        stage.log.entries[topic] = stage.log.entries[topic][:3]
        held.reset(ResetReason.ROLLED_BACK, at(3))
        again = a_chain([None], after=at(3), epoch=EPOCH + 1, service="analytics")
        stage.log.commit(topic, again)
        held.deliver(again, now_ms=0)
        hide(client, hidden=False)
        await eventually(lambda: held.audiences, every_s=0)
        ears.listen()
    assert [reset["reason"] for reset in ears.of_type("reset")] == [ResetReason.ROLLED_BACK]
    assert ears.readers["analytics"].position == at(1, epoch=EPOCH + 1)


async def test_what_is_withheld_and_left_does_not_come_back() -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, "tasks", "analytics")
        hide(client, hidden=True)
        await deliver(stage, "analytics")
        await stage.joiner.change(
            client.connection,
            a_change(2, "tasks"),
        )
        hide(client, hidden=False)
        await deliver(stage, "analytics")
        for _ in range(5):
            await asyncio.sleep(0)
        ears.listen()
    assert not ears.of_type("batch")
    assert client.connection.flow is None


async def test_a_service_that_is_subscribed_to_while_it_is_withheld_is_told_its_position() -> None:
    stage = GatewayStage(deployed=Switches(services=ANALYTICS))
    await deliver(stage, "analytics", 3)
    client, ears = await a_client(stage, "tasks")
    assert not ears.of_type("disabled")
    await stage.joiner.change(
        client.connection,
        a_change(2, "tasks", "analytics"),
    )
    ears.listen()
    [change] = ears.of_type("subscriptions")
    assert positions_in(change) == {"analytics": str(at(3)), "tasks": str(ZERO)}
    [disabled] = ears.of_type("disabled")
    assert disabled["services"] == ["analytics"]


async def test_a_new_filter_cuts_anew_what_waited_for_the_old_one() -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, "tasks")
        stall(client)
        topic = topic_of("tasks")
        held = stage.hub.get(topic)
        assert held is not None
        prev, entries = ZERO, []
        for seq, of in enumerate(["p1", "p2", "p1", None], 1):
            entries.append(a_batch(prev, at(seq), properties=[of]))
            prev = at(seq)
        stage.log.commit(topic, entries)
        held.deliver(entries, now_ms=0)
        await stage.joiner.change(
            client.connection,
            a_change(2, "tasks", property_id="p1"),
        )
        await seen(ears, "tasks", 1, 3, 4)
    assert positions_in(ears.of_type("subscriptions")[0]) == {"tasks": str(ZERO)}, "not the head"


async def test_a_narrower_token_takes_a_withheld_service_for_good() -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, "tasks", "analytics")
        hide(client, hidden=True)
        await deliver(stage, "analytics")
        client.connection.claims = some_claims(services=["tasks"])
        stage.joiner.narrow(client.connection)
        hide(client, hidden=False)
        for _ in range(5):
            await asyncio.sleep(0)
        ears.listen()
    assert not ears.of_type("batch")


async def test_F28_a_socket_that_ends_while_it_is_made_whole_leaves_nothing_behind() -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, _ = await a_client(stage, "analytics")
        hide(client, hidden=True)
        await deliver(stage, "analytics", 100)
        stage.log.after_reply = client.transport.lose
        hide(client, hidden=False)
        await eventually(lambda: not client.connection.is_open, every_s=0)
        await eventually(lambda: not len(stage.catch_ups), every_s=0)
    assert not any(held.is_needed for held in stage.hub)


Step = tuple[str, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "deliver",
                "deliver",
                "hide",
                "show",
                "off",
                "on",
                "stall",
                "read",
                "turn",
                "shed",
                "clear",
            ]
        ),
        st.integers(min_value=1, max_value=30),
    ),
    max_size=40,
)


async def played(taken: list[Step], services: tuple[str, ...]) -> tuple[GatewayStage, Ears]:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, *services)
        acts = _acts(stage, client, ears)
        for what, amount in taken:
            if what == "deliver":
                for service in services:
                    await deliver(stage, service, amount, payload=b'"%b"' % (b"x" * 3_000))
            elif what == "turn":
                for _ in range(amount):
                    await asyncio.sleep(0)
            else:
                acts[what]()
        for what in ("on", "clear", "show"):
            acts[what]()

        def is_live() -> bool:
            ears.listen()
            return len(client.connection.groups) == len(services)

        await eventually(is_live, every_s=0, timeout_s=4)
        ears.listen()
    return stage, ears


def _acts(stage: GatewayStage, client: Client, ears: Ears) -> dict[str, Callable[[], object]]:
    def switch(*, off: bool) -> None:
        stage.switchboard.set_live(Switches(services=ANALYTICS if off else frozenset()))
        stage.withholding.refresh(client.connection)

    def shed(*, tiers: frozenset[Tier]) -> None:
        socket_flow.shed(client.connection, tiers)
        stage.withholding.refresh(client.connection)

    return {
        "hide": lambda: hide(client, hidden=True),
        "show": lambda: hide(client, hidden=False),
        "off": lambda: switch(off=True),
        "on": lambda: switch(off=False),
        "shed": lambda: shed(tiers=frozenset({Tier.LOW})),
        "clear": lambda: shed(tiers=frozenset()),
        "stall": lambda: None if client.connection.writer.is_behind else stall(client),
        "read": ears.listen,
    }


@settings(max_examples=150)
@given(steps)
def test_whatever_is_withheld_and_given_back_no_event_is_lost_doubled_or_out_of_order(
    taken: list[Step],
) -> None:
    services = ("analytics", "finance")
    stage, ears = asyncio.run(played(taken, services))
    for service in services:
        count = sum(amount for what, amount in taken if what == "deliver")
        assert ears.readers[service].seqs == list(range(1, count + 1))
        assert ears.readers[service].resets == []
    assert not len(stage.catch_ups)
