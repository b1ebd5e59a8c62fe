"""Sockets that lag: when they get less, what they are told, how they are made whole."""

import json

import pytest

from fanwire.core.clock import now_ms
from fanwire.core.ids import Service
from fanwire.core.tiers import Tier
from gateway.flow_control.counters import DroppedFor, EvictedFor, WithheldFor
from gateway.flow_control.monitor import ACK_LAG_COUNTS_MS
from gateway.flow_control.quarantine import QuarantineLimits
from gateway.flow_control.socket_flow import shed_of
from gateway.session.joining import WantedChange
from tests.support.gateway_stage import GatewayStage, a_request
from tests.support.lagging import Ears, deliver, returning, stall
from tests.support.loopback import LIMITS, Client
from tests.support.server_frames import close_code, messages
from tests.support.waiting import eventually

BIG = b'"%b"' % (b"x" * 60_000)
LIMIT_OF = QuarantineLimits()


class MonitorClock:
    """Runs with the real one, and ahead of it on command."""

    def __init__(self) -> None:
        self.ahead_ms = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MonitorClock:
    """The clock of the flow control."""
    found = MonitorClock()
    monkeypatch.setattr("gateway.flow_control.monitor.now_ms", lambda: now_ms() + found.ahead_ms)
    monkeypatch.setattr("gateway.session.messages.now_ms", lambda: now_ms() + found.ahead_ms)
    monkeypatch.setattr("gateway.flow_control.acks.now_ms", lambda: now_ms() + found.ahead_ms)
    monkeypatch.setattr("gateway.delivery.catch_up.PACE_S", 0.0)
    monkeypatch.setattr("gateway.flow_control.withholding.RETRY_S", 0.0)
    return found


async def a_client(stage: GatewayStage, *services: str) -> tuple[Client, Ears]:
    client = stage.client()
    ears = Ears(client)
    await stage.join_and_replay(client, a_request(*services))
    ears.listen()
    return client, ears


async def checked(stage: GatewayStage, clock: MonitorClock, after_ms: float) -> None:
    """Let time pass, and then look at the sockets that lag."""
    clock.ahead_ms += after_ms
    await stage.flow.check_all()


async def quarantined(
    stage: GatewayStage, clock: MonitorClock, *services: str
) -> tuple[Client, Ears]:
    client, ears = await a_client(stage, *services)
    stall(client)
    await checked(stage, clock, 3_000)
    await checked(stage, clock, 1_000)
    assert shed_of(client.connection) == {Tier.LOW}
    return client, ears


def told_last(client: Client) -> tuple[str, int | None]:
    """Return the name of the last error and the close code that a client reads at last."""
    written = client.transport.received_in_full()
    return messages(written)[-1]["name"], close_code(written)


async def test_a_socket_that_keeps_up_is_not_looked_at(clock: MonitorClock) -> None:
    stage = GatewayStage()
    await a_client(stage, "analytics")
    await deliver(stage, "analytics", 10)
    assert stage.flow.watched_count == 0


async def test_a_hiccup_is_no_quarantine(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, ears = await a_client(stage, "finance", "analytics")
    stall(client)
    await checked(stage, clock, 3_000)
    ears.listen()
    await checked(stage, clock, 1_000)
    assert not ears.of_type("quarantine")
    await checked(stage, clock, 1_000)
    assert stage.flow.watched_count == 0


async def test_a_lagging_socket_loses_low_is_told_at_once_and_is_made_whole(
    clock: MonitorClock,
) -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, "finance", "analytics")
        stall(client)
        await deliver(stage, "analytics", 2)
        await deliver(stage, "finance", 2)
        await checked(stage, clock, 3_000)
        await checked(stage, clock, 1_000)
        await deliver(stage, "analytics", 2)
        await deliver(stage, "finance", 2)
        ears.listen()
        [entered] = ears.of_type("quarantine")
        assert (entered["state"], entered["services"]) == ("entered", ["analytics"])
        kinds = [message["type"] for message in ears.told]
        assert kinds.index("quarantine") < kinds.index("batch"), "before all that waited"
        assert ears.readers["finance"].seqs == [1, 2, 3, 4]
        assert ears.readers["analytics"].seqs == []
        await checked(stage, clock, 1_000)
        await checked(stage, clock, LIMIT_OF.well_ms)

        def is_whole() -> bool:
            ears.listen()
            return ears.readers["analytics"].seqs == [1, 2, 3, 4]

        await eventually(is_whole, every_s=0)
        assert ears.of_type("quarantine")[-1]["state"] == "cleared"
        await deliver(stage, "analytics")
        ears.listen()
        assert ears.readers["analytics"].seqs == [1, 2, 3, 4, 5]
        assert not ears.of_type("reset")
        assert stage.flow.quarantined_count == 0


