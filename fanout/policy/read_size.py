"""How many entries per topic the next read asks for.

XREAD bounds entries, not bytes, and it does so for each stream: 64 topics of large entries
would answer with hundreds of megabytes. The count follows what the last reply weighed.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds of the count, and the weight of a reply that is aimed at."""

    fewest: int = 8
    most: int = 512
    reply_bytes: int = 4 * 1024 * 1024


def next_count(count: int, *, reply_bytes: int, limits: ReadLimits) -> int:
    """Return the count to ask for after a reply of `reply_bytes`."""
    if reply_bytes > limits.reply_bytes:
        return max(count // 2, limits.fewest)
    if reply_bytes * 4 < limits.reply_bytes:
        return min(count * 2, limits.most)
    return count
