"""What the doctor makes of the answers it gets."""

import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest

from fanwire.cli.doctor.cluster import gateway_findings, lease_finding
from fanwire.cli.doctor.findings import CheckResult, Finding, good, within
from fanwire.cli.doctor.redis_rules import keyspace_finding, server_findings, skew_finding
from fanwire.cli.inspect.nodes import SILENT_MS, Node
from fanwire.core.heartbeats import GatewayHeartbeat
from fanwire.core.keys import PARTITION_COUNT
from fanwire.errors import Unreachable

SOUND: dict[str, object] = {
    "redis_version": "7.2.4",
    "role": "master",
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "used_memory": 100,
    "maxmemory": 1_000,
}


def verdicts(**facts: object) -> dict[str, CheckResult]:
    return {found.what: found.verdict for found in server_findings(SOUND | facts)}


def test_a_sound_server_has_nothing_to_mend_or_consider() -> None:
    assert set(verdicts().values()) == {CheckResult.OK}


@pytest.mark.parametrize(
    ("facts", "what", "verdict"),
    [
        ({"redis_version": "6.2.1"}, "version", CheckResult.FAILED),
        ({"server_name": "valkey", "valkey_version": "7.2.4"}, "version", CheckResult.FAILED),
        ({"role": "slave"}, "role", CheckResult.FAILED),
        ({"maxmemory_policy": "allkeys-lru"}, "eviction", CheckResult.FAILED),
        ({"aof_enabled": 0}, "persistence", CheckResult.ADVICE),
        ({"aof_enabled": 0, "connected_slaves": 1}, "persistence", CheckResult.FAILED),
        ({"maxmemory": 0}, "memory", CheckResult.ADVICE),
        ({"used_memory": 800}, "memory", CheckResult.ADVICE),
        ({"used_memory": 950}, "memory", CheckResult.FAILED),
    ],
)
def test_each_fault_of_a_server_is_told_with_its_fix(
    facts: dict[str, object], what: str, verdict: CheckResult
) -> None:
    found = {each.what: each for each in server_findings(SOUND | facts)}
    assert found[what].verdict is verdict
    assert found[what].fix
    others = [each for each in found.values() if each.what != what]
    assert {each.verdict for each in others} == {CheckResult.OK}


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [
        ("En", CheckResult.OK),
        ("AKEn", CheckResult.OK),
        ("AKE", CheckResult.ADVICE),
        ("", CheckResult.ADVICE),
        (None, CheckResult.ADVICE),
    ],
)
def test_keyspace_events_need_class_n_on_the_event_channel(
    flags: str | None, verdict: CheckResult
) -> None:
    assert keyspace_finding(flags).verdict is verdict


@pytest.mark.parametrize(
    ("skew_ms", "round_trip_ms", "verdict"),
    [
        (3, 1, CheckResult.OK),
        (-900, 1, CheckResult.ADVICE),
        (2_500, 1, CheckResult.FAILED),
        (2_500, 4_500, CheckResult.OK),
    ],
)
def test_a_skew_counts_as_far_as_the_round_trip_cannot_explain_it(
    skew_ms: float, round_trip_ms: float, verdict: CheckResult
) -> None:
    assert skew_finding(skew_ms, round_trip_ms=round_trip_ms).verdict is verdict


def test_a_partition_whose_lease_has_ended_is_told() -> None:
    deadlines = [1_001] * PARTITION_COUNT
    assert lease_finding(deadlines, now_ms=1_000).verdict is CheckResult.OK
    deadlines[7] = 1_000
    found = lease_finding(deadlines, now_ms=1_000)
    assert (found.verdict, found.told.split()[0]) == (CheckResult.FAILED, "127")


def test_gateways_that_are_silent_or_short_of_descriptors_are_told() -> None:
    beat = GatewayHeartbeat(at_ms=1, connections=3, fd_limit=1_024, max_connections=20_000)
    nodes = [
        Node("a", 100, beat),
        Node("b", SILENT_MS, GatewayHeartbeat(at_ms=1, connections=9)),
    ]
    alive, silent, files = gateway_findings(nodes)
    assert (alive.verdict, "1 alive (a) with 3 sockets" in alive.told) == (CheckResult.OK, True)
    assert (silent.verdict, "b has been silent" in silent.told) == (CheckResult.ADVICE, True)
    assert (files.verdict, "21000" in (files.fix or "")) == (CheckResult.ADVICE, True)
    *_, crowded = gateway_findings([Node("a", 100, replace(beat, connections=900))])
    assert crowded.verdict is CheckResult.FAILED
    assert next(iter(gateway_findings([]))).verdict is CheckResult.FAILED


def test_a_check_that_does_not_answer_is_a_finding_when_its_time_is_over() -> None:
    never = Event()
    start_s = time.monotonic()

    def check() -> list[Finding]:
        never.wait(10)
        return []

    (found,) = within("http", check, timeout_s=0.02)
    never.set()
    assert time.monotonic() - start_s < 5
    assert (found.verdict, found.what) == (CheckResult.FAILED, "http")


def test_a_check_that_breaks_is_a_finding() -> None:
    def refused() -> Iterator[Finding]:
        yield good("a", "b")
        raise Unreachable("nobody there")

    def broken() -> list[Finding]:
        raise KeyError("x")

    (found,) = within("redis", refused, timeout_s=5)
    assert (found.told, found.fix) == ("nobody there", Unreachable.remedy)
    assert within("redis", broken, timeout_s=5)[0].told == "KeyError: 'x'"
