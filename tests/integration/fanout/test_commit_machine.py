"""No random history loses, doubles or reorders; without any one guard, some history does."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from fanout.commit.committer import COMMIT_BATCH
from fanout.ownership.opener import OPEN_TOPIC
from fanout.topic.dedup import Dedup, DedupVerdict
from tests.integration.fanout.commit_machine import CommitMachine

pytestmark = pytest.mark.slow

NEW_EPOCH = (
    "epoch = string.format('%.0f', math.max(now_epoch + 1, known_epoch + 1, log_epoch + 1, "
    "time_ms))\n  seq = '0'"
)

GUARDS: dict[str, dict[str, Any]] = {
    "cursor": {"commit_text": COMMIT_BATCH.text.replace("found[1] ~= ARGV[1] or ", "")},
    "server": {"commit_text": COMMIT_BATCH.text.replace(" or found[3] ~= replid", "")},
    "new epoch": {"open_text": OPEN_TOPIC.text.replace(NEW_EPOCH, "epoch = epoch or '1'")},
    "ids from the log": {"restores": False},
}


def machine(redis_url: str, key_prefix: str, **changes: Any) -> type[CommitMachine]:
    settled = {"url": redis_url, "prefix": key_prefix} | changes
    return type("Machine", (CommitMachine,), settled)


def limits(max_examples: int, *phases: Phase) -> settings:
    return settings(
        max_examples=max_examples,
        stateful_step_count=40,
        deadline=None,
        phases=phases or tuple(Phase),
        # The search for a known fault takes the same course every time.
        derandomize=bool(phases),
        suppress_health_check=list(HealthCheck),
    )


def test_no_history_loses_doubles_or_reorders(redis_url: str, key_prefix: str) -> None:
    run_state_machine_as_test(machine(redis_url, key_prefix), settings=limits(60))


@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_some_history_does(redis_url: str, key_prefix: str, guard: str) -> None:
    blind = machine(redis_url, key_prefix, **GUARDS[guard])
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(blind, settings=limits(500, Phase.generate))


def test_without_dedup_some_history_doubles(
    redis_url: str, key_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dedup, "judge", lambda *_: DedupVerdict.NEW)
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(
            machine(redis_url, key_prefix), settings=limits(500, Phase.generate)
        )


def test_the_guards_are_where_they_are_removed_from() -> None:
    for guard, change in GUARDS.items():
        assert change.get("commit_text") != COMMIT_BATCH.text, guard
        assert change.get("open_text") != OPEN_TOPIC.text, guard
