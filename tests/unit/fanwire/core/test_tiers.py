"""What a service is worth under pressure."""

import pytest

from fanwire.core.tiers import Tier, Tiers


@pytest.mark.parametrize(
    ("service", "tier"),
    [
        ("finance", Tier.CRITICAL),
        ("reports", Tier.CRITICAL),
        ("users", Tier.HIGH),
        ("tasks", Tier.HIGH),
        ("staff", Tier.HIGH),
        ("properties", Tier.NORMAL),
        ("analytics", Tier.LOW),
        ("dashboard", Tier.LOW),
    ],
)
def test_a_named_service_has_its_tier(service: str, tier: Tier) -> None:
    assert Tiers().of(service) is tier


@pytest.mark.parametrize("service", ["guest-checkin", "orders", "Analytics"])
def test_an_unnamed_service_is_never_shed(service: str) -> None:
    assert Tiers().of(service) is Tier.HIGH


def test_a_deployment_names_some_tiers_anew_and_keeps_the_others() -> None:
    tiers = Tiers.with_changes({"billing": Tier.CRITICAL, "tasks": Tier.LOW})
    told = [tiers.of(service) for service in ("billing", "tasks", "analytics", "unnamed")]
    assert told == [Tier.CRITICAL, Tier.LOW, Tier.LOW, Tier.HIGH]
    assert Tiers().of("tasks") is Tier.HIGH, "the default table is left as it is"
