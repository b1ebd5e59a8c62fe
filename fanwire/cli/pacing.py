"""Portions of a stream of events, released at a steady rate."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")

UNPACED_COUNT: Final = 500
"""A portion is one round trip and its pipeline; larger ones gain nothing and delay Ctrl-C."""

_TICK_S: Final = 0.02
"""Shorter than the shortest window, so that a rate looks steady to the worker."""


def paced(items: Iterable[T], per_s: float | None) -> Iterator[list[T]]:
    """Return the items in portions whose release keeps `per_s`; unpaced without it.

    The schedule is absolute: a slow round trip is made up for, so the mean rate holds.
    """
    left = iter(items)
    start_s = time.monotonic()
    released_count = 0
    while True:
        due_count = UNPACED_COUNT
        if per_s is not None:
            due_count = int((time.monotonic() - start_s) * per_s) + 1 - released_count
            if due_count <= 0:
                time.sleep(min(_TICK_S, 1 / per_s))
                continue
        portion = list(islice(left, min(due_count, UNPACED_COUNT)))
        if not portion:
            return
        released_count += len(portion)
        yield portion
