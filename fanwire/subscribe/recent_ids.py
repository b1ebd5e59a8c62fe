"""Ids of events that were handed over lately, so that a repeat is recognised."""

from typing import Final

MAX_COUNT: Final = 4096
"""Four times the 1 000 events that a resume can bring again, in about half a megabyte."""


class RecentIds:
    """The newest ids, never more than `max_count`; the oldest is dropped."""

    def __init__(self, max_count: int = MAX_COUNT) -> None:
        self._max_count = max_count
        self._ids: dict[str, None] = {}

    def is_repeat(self, event_id: str | None) -> bool:
        """Tell whether `event_id` was remembered; an event without an id is never a repeat."""
        return event_id is not None and event_id in self._ids

    def remember(self, event_id: str | None) -> None:
        """Record an id that was handed over."""
        if event_id is None:
            return
        self._ids[event_id] = None
        if len(self._ids) > self._max_count:
            del self._ids[next(iter(self._ids))]
