"""The bounds within which every topic of a worker is worked on."""

from dataclasses import dataclass

from fanout.topic.batches import BatchLimits
from fanout.topic.retention import RetentionLimits
from fanwire.core.tiers import Tiers


@dataclass(frozen=True, slots=True)
class TopicLimits:
    """How its batches are made, which repeats it knows, and how much of its log is kept."""

    tiers: Tiers
    batches: BatchLimits
    retention: RetentionLimits
    dedup_max_ids: int
    dedup_window_ms: float
