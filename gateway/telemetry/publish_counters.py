"""What came in over HTTP to be published, kept as plain counts until a metrics reader asks.

Counted by label and not by service: a token for every service may name any number of them.
"""

from collections import Counter
from collections.abc import Iterable

from fanwire.errors import RealtimeError
from shared.telemetry.labels import ServiceLabels


class PublishCounters:
    """The sums of this process."""

    def __init__(self, labels: ServiceLabels) -> None:
        self._labels = labels
        self.written: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()

    def write(self, services: Iterable[str]) -> None:
        """Count events that were written, each named by its service."""
        self.written.update(map(self._labels.of, services))

    def reject(self, error: RealtimeError) -> None:
        """Count a request of which nothing is known to be written."""
        self.rejected[error.name] += 1
