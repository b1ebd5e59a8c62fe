"""Which servers are refused, and which are used with a warning."""

from typing import Any

import pytest

from shared.redis.requirements import UnsuitableServer, judge_server


def redis_facts(version: str = "7.0.15", **more: Any) -> dict[str, Any]:
    return {"redis_version": version, "maxmemory_policy": "noeviction"} | more


def valkey_facts(version: str) -> dict[str, Any]:
    return redis_facts("7.2.4", server_name="valkey", valkey_version=version)


@pytest.mark.parametrize("version", ["7.0.0", "7.0.15", "7.4.1", "8.2", "10.0.1"])
def test_redis_from_7_on_is_used(version: str) -> None:
    facts = judge_server(redis_facts(version))
    assert (facts.engine, facts.version) == ("Redis", version)


def test_valkey_is_told_by_its_own_version() -> None:
    assert judge_server(valkey_facts("8.0.1")).engine == "Valkey"


@pytest.mark.parametrize(
    "facts", [redis_facts("6.2.14"), redis_facts("5.0"), valkey_facts("7.2.5")]
)
def test_B127_an_older_server_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(UnsuitableServer, match=r"REALTIME_REDIS_URL leads to .* or later"):
        judge_server(facts)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_B127_a_server_that_may_evict_is_refused(policy: str) -> None:
    with pytest.raises(UnsuitableServer, match=policy):
        judge_server(redis_facts(maxmemory_policy=policy))


def test_B127_replicas_without_a_log_are_worth_a_warning() -> None:
    (warning,) = judge_server(redis_facts(connected_slaves=1, aof_enabled=0)).warnings
    assert "appendonly" in warning
    assert judge_server(redis_facts(connected_slaves=1, aof_enabled=1)).warnings == ()


def test_a_replica_is_worth_a_warning() -> None:
    (warning,) = judge_server(redis_facts(role="slave")).warnings
    assert "replica" in warning
