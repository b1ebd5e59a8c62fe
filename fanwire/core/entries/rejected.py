"""An entry that cannot be delivered: which field is at fault, what it held, and how to mend it.

The words are written where the fault is found, where both values are known, and are kept in the
dead letter: a code alone sends its reader to the source. `data` is kept whole as far as it may be
published at all, so that it can be published again.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_DATA_BYTES: Final = 65_536
"""A batch's size, so that the largest event makes a frame of its own; more belongs behind a
link."""

REJECTED_HEAD_BYTES: Final = 256
"""Enough to recognise an event by whose data is too big to be kept."""


class Reason(StrEnum):
    """Why an entry was set aside; written into the dead letter."""

    SCHEMA = "schema"  # no data, or a field whose name is one of ours, misspelt
    SHAPE = "shape"  # too many fields, or a field name too long
    TOO_BIG = "too_big"
    DECODE = "decode"  # data is not JSON, or a text is not UTF-8
    BAD_ID = "bad_id"  # an id or another text is empty, too long or has control characters
    TENANT = "tenant"  # the entry claims another org than its key
    POISON = "poison"  # the worker died of it
    INPUT_GAP = "input_gap"  # entries after it were removed unread, by somebody else


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an entry."""

    reason: Reason
    field: str
    """The name of the field at fault, cut where it is long; "" where it is the whole entry."""
    why: str
    """What it held and how to mend it, in a sentence of bounded length."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that cannot be delivered."""

    entry_id: str
    fault: Fault
    data_bytes: int
    """The size of its data as it was published."""
    head: bytes
    """Its data, whole up to MAX_DATA_BYTES; else the first bytes."""

    @property
    def reason(self) -> Reason:
        """Why it was set aside."""
        return self.fault.reason

    @property
    def size_bytes(self) -> int:
        """What its dead letter weighs, roughly."""
        return len(self.head) + len(self.fault.why)


def rejected(entry_id: str, fault: Fault, data: bytes) -> Rejected:
    """Return the entry with as much of its data as is kept."""
    head = data if len(data) <= MAX_DATA_BYTES else data[:REJECTED_HEAD_BYTES]
    return Rejected(entry_id, fault, len(data), head)
