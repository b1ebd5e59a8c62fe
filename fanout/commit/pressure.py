"""Which tiers are pruned while batches wait.

A backlog means that events arrive faster than they can be committed. Then an older event of
an entity whose newer one waits beside it is the cheapest to leave out: no page would show
it for long. The low tier is pruned first, the normal one much later, critical and high never.

The id of a pruned event is remembered by the worker that pruned it, and by no log: a repeat
that comes after a takeover is delivered, with the older state. It takes a publisher that lost
the very reply, a worker that died under pressure, and an entity that no event touched since; the
next event of the entity mends it.

Rejected: pruning at any backlog. A short one drains within a second, complete.
Rejected: writing the ids into the log. They would take up to half a megabyte of a batch, read by
every gateway, at the very moment when there is too much to read.
"""

from dataclasses import dataclass

from fanwire.core.tiers import Tier


@dataclass(frozen=True, slots=True)
class PressureLimits:
    """From how many due bytes on a tier is pruned, for all topics of a worker together."""

    low_bytes: int = 16 * 1024 * 1024
    """A good second's commits, at the 46 000 events/s of 250 bytes measured from a backlog."""
    normal_bytes: int = 64 * 1024 * 1024
    """Four times as long: about five seconds behind is worse than what pruning leaves out."""


def pruned_tiers(backlog_bytes: int, limits: PressureLimits) -> frozenset[Tier]:
    """Return the tiers that give way at this backlog."""
    if backlog_bytes > limits.normal_bytes:
        return frozenset({Tier.LOW, Tier.NORMAL})
    if backlog_bytes > limits.low_bytes:
        return frozenset({Tier.LOW})
    return frozenset()
