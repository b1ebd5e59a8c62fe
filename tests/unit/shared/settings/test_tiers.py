"""REALTIME_TIERS: read, or refused at the start with what is wrong."""

import pytest

from fanwire.core.tiers import Tier
from shared.settings.realtime import RealtimeSettings, load_settings
from shared.settings.tiers import tier_changes
from tests.support.environment import refusal, set_environment


def test_pairs_name_the_tiers_of_services() -> None:
    changes = tier_changes(["billing:critical", "guest-checkin:normal"])
    assert changes == {"billing": Tier.CRITICAL, "guest-checkin": Tier.NORMAL}


def test_the_table_holds_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, REALTIME_TIERS="billing:critical, tasks:low")
    table = load_settings(RealtimeSettings).tier_table
    told = [table.of(service) for service in ("billing", "tasks", "finance")]
    assert told == [Tier.CRITICAL, Tier.LOW, Tier.CRITICAL]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("billing:urgent", "billing the tier 'urgent'"),
        ("billing:Critical", "'Critical'"),
        ("billing", "billing the tier ''"),
        ("not a service:low", "'not a service'"),
        (":low", "''"),
        ("a:low,a:high", "'a' twice"),
    ],
)
def test_an_unknown_tier_or_service_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str, named: str
) -> None:
    set_environment(monkeypatch, REALTIME_TIERS=value)
    line = refusal(RealtimeSettings, capsys)
    assert "REALTIME_TIERS" in line
    assert named in line


def test_a_misspelt_switch_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, REALTIME_DISABLE_ANALYTICS="maybe")
    assert "REALTIME_DISABLE_ANALYTICS" in refusal(RealtimeSettings, capsys)
