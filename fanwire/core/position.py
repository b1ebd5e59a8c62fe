"""Where a reader stands in a topic's replay log.

A position is the pair (epoch, seq), written `<epoch>-<seq>`, and is at once the id of the
replay log's stream entry, so Redis orders positions as we do. The epoch grows whenever the
log may have lost entries; within an epoch `seq` counts events without a hole.
"""

import re
from typing import Final, NamedTuple

from fanwire.errors import InvalidPosition

MAX_PART: Final = 2**53 - 1  # Lua and JavaScript hold integers exactly up to here
_FORM: Final = re.compile(r"(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})", re.ASCII).fullmatch


class Position(NamedTuple):
    """An epoch and the seq of the last event seen in it; compared as a pair."""

    epoch: int
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"


ZERO: Final = Position(0, 0)


def parse_position(text: object) -> Position:
    """Return the position that `text` spells.

    Raises:
        InvalidPosition: If it is not two plain decimal numbers below 2**53 joined by `-`.
    """
    match = _FORM(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidPosition(text)
    position = Position(int(match[1]), int(match[2]))
    if position.epoch > MAX_PART or position.seq > MAX_PART:
        raise InvalidPosition(text)
    return position
