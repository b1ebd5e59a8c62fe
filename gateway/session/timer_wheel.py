"""One timer for all sockets of a process.

A timer per socket costs 10 000 heap entries and as many wake-ups; the wheel costs a list
append, and one wake-up per tick however many are due. A timer fires up to one tick late, never
early, which heartbeats and token expiry with its leeway can bear.

There is no cancel: the owner of a time remembers the one that counts, and ignores
a key that comes back before it. A wheel that searched for the old slot would need a table of
all keys, which is most of what it saves.

Hashed wheel after Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987).
"""

from typing import Generic, TypeVar

Key = TypeVar("Key")


class TimerWheel(Generic[Key]):
    """Keys by the tick in which they are due."""

    def __init__(
        self,
        *,
        now_ms: float,
        tick_ms: int,
        slot_count: int = 256,  # a turn of 64 s: a heartbeat's timer is looked at once
    ) -> None:
        self._tick_ms = tick_ms
        self._slots: list[list[tuple[int, Key]]] = [[] for _ in range(slot_count)]
        self._next_tick = int(now_ms // tick_ms)

    def set(self, key: Key, *, at_ms: float) -> None:
        """Make `key` due at `at_ms`; a time already past is due at the next tick."""
        tick = max(int(-(-at_ms // self._tick_ms)), self._next_tick)
        self._slots[tick % len(self._slots)].append((tick, key))

    def pop_due(self, *, now_ms: float) -> list[Key]:
        """Remove and return the keys whose time has come, each as often as it was set."""
        last = int(now_ms // self._tick_ms)
        # After a pause longer than a turn, one look at each slot finds everything due.
        first = max(self._next_tick, last - len(self._slots) + 1)
        due = [key for tick in range(first, last + 1) for key in self._pop_slot(tick, last)]
        self._next_tick = max(self._next_tick, last + 1)
        return due

    def _pop_slot(self, tick: int, last: int) -> list[Key]:
        i = tick % len(self._slots)
        slot = self._slots[i]
        self._slots[i] = [row for row in slot if row[0] > last]
        return [key for at_tick, key in slot if at_tick <= last]
