"""What flow control has done since the start: plain integers, read by whoever exports them."""

from collections import Counter

from fanwire.tiers import Tier


class FlowCounters:
    """Counts by tier. Times in milliseconds."""

    def __init__(self) -> None:
        self.quarantines_entered: Counter[Tier] = Counter()
        self.quarantines_cleared = 0
        self.quarantined_ms = 0.0
        self.withheld: Counter[Tier] = Counter()
        self.conflated: Counter[Tier] = Counter()
        self.spilled: Counter[Tier] = Counter()
        self.evicted = 0
        self.overflowed = 0

    def entered(self, shed: frozenset[Tier]) -> None:
        """Count an entered quarantine by the most important tier that it sheds."""
        self.quarantines_entered[Tier.NORMAL if Tier.NORMAL in shed else Tier.LOW] += 1

    def cleared(self, *, after_ms: float) -> None:
        """Count a cleared quarantine and its time."""
        self.quarantines_cleared += 1
        self.quarantined_ms += after_ms
