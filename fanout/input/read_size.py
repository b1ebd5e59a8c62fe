"""How much the next read may bring: entries per topic, and from which topics.

XREAD bounds entries, not bytes, and it does so for each stream: 64 topics of large entries
would answer with hundreds of megabytes. The count follows what the last reply weighed. The
weight that is aimed at is taken in within some 20 ms: so long may the next event of a quiet
topic wait unread, whatever floods beside it.

A topic that holds too much uncommitted is left out until it drained. While its group as a
whole holds more than its share, less is too much: the floods wait, the quiet ones go on.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds of the count, and the weight of a reply that is aimed at."""

    fewest: int = 8
    """Of events of the largest size, 64 KiB, two goals' worth from each topic; fewer would be
    trips for nothing."""
    most: int = 512
    """About 10 ms of work, at the 20 µs an event measured in a backlog."""
    reply_bytes: int = 256 * 1024
    """About 1 000 events of 250 bytes, which take 20 ms at the same rate."""


def next_count(count: int, *, reply_bytes: int, limits: ReadLimits) -> int:
    """Return the count to ask for after a reply of `reply_bytes`."""
    if reply_bytes > limits.reply_bytes:
        return max(count // 2, limits.fewest)
    if reply_bytes * 4 < limits.reply_bytes:
        return min(count * 2, limits.most)
    return count


def topic_max_bytes(held_bytes: int, *, share_bytes: int, member_count: int, most: int) -> int:
    """Return how much a topic may hold and still be read, in a group that holds `held_bytes`."""
    if held_bytes < share_bytes:
        return most
    return min(share_bytes // max(member_count, 1), most)
