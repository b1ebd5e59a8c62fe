"""What flow control has done since the start: plain integers, read by the metrics."""

from collections import Counter
from enum import StrEnum

from fanwire.core.tiers import Tier


class WithheldFor(StrEnum):
    """Why a socket does not get a service for a while."""

    QUARANTINE = "quarantine"
    HIDDEN = "hidden"
    SWITCHED_OFF = "switched_off"
    BURST = "burst"  # what waits of it is left to the log, and follows at once


class DroppedFor(StrEnum):
    """Why events of a service never reach a socket that subscribes to it."""

    CONFLATED = "conflated"  # a later event of the same entity took its place
    OVERFLOW = "overflow"  # too many were missed to replay them: the socket got a reset


class EvictedFor(StrEnum):
    """Why a socket was closed for taking too little."""

    OVERRUN = "overrun"  # what may not be withheld is over the hard limit
    STUCK = "stuck"  # it took nothing for longer than the longest quarantine


class FlowCounters:
    """Counts by tier and reason. Times in milliseconds.

    Of each tier, those entered are those cleared, those ended with their socket, and those that
    last (`FlowMonitor.quarantined`).
    """

    def __init__(self) -> None:
        self.quarantines_entered: Counter[Tier] = Counter()
        self.quarantines_cleared: Counter[Tier] = Counter()
        self.quarantines_ended: Counter[Tier] = Counter()
        self.quarantined_ms = 0.0
        """Of sockets whose quarantine is over, cleared or ended."""
        self.withheld: Counter[tuple[Tier, WithheldFor]] = Counter()
        """How often a service was withheld from a socket."""
        self.events_dropped: Counter[tuple[Tier, DroppedFor]] = Counter()
        self.evicted: Counter[EvictedFor] = Counter()

    def entered(self, more: frozenset[Tier]) -> None:
        """Count the tiers that a socket gets no longer."""
        self.quarantines_entered.update(more)

    def cleared(self, shed: frozenset[Tier], *, after_ms: float) -> None:
        """Count a cleared quarantine and its time."""
        self.quarantines_cleared.update(shed)
        self.quarantined_ms += after_ms

    def ended(self, shed: frozenset[Tier], *, after_ms: float) -> None:
        """Count a quarantine that lasted to the end of its socket."""
        self.quarantines_ended.update(shed)
        self.quarantined_ms += after_ms
