"""Which tiers are pruned while batches wait.

A backlog means that events arrive faster than they can be committed. Then an older event of
an entity whose newer one waits beside it is the cheapest to leave out: nobody would look at
it. The low tier gives way first, the normal one much later, critical and high never.

Rejected: pruning at any backlog. A short one drains within a second, complete.
"""

from dataclasses import dataclass

from fanwire.tiers import Tier


@dataclass(frozen=True, slots=True)
class PressureLimits:
    """From how many due bytes on a tier is pruned, for all topics of a worker together."""

    low_bytes: int = 16 * 1024 * 1024
    normal_bytes: int = 64 * 1024 * 1024


def pruned_tiers(backlog_bytes: int, limits: PressureLimits) -> frozenset[Tier]:
    """Return the tiers that give way at this backlog."""
    if backlog_bytes > limits.normal_bytes:
        return frozenset({Tier.LOW, Tier.NORMAL})
    if backlog_bytes > limits.low_bytes:
        return frozenset({Tier.LOW})
    return frozenset()
