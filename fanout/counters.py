"""What a worker has done since it started: plain integers, cheap enough for every event."""

from collections import Counter
from dataclasses import dataclass, field, fields


@dataclass(slots=True)
class ServiceCounts:
    """The same of one service, over all orgs."""

    events: int = 0
    batches: int = 0
    repeats: int = 0
    conflicts: int = 0
    throttled: int = 0
    """Reads that left one of its topics out, because too much of it was uncommitted."""
    dead: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class WorkerCounters:
    """Counted once per commit, save what is judged when an entry is read."""

    batches: int = 0
    events: int = 0
    events_without_id: int = 0
    duplicates: int = 0
    id_conflicts: int = 0
    stale_commits: int = 0
    topics_set_aside: int = 0
    input_gaps: int = 0
    """Entries that somebody else removed before they were committed."""
    partitions_taken: int = 0
    partitions_lost: int = 0
    terms: int = 0
    dead_by_reason: dict[str, int] = field(default_factory=dict)
    pruned_by_tier: dict[str, int] = field(default_factory=dict)
    """Events that gave way to later ones of the same entity."""
    trimmed: dict[str, int] = field(default_factory=dict)
    """Events that left a replay log, by `<tier>.<reason>`."""
    replay_budget_bytes: int = 0
    """What the replay logs of this worker may hold together; 0 until they were weighed."""
    services: dict[str, ServiceCounts] = field(default_factory=dict)

    def of(self, service: str) -> ServiceCounts:
        """Return the counts of one service."""
        return self.services.setdefault(service, ServiceCounts())

    def count_dead(self, service: str, reason: str) -> None:
        """Count one dead letter."""
        self.dead_by_reason[reason] = self.dead_by_reason.get(reason, 0) + 1
        self.of(service).dead[reason] += 1

    def count_pruned(self, tier: str, count: int) -> None:
        """Count pruned events."""
        self.pruned_by_tier[tier] = self.pruned_by_tier.get(tier, 0) + count

    def count_trimmed(self, tier: str, reason: str, count: int) -> None:
        """Count events that can no longer be replayed."""
        name = f"{tier}.{reason}"
        self.trimmed[name] = self.trimmed.get(name, 0) + count

    def as_dict(self) -> dict[str, object]:
        """Return all counts by name, save those of single services."""
        by_service = "services"
        names = (each.name for each in fields(self) if each.name != by_service)
        return {name: getattr(self, name) for name in names}
