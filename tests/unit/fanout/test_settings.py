"""FANOUT_* settings."""

import pytest

from fanout.settings import FanoutSettings
from shared.settings.realtime import RealtimeSettings, load_settings
from tests.support.environment import refusal, set_environment


def test_the_defaults_agree_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)
    settings = load_settings(FanoutSettings)
    assert (settings.batch_shortest_ms, settings.batch_longest_ms) == (30, 150)
    assert (settings.lease_ms, settings.lease_renew_ms) == (3_000, 1_000)


def test_a_worker_needs_no_token_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, REALTIME_JWT_SECRET="", REALTIME_JWT_ISSUER="")
    load_settings(RealtimeSettings)
    load_settings(FanoutSettings)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"FANOUT_BATCH_SHORTEST_MS": "80", "FANOUT_BATCH_LONGEST_MS": "40"},
            "FANOUT_BATCH_LONGEST_MS (40) must be at least FANOUT_BATCH_SHORTEST_MS (80)",
        ),
        (
            {"FANOUT_LEASE_MS": "2999"},
            "FANOUT_LEASE_MS (2999) must be at least three times FANOUT_LEASE_RENEW_MS (1000)",
        ),
        (
            {"FANOUT_BATCH_MAX_BYTES": "1048576"},
            "FANOUT_BATCH_MAX_BYTES (1048576) must leave 65536",
        ),
        (
            {"FANOUT_DEDUP_WINDOW_S": "119"},
            "FANOUT_DEDUP_WINDOW_S (119) must be at least twice",
        ),
        ({"FANOUT_WORKER_ID": "w:1"}, "FANOUT_WORKER_ID must match"),
    ],
    ids=["B125 window", "B132 lease", "B133 batch", "B133 dedup", "worker id"],
)
def test_what_does_not_fit_together_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    line: str,
) -> None:
    set_environment(monkeypatch, **variables)
    assert refusal(FanoutSettings, capsys).startswith(f"fanwire: {line}")
