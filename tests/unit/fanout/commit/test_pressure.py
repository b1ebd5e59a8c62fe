"""The low tier gives way first, the important ones never."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.commit.pressure import PressureLimits, pruned_tiers
from fanwire.core.tiers import Tier

LIMITS = PressureLimits(low_bytes=100, normal_bytes=1_000)


def test_tiers_give_way_one_after_the_other() -> None:
    assert pruned_tiers(100, LIMITS) == set()
    assert pruned_tiers(101, LIMITS) == {Tier.LOW}
    assert pruned_tiers(1_001, LIMITS) == {Tier.LOW, Tier.NORMAL}


@given(backlog_bytes=st.integers(0, 2**40))
def test_critical_and_high_never_give_way(backlog_bytes: int) -> None:
    assert pruned_tiers(backlog_bytes, LIMITS) <= {Tier.LOW, Tier.NORMAL}
