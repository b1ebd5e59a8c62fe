"""FANOUT_* settings: what the parts of a worker are given."""

from typing import Any, Final

from tests.support.effects.effect import Effect, a_plan
from tests.support.effects.processes import worker_name, workers_internal


def _batches() -> Any:
    return a_plan().limits.topic.batches


def _retention() -> Any:
    return a_plan().limits.topic.retention


EFFECTS: Final = {
    "FANOUT_WORKER_ID": Effect("w-7", worker_name, "w-7"),
    "FANOUT_INTERNAL_HOST": Effect("0.0.0.0", lambda: workers_internal("host"), "0.0.0.0"),
    "FANOUT_INTERNAL_PORT": Effect("9123", lambda: workers_internal("port"), 9123),
    "FANOUT_BATCH_SHORTEST_MS": Effect("7", lambda: _batches().window.shortest_ms, 7),
    "FANOUT_BATCH_LONGEST_MS": Effect("777", lambda: _batches().window.longest_ms, 777),
    "FANOUT_BATCH_MAX_EVENTS": Effect("7", lambda: _batches().max_events, 7),
    "FANOUT_BATCH_MAX_BYTES": Effect("7777", lambda: _batches().max_bytes, 7777),
    "FANOUT_DEDUP_WINDOW_S": Effect("777", lambda: a_plan().limits.topic.dedup_window_ms, 777_000),
    "FANOUT_DEDUP_MAX_IDS": Effect("777", lambda: a_plan().limits.topic.dedup_max_ids, 777),
    "FANOUT_LEASE_MS": Effect("7777", lambda: a_plan().limits.lease.lease_ms, 7777),
    "FANOUT_LEASE_RENEW_MS": Effect("777", lambda: a_plan().limits.lease.renew_ms, 777),
    "FANOUT_SWEEP_MS": Effect("777", lambda: a_plan().limits.sweep_ms, 777),
    "FANOUT_RETENTION_S": Effect("777", lambda: _retention().age_ms, 777_000),
    "FANOUT_RETENTION_EVENTS": Effect("777", lambda: _retention().event_count, 777),
    "FANOUT_RETENTION_BYTES": Effect("77777", lambda: _retention().size_bytes, 77_777),
    "FANOUT_REPLAY_BUDGET_BYTES": Effect(
        "7777777", lambda: a_plan().limits.replay_budget_bytes, 7_777_777
    ),
    "FANOUT_DEAD_LETTERS_MAX": Effect("777", lambda: a_plan().limits.commit.dead_letters_max, 777),
}