async def test_too_many_bytes_are_too_much_before_they_are_old(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, _ = await a_client(stage, "tasks", "analytics")
    stall(client)
    await deliver(stage, "tasks", 4, payload=BIG)
    for _ in range(2):
        await checked(stage, clock, 0)
    assert shed_of(client.connection) == {Tier.LOW}


async def test_a_socket_that_takes_nothing_does_not_recover_by_getting_nothing(
    clock: MonitorClock,
) -> None:
    stage = GatewayStage()
    client, _ = await quarantined(stage, clock, "analytics")
    for _ in range(40):
        await checked(stage, clock, 1_000)
    assert Tier.LOW in shed_of(client.connection)


async def test_who_is_stuck_for_longer_than_the_longest_quarantine_is_evicted(
    clock: MonitorClock,
) -> None:
    stage = GatewayStage()
    client, _ = await quarantined(stage, clock, "finance")
    await checked(stage, clock, LIMIT_OF.longest_spell_ms)
    assert told_last(client) == ("slow_consumer", 4410)
    assert stage.flow.counters.evicted == {EvictedFor.STUCK: 1}
    assert stage.flow.watched_count == 0


async def test_a_burst_beyond_the_hard_limit_is_left_to_the_log(clock: MonitorClock) -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, ears = await a_client(stage, "finance", "tasks")
        await deliver(stage, "tasks", 10, payload=BIG)
        await deliver(stage, "finance", 40, payload=BIG)
        assert client.connection.is_open
        assert client.connection.writer.lanes is not None
        assert client.connection.writer.lanes.used_bytes <= LIMITS.hard_limit_bytes

        def is_whole() -> bool:
            ears.listen()
            return (len(ears.readers["finance"].seqs), len(ears.readers["tasks"].seqs)) == (40, 10)

        await eventually(is_whole, every_s=0)
    assert not ears.of_type("quarantine"), "it reads"
    assert not ears.of_type("reset")
    assert stage.flow.counters.withheld[Tier.HIGH, WithheldFor.BURST] == 1


async def test_B62_of_a_stuck_socket_low_and_normal_go_first_and_then_the_socket(
    clock: MonitorClock,
) -> None:
    stage = GatewayStage()
    client, _ = await a_client(stage, "analytics", "properties", "finance")
    stall(client)
    clock.ahead_ms += LIMIT_OF.age_ms + 1
    await deliver(stage, "analytics", 6, payload=BIG)
    await deliver(stage, "properties", 6, payload=BIG)
    await deliver(stage, "finance", 6, payload=BIG)
    assert shed_of(client.connection) == {Tier.LOW}
    await deliver(stage, "finance", 6, payload=BIG)
    assert shed_of(client.connection) == {Tier.LOW, Tier.NORMAL}
    assert client.connection.is_open
    await deliver(stage, "finance", 6, payload=BIG)
    assert stage.flow.watched_count == 0
    assert stage.flow.counters.evicted == {EvictedFor.OVERRUN: 1}
    assert client.connection.writer.lanes is not None
    assert client.connection.writer.lanes.used_bytes < 2_000, "what waited is dropped"
    assert told_last(client) == ("slow_consumer", 4410)


async def test_notices_alone_can_overrun_a_socket_and_end_it_once(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, _ = await a_client(stage, "analytics", "properties")
    stall(client)
    clock.ahead_ms += LIMIT_OF.age_ms + 1
    client.connection.write(b"x" * LIMITS.hard_limit_bytes)
    client.connection.write(b"x")
    assert client.transport.is_aborted
    assert stage.flow.counters.evicted == {EvictedFor.OVERRUN: 1}


async def test_who_misses_nothing_is_told_nothing(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, ears = await quarantined(stage, clock, "finance", "tasks")
    assert stage.flow.quarantined() == {Tier.LOW: 1}
    ears.listen()
    await checked(stage, clock, 1_000)
    await checked(stage, clock, LIMIT_OF.well_ms)
    assert shed_of(client.connection) == set()
    ears.listen()
    assert ears.of_type("quarantine") == []


async def test_who_left_what_was_withheld_is_told_all_the_same_that_it_is_over(
    clock: MonitorClock,
) -> None:
    stage = GatewayStage()
    client, ears = await quarantined(stage, clock, "finance", "analytics")
    ears.listen()
    wanted = WantedChange(1, frozenset({Service("finance")}), None, 0)
    await stage.joiner.change(client.connection, wanted)
    await checked(stage, clock, 1_000)
    await checked(stage, clock, LIMIT_OF.well_ms)
    ears.listen()
    states = [(frame["state"], frame["services"]) for frame in ears.of_type("quarantine")]
    assert states == [("entered", ["analytics"]), ("cleared", ["analytics"])]


async def test_each_tier_is_counted_in_and_out(clock: MonitorClock) -> None:
    stage = GatewayStage()
    _, ears = await quarantined(stage, clock, "analytics")
    gone, _ = await quarantined(stage, clock, "properties", "analytics")
    for _ in range(2):
        await checked(stage, clock, 3_000)
    both = {Tier.LOW: 2, Tier.NORMAL: 2}
    assert stage.flow.counters.quarantines_entered == stage.flow.quarantined() == both
    gone.transport.lose()
    ears.listen()
    await checked(stage, clock, 1_000)
    await checked(stage, clock, LIMIT_OF.well_ms)
    counters = stage.flow.counters
    assert counters.quarantines_cleared == {Tier.LOW: 1, Tier.NORMAL: 1}
    assert counters.quarantines_ended == {Tier.LOW: 1, Tier.NORMAL: 1}
    assert counters.quarantined_ms >= 6_000 + LIMIT_OF.well_ms
    assert not stage.flow.quarantined()


async def test_what_waits_is_told_by_tier(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, _ = await a_client(stage, "finance", "analytics")
    stall(client)
    await deliver(stage, "finance", 2)
    await deliver(stage, "analytics", 3)
    waiting = stage.flow.lane_bytes()
    assert client.connection.writer.lanes is not None
    assert sum(waiting.values()) == client.connection.writer.lanes.used_bytes
    assert waiting[Tier.LOW] > waiting[Tier.CRITICAL] > 0
    client.transport.lose()
    assert not stage.flow.lane_bytes()


async def test_F28_a_socket_that_ends_in_quarantine_leaves_nothing_behind(
    clock: MonitorClock,
) -> None:
    stage = GatewayStage()
    async with returning(stage):
        client, _ = await quarantined(stage, clock, "finance", "analytics")
        client.transport.lose()
        assert stage.flow.watched_count == stage.flow.quarantined_count == 0
    assert not any(held.is_needed for held in stage.hub)


async def test_a_socket_that_falls_behind_as_it_ends_is_not_watched(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, _ = await a_client(stage, "finance")
    client.transport.lose()
    client.connection.pause_writing()
    assert stage.flow.watched_count == 0


def ack(client: Client, service: str, position: object) -> None:
    client.says(json.dumps({"type": "ack", "positions": {service: str(position)}}).encode())


async def a_client_that_has_not_acked(
    stage: GatewayStage, clock: MonitorClock
) -> tuple[Client, str]:
    client, _ = await a_client(stage, "analytics", "tasks")
    await deliver(stage, "tasks")
    first = str(next(iter(stage.log.entries.values()))[-1].position)
    await deliver(stage, "tasks")
    clock.ahead_ms += 3_000
    return client, first


async def test_acks_that_lag_at_two_checks_are_a_quarantine(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, first = await a_client_that_has_not_acked(stage, clock)
    for _ in range(2):
        ack(client, "tasks", first)
        await checked(stage, clock, 1_000)
    assert shed_of(client.connection) == {Tier.LOW}


async def test_an_old_lag_does_not_count_for_ever(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, first = await a_client_that_has_not_acked(stage, clock)
    ack(client, "tasks", first)
    await checked(stage, clock, ACK_LAG_COUNTS_MS + 1)
    await checked(stage, clock, 1_000)
    assert shed_of(client.connection) == set()
    assert stage.flow.watched_count == 0


async def test_a_hidden_page_and_one_that_has_caught_up_do_not_lag_by_their_acks(
    clock: MonitorClock,
) -> None:
    stage = GatewayStage()
    client, first = await a_client_that_has_not_acked(stage, clock)
    client.connection.is_hidden = True
    ack(client, "tasks", first)
    client.connection.is_hidden = False
    client.connection.caught_up_ms = stage.sessions.now_ms()
    ack(client, "tasks", first)
    assert stage.flow.watched_count == 0


async def test_a_relapse_soon_after_takes_longer_to_clear(clock: MonitorClock) -> None:
    stage = GatewayStage()
    _, ears = await quarantined(stage, clock, "analytics")
    ears.listen()
    await checked(stage, clock, 1_000)
    await checked(stage, clock, LIMIT_OF.well_ms)
    client = ears.client
    stall(client)
    await checked(stage, clock, 3_000)
    await checked(stage, clock, 1_000)
    ears.listen()
    first, _, second = ears.of_type("quarantine")
    assert second["state"] == "entered"
    # The wall clock stands still here: what lies between them is the longer spell.
    assert second["until"] - first["until"] == pytest.approx(LIMIT_OF.spell_ms, abs=1_000)


async def test_what_waits_is_merged_before_it_is_withheld(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, ears = await a_client(stage, "analytics")
    stall(client)
    await deliver(stage, "analytics", 3, entity="row-1")
    await checked(stage, clock, 3_000)
    ears.listen()
    [batch] = ears.of_type("batch")
    assert (batch["conflated"], len(batch["events"])) == (2, 1)
    assert ears.readers["analytics"].seqs == [3]
    assert stage.flow.counters.events_dropped == {(Tier.LOW, DroppedFor.CONFLATED): 2}


async def test_a_heartbeat_does_not_name_a_position_whose_batches_wait(clock: MonitorClock) -> None:
    stage = GatewayStage()
    client, ears = await a_client(stage, "tasks", "finance")
    await deliver(stage, "tasks")
    stall(client)
    await deliver(stage, "finance")
    stage.timers.beat(client.connection)
    ears.listen()
    [beat] = ears.of_type("heartbeat")
    assert list(beat["positions"]) == ["tasks"]
    assert ears.readers["finance"].seqs == [1]
