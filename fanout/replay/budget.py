"""How the room for replay is shared when all logs together want more than there is.

What is kept beyond the promise goes first (fanout/topic/retention.py): no promise is broken
for it. Then the lowest tier pays, and in it the orgs that hold the most: they are lowered to
one level, so that an org that holds little loses nothing. Within an org the largest log is
lowered in the same way. The higher tiers keep a floor until the lower ones have nothing left
to give; below it they go only when that is not enough either.

What is shared is the worker's part of the whole budget, by the partitions that it holds. If the
server runs short of memory for another reason, the logs give way by as much: they can be
replaced by a `reset`, events that are not yet read cannot.

Rejected: cutting every log by the same part. A quiet org's few minutes would go to make room
for the flood of another.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from fanwire.core.keys import PARTITION_COUNT
from fanwire.core.tiers import Tier

DEFAULT_BUDGET_BYTES: Final = 1024**3
"""Where Redis has no `maxmemory` to take a part of: 64 full logs."""

FLOOR_BYTES: Final = 256 * 1024
"""What a critical or high log keeps as long as lower tiers can give."""


class _Least(Enum):
    PROMISED = "promised"
    FLOOR = "floor"
    NOTHING = "nothing"


_MEMORY_PART: Final = 4
"""A quarter of `maxmemory`: unread input, which nothing can replace, has the larger part."""

_FULL_PERCENT: Final = 90
"""Logs give way before the server is full and refuses what is published."""

_STEPS: Final = (
    (Tier.LOW, _Least.PROMISED),
    (Tier.NORMAL, _Least.PROMISED),
    (Tier.HIGH, _Least.PROMISED),
    (Tier.CRITICAL, _Least.PROMISED),
    (Tier.LOW, _Least.NOTHING),
    (Tier.NORMAL, _Least.NOTHING),
    (Tier.HIGH, _Least.FLOOR),
    (Tier.CRITICAL, _Least.FLOOR),
    (Tier.HIGH, _Least.NOTHING),
    (Tier.CRITICAL, _Least.NOTHING),
)


class LogLoad(NamedTuple):
    """One topic's replay log, and what it would hold if it were alone."""

    org: str
    tier: Tier
    wanted_bytes: int
    promised_bytes: int
    """The part of it that every topic may count on."""


@dataclass(frozen=True, slots=True)
class ServerMemory:
    """What the server uses and may use; 0 for as much as it likes."""

    used_bytes: int
    max_bytes: int


def worker_budget(
    budget_bytes: int | None, memory: ServerMemory, *, held_count: int, kept_bytes: int
) -> int:
    """Return what the logs of a worker may hold that holds so many partitions, and keeps so much.

    `budget_bytes` None is a quarter of the server's memory, or 1 GiB where it has no bound.
    """
    if budget_bytes is None:
        budget_bytes = memory.max_bytes // _MEMORY_PART or DEFAULT_BUDGET_BYTES
    share = budget_bytes * held_count // PARTITION_COUNT
    over = memory.used_bytes - memory.max_bytes * _FULL_PERCENT // 100
    if memory.max_bytes and over > 0:
        share = min(share, max(kept_bytes - over * held_count // PARTITION_COUNT, 0))
    return share


def allowances(logs: Sequence[LogLoad], budget_bytes: int) -> list[int | None]:
    """Return for each log what it may hold; None where it is not bounded."""
    allowed = [log.wanted_bytes for log in logs]
    members: defaultdict[Tier, list[int]] = defaultdict(list)
    for index, log in enumerate(logs):
        members[log.tier].append(index)
    excess = sum(allowed) - budget_bytes
    for tier, least in _STEPS:
        if excess > 0 and members[tier]:
            floors = [min(allowed[i], _floor(log, least)) for i, log in enumerate(logs)]
            excess -= _lower_tier(logs, allowed, members[tier], floors, excess)
    return [
        None if size == log.wanted_bytes else size for size, log in zip(allowed, logs, strict=True)
    ]


def _lower_tier(
    logs: Sequence[LogLoad],
    allowed: list[int],
    tier: Sequence[int],
    floors: Sequence[int],
    excess: int,
) -> int:
    """Lower the logs of a tier by `excess`, if they have so much to give; return what they gave."""
    by_org: defaultdict[str, list[int]] = defaultdict(list)
    for index in tier:
        by_org[logs[index].org].append(index)
    held = [sum(allowed[i] for i in of_org) for of_org in by_org.values()]
    least = [sum(floors[i] for i in of_org) for of_org in by_org.values()]
    gave = 0
    for of_org, target in zip(
        by_org.values(), _levelled(held, least, sum(held) - excess), strict=True
    ):
        sizes = [allowed[i] for i in of_org]
        of_each = [floors[i] for i in of_org]
        for index, size in zip(of_org, _levelled(sizes, of_each, target), strict=True):
            gave += allowed[index] - size
            allowed[index] = size
    return gave


def _floor(log: LogLoad, least: _Least) -> int:
    match least:
        case _Least.PROMISED:
            return log.promised_bytes
        case _Least.FLOOR:
            return FLOOR_BYTES
        case _Least.NOTHING:
            return 0


def _levelled(sizes: Sequence[int], floors: Sequence[int], target: int) -> list[int]:
    """Return `sizes`, all above one level lowered to it, not below its floor each.

    The level is the highest at which they do not exceed `target`.
    """
    low, high = 0, max(sizes)
    while low < high:
        level = (low + high + 1) // 2
        if sum(map(_clamped, sizes, floors, [level] * len(sizes))) <= target:
            low = level
        else:
            high = level - 1
    return [_clamped(size, floor, low) for size, floor in zip(sizes, floors, strict=True)]


def _clamped(size: int, floor: int, level: int) -> int:
    return min(size, max(floor, level))
