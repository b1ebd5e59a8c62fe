"""What the listeners saw, against what was published."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fanwire.cli.bench.latencies import Latencies
from fanwire.cli.bench.stamp import Stamp


@dataclass(slots=True)
class Tally:
    """The sum over sockets, or one socket's."""

    delivered: int = 0
    bytes: int = 0
    lost: int = 0
    duplicates: int = 0
    corrupted: int = 0
    suppressed: int = 0
    """Repeats that the SDK recognised and did not hand over."""
    gaps: int = 0
    reconnects: int = 0
    latencies: Latencies = field(default_factory=Latencies)

    @property
    def is_clean(self) -> bool:
        """Tell whether everything arrived once and as it was sent."""
        return not (self.lost or self.duplicates or self.corrupted or self.gaps)

    def merge(self, other: "Tally") -> None:
        """Add another's counts."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.latencies.merge(other.latencies)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, for another process or for `--json`."""
        counts: dict[str, Any] = {name: getattr(self, name) for name in _COUNTS}
        return counts | {"buckets": [list(pair) for pair in self.latencies.buckets.items()]}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Tally":
        """Return what `as_dict` gave."""
        counts = {name: fields[name] for name in _COUNTS}
        buckets = {int(bucket): int(count) for bucket, count in fields["buckets"]}
        return cls(**counts, latencies=Latencies(buckets))


_COUNTS = (
    "delivered",
    "bytes",
    "lost",
    "duplicates",
    "corrupted",
    "suppressed",
    "gaps",
    "reconnects",
)


class Ear:
    """What one socket has heard."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._numbers: set[int] = set()

    def hear(self, stamp: Stamp, data_length: int, checksum: str, *, now_ns: int) -> None:
        """Count one event."""
        tally = self.tally
        if stamp.number in self._numbers:
            tally.duplicates += 1
            return
        self._numbers.add(stamp.number)
        tally.delivered += 1
        tally.bytes += data_length
        tally.corrupted += checksum != stamp.checksum
        tally.latencies.add((now_ns - stamp.sent_ns) / 1e6)

    def settle(self, numbers: Iterable[int]) -> Tally:
        """Count as lost what was sent and not heard, and return the result."""
        self.tally.lost = len(set(numbers) - self._numbers)
        return self.tally
