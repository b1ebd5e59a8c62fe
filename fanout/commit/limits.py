"""The bounds of what a worker commits."""

from dataclasses import dataclass, field

from fanout.commit.fairness import FairnessLimits
from fanout.commit.pressure import PressureLimits


@dataclass(frozen=True, slots=True)
class CommitLimits:
    """How a turn is shared, when events are pruned, and how many dead letters a topic keeps."""

    dead_letters_max: int
    fairness: FairnessLimits = field(default_factory=FairnessLimits)
    pressure: PressureLimits = field(default_factory=PressureLimits)
