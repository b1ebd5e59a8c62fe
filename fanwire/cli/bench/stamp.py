"""What a measured event carries in its id: its run, number, moment and checksum.

The id travels untouched, whatever the payload is, so recorded payloads can be measured as
they are. Both ends must be on one machine: the moment is of its clock.
"""

from hashlib import blake2b
from typing import NamedTuple


class Stamp(NamedTuple):
    """One measured event."""

    run: str
    number: int
    sent_ns: int
    checksum: str

    def __str__(self) -> str:
        return f"{self.run}.{self.number}.{self.sent_ns}.{self.checksum}"


def checksum(data: bytes) -> str:
    """Return what tells whether data arrived byte for byte."""
    return blake2b(data, digest_size=8).hexdigest()


def read_stamp(event_id: str | None, run: str) -> Stamp | None:
    """Return the stamp in an event id, or None for an event that is not of this run."""
    parts = (event_id or "").split(".")
    if len(parts) != 4 or parts[0] != run:
        return None
    return Stamp(run, int(parts[1]), int(parts[2]), parts[3])
