"""Whether a log entry follows what a reader has seen, and whether a resume can be honoured.

Every batch names its predecessor. A reader that stands at `mine` may take a batch only if the
batch's predecessor is `mine`; anything else is stale, a hole or another history, and each of
those has its own answer. A hole is never passed over in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from fanwire.core.position import ZERO, Position
from gateway.delivery.log_entry import LogEntry


class ResetReason(StrEnum):
    """Why a reader must fetch its state again."""

    EXPIRED = "expired"  # the log no longer holds what follows
    ROLLED_BACK = "rolled_back"  # a failover took back events that were seen
    UNKNOWN_EPOCH = "unknown_epoch"  # the position never belonged to this log
    OVERFLOW = "overflow"  # too much to replay on one socket


class ChainLink(Enum):
    """How an entry stands to the reader's position."""

    NEXT = "next"
    SEEN = "seen"
    HOLE = "hole"
    FORK = "fork"


def link(mine: Position, entry: LogEntry) -> ChainLink:
    """Judge an entry against the position reached."""
    if entry.prev == mine:
        return ChainLink.NEXT
    if entry.position <= mine:
        return ChainLink.SEEN
    return ChainLink.HOLE if entry.prev > mine else ChainLink.FORK


def reset_reason(mine: Position, entry: LogEntry) -> ResetReason:
    """Return why a reader at `mine` cannot go on with `entry`, a HOLE or a FORK."""
    if entry.prev == ZERO and mine != ZERO:
        # The log begins again, as after FLUSHALL: nothing ties it to the old one.
        return ResetReason.UNKNOWN_EPOCH
    if link(mine, entry) is ChainLink.HOLE:
        return ResetReason.EXPIRED
    return ResetReason.ROLLED_BACK


def head_reset_reason(mine: Position, head: Position | None) -> ResetReason | None:
    """Judge a topic's head, None where the topic is gone, against the position reached.

    Returns None while the head is at or beyond `mine`: then the log itself tells the rest.
    """
    if head is None:
        return None if mine == ZERO else ResetReason.UNKNOWN_EPOCH
    if head >= mine:
        return None
    return ResetReason.UNKNOWN_EPOCH if head == ZERO else ResetReason.ROLLED_BACK


@dataclass(frozen=True, slots=True)
class Resumed:
    """The position is on the chain; `entries` follow it without a hole."""

    entries: Sequence[LogEntry]


def judge_resume(
    mine: Position, *, head: Position, epoch: int, following: Sequence[LogEntry]
) -> Resumed | ResetReason:
    """Decide whether a client that stood at `mine` can go on without a reset.

    `head` is the last committed position, `epoch` the topic's current one and `following`
    the log's oldest entries after `mine`, read no earlier than `head`.
    """
    if mine == head:
        return Resumed(())
    if mine > head:
        # Beyond the head of a log that has since changed its epoch: a failover took it back.
        rolled_back = head > ZERO and mine.epoch < epoch
        return ResetReason.ROLLED_BACK if rolled_back else ResetReason.UNKNOWN_EPOCH
    if not following:
        return ResetReason.EXPIRED
    first = following[0]
    match link(mine, first):
        case ChainLink.NEXT:
            return Resumed(following)
        case ChainLink.FORK if mine.epoch == first.position.epoch:
            # Inside a batch of a log that was never rolled back: the client made it up.
            return ResetReason.UNKNOWN_EPOCH
        case _:
            return reset_reason(mine, first)
