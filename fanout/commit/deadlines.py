"""Which topics are due for a commit, without looking at those that are not.

A topic's date may be brought forward (its batch became full) but is never put off. An
earlier date is simply added; the outdated one is recognised when it comes up.
"""

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class DeadlineQueue(Generic[T]):
    """Dates of hashable items, at most one in force for each."""

    def __init__(self) -> None:
        self._dates: dict[T, float] = {}
        self._heap: list[tuple[float, int, T]] = []
        self._next_number = 0

    def put(self, item: T, due_ms: float) -> bool:
        """Note that `item` is due; return whether that is news, and not later than known."""
        known_ms = self._dates.get(item)
        if known_ms is not None and known_ms <= due_ms:
            return False
        self._dates[item] = due_ms
        # The number keeps the order of arrival, and the heap from comparing items.
        heapq.heappush(self._heap, (due_ms, self._next_number, item))
        self._next_number += 1
        return True

    def next_ms(self) -> float | None:
        """Return the earliest date, or None."""
        while self._heap:
            due_ms, _, item = self._heap[0]
            if self._dates.get(item) == due_ms:
                return due_ms
            heapq.heappop(self._heap)
        return None

    def pop_due(self, *, now_ms: float) -> list[T]:
        """Remove and return what is due, the longest due first."""
        due = []
        while (next_ms := self.next_ms()) is not None and next_ms <= now_ms:
            item = heapq.heappop(self._heap)[2]
            del self._dates[item]
            due.append(item)
        return due
