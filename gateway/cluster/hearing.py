"""Whether a gateway is deaf, and whether it is so alone.

All gateways follow one topic in which something happens every few seconds, and tell each other
in their heartbeats up to which position they heard it. A node is behind if most of its peers
heard more than it did. So a Redis that is away and workers that are dead make no node deaf: then
no node heard more. And as it takes a majority that hears, at most half of the nodes ever turn
deaf. No clock of another machine is compared.

Rejected: an age with a limit. Every node would cross it at the same moment, whenever the silence
has a common cause, and the balancer would be left with no gateway at all.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fanwire.core.position import ZERO, Position

LONGEST_SILENCE: Final = 1.5
"""In periods, while all is well: what lies above one decides whose turn it is."""


@dataclass(frozen=True, slots=True)
class CanaryLimits:
    """How often something happens, and how slowly a verdict is changed."""

    period_ms: float = 5_000.0
    """GATEWAY_CANARY_MS by default."""

    @property
    def doubt_ms(self) -> float:
        """Silence after which the peers are asked."""
        return 2 * self.period_ms

    @property
    def change_ms(self) -> float:
        """How long the opposite must have held before the verdict changes."""
        return 2 * self.period_ms

    @property
    def ring_grace_ms(self) -> float:
        """How much later than what it tells of a ring may come."""
        return self.turn_ms

    @property
    def turn_ms(self) -> float:
        """How often to look."""
        return min(1_000.0, self.period_ms / 5)


class CanaryRings:
    """What the bell said about the canary, and since when this node listens without a break."""

    def __init__(self, *, now_ms: float) -> None:
        self.position = ZERO
        self.rung_ms = self.listening_ms = now_ms

    def rang(self, position: Position, *, now_ms: float) -> None:
        """Note one ring."""
        self.position = max(self.position, position)
        self.rung_ms = now_ms

    def listening(self, *, now_ms: float) -> None:
        """Note that rings before this moment may have been missed."""
        self.listening_ms = now_ms

    def lack_one(self, *, moved_ms: float, now_ms: float, limits: CanaryLimits) -> bool:
        """Tell whether the topic moved while this node listened, and no ring announced it.

        The sweep found it then. A ring is sent together with what it announces.
        """
        grace_ms = limits.ring_grace_ms
        heard_ms = max(self.rung_ms, self.listening_ms)
        return heard_ms < moved_ms - grace_ms and now_ms > moved_ms + grace_ms


class HearingChange(Enum):
    """What became of a node's hearing."""

    DEAF = "deaf"
    WELL = "well"


class Hearing:
    """The verdict on one node; it changes only on evidence that lasted."""

    def __init__(self, limits: CanaryLimits) -> None:
        self._limits = limits
        self._opposed_since_ms: float | None = None
        self.is_deaf = False

    def judge(self, *, is_behind: bool | None, now_ms: float) -> HearingChange | None:
        """Take a look into account, None for one that failed; return what it changed."""
        if is_behind is None or is_behind is self.is_deaf:
            # Without evidence a verdict stands: who cannot ask cannot know that others can.
            self._opposed_since_ms = None
            return None
        if self._opposed_since_ms is None:
            self._opposed_since_ms = now_ms
        if now_ms - self._opposed_since_ms < self._limits.change_ms:
            return None
        self._opposed_since_ms = None
        self.is_deaf = is_behind
        return HearingChange.DEAF if is_behind else HearingChange.WELL


def is_behind(mine: Position, peers: Collection[Position]) -> bool:
    """Tell whether most peers heard more than `mine`; a lone node is never behind."""
    return 2 * sum(peer > mine for peer in peers) > len(peers)


def is_due(*, silent_ms: float, chance: float, limits: CanaryLimits) -> bool:
    """Tell whether to publish after this silence, with `chance` in [0, 1) drawn once for it.

    The node with the lowest draw publishes, and the others hear it and wait again: the cluster
    makes about one event per period, however many nodes it has.
    """
    return silent_ms >= limits.period_ms * (1 + (LONGEST_SILENCE - 1) * chance)
