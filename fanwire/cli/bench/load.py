"""The events that a benchmark publishes: made up, or recorded ones over and over."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import orjson

from fanwire.cli.bench.stamp import Stamp, checksum
from fanwire.cli.event_lines import events_of_lines
from fanwire.cli.mistakes import UsageMistake
from fanwire.errors import InvalidEvent
from fanwire.publish.new_event import NewEvent, checked_outgoing

_FRAME: Final = len(b'{"n":,"pad":""}')


@dataclass(frozen=True, slots=True)
class BenchLoad:
    """What to publish, and how often in all."""

    samples: Sequence[NewEvent]
    count: int
    run: str
    too_big_count: int = 0
    """Lines of the file that no publisher may send."""

    @property
    def services(self) -> list[str]:
        """Every service that something is published to."""
        return sorted({sample.service for sample in self.samples})

    def events(self) -> Iterator[NewEvent]:
        """Return the events, each stamped at the moment at which it is taken."""
        for number, sample in enumerate(islice(cycle(self.samples), self.count)):
            data = sample.data
            assert isinstance(data, bytes)
            stamp = Stamp(self.run, number, time.time_ns(), checksum(data))
            yield replace(sample, event_id=str(stamp))

    def sent(self, published_count: int) -> dict[str, list[int]]:
        """Return which numbers each service got, once so many were published."""
        numbers: dict[str, list[int]] = {}
        for number, sample in enumerate(islice(cycle(self.samples), published_count)):
            numbers.setdefault(sample.service, []).append(number)
        return numbers


def made_up(org: str, *, size_bytes: int, count: int, run: str) -> BenchLoad:
    """Return a load of equal events on a service of its own."""
    data = orjson.dumps({"n": 0, "pad": "x" * max(0, size_bytes - _FRAME - 1)})
    return BenchLoad([NewEvent(org, f"bench-{run}", data, type="bench")], count, run)


def recorded(org: str, file: Path, *, count: int | None, run: str) -> BenchLoad:
    """Return a load of the events of a file, once or as often as `count` asks for.

    Raises:
        UsageMistake: If the file cannot be read, or holds no event.
        InvalidEvent: If a line is not an event.
    """
    try:
        with file.open("rb") as lines:
            events = list(events_of_lines(lines, org=org))
    except OSError as failure:
        raise UsageMistake(f"{file}: {failure.strerror}") from None
    sendable = [event for event in events if _is_sendable(event)]
    if not sendable:
        raise UsageMistake(f"{file} holds no event")
    return BenchLoad(sendable, count or len(sendable), run, len(events) - len(sendable))


def _is_sendable(event: NewEvent) -> bool:
    try:
        checked_outgoing(event)
    except InvalidEvent:
        return False
    return True
