"""What is recorded of each batch as it is committed: its size, and its span."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fanout.commit.spans import CommitSpans


def unrecorded(event_count: int, service: str) -> None:
    """Record nothing."""


@dataclass(frozen=True, slots=True)
class CommitTelemetry:
    """The instruments of a committer; without any it records nothing."""

    record_size: Callable[[int, str], None] = unrecorded
    """Takes the events and the service of each batch."""
    spans: CommitSpans | None = None


UNRECORDED: Final = CommitTelemetry()
