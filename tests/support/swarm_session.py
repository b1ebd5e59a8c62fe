"""The books of one client of the swarm: what it saw, and what it may not see.

It forgives nothing that a real client would mend in silence: a batch that does not follow, a
repeat, a number that is missing or comes twice, a reset, a socket that ends without a word.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import orjson

MOST_FAULTS: Final = 20

_CHAIN: Final = re.compile(rb'"prev":"([^"]*)","position":"([^"]*)"')
_NUMBER: Final = re.compile(rb'"n":(\d+)')


@lru_cache(maxsize=1024)
def _batch(frame: bytes) -> tuple[bytes, bytes, list[int]]:
    # All clients are sent the same bytes, which are looked into once.
    found = _CHAIN.search(frame)
    assert found is not None, frame[:200]
    return found[1], found[2], [int(number) for number in _NUMBER.findall(frame)]


@dataclass
class Books:
    """What happened to all clients together. Times are those of `time.monotonic`."""

    hellos: list[tuple[float, str]] = field(default_factory=list)
    """When each socket was greeted, and by which node."""
    drains: list[tuple[float, str]] = field(default_factory=list)
    """When each `drain` came, and from which node."""
    ends: dict[str, int] = field(default_factory=dict)
    """How sockets ended: a close code, `cut`, or the status of a refused upgrade."""
    longest_stall_s: float = 0.0
    """For how long the swarm itself, and not a gateway, kept everything waiting."""
    fault_count: int = 0
    faults: list[str] = field(default_factory=list)
    """The first of what may not happen."""

    def ended(self, how: str) -> None:
        """Count an end."""
        self.ends[how] = self.ends.get(how, 0) + 1

    def fault(self, text: str) -> None:
        """Note what may not happen."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)


class SwarmSession:
    """One client over all its sockets."""

    def __init__(self, number: int, books: Books) -> None:
        self.name = f"client {number}"
        self.books = books
        self.position = b""
        self.next_number = 0
        """What must come next; all must be connected before the first is published."""
        self.node = ""
        self.is_greeted = False
        self.reconnect_after_ms: float | None = None
        """What the last `drain` said, until the next hello."""

    def take(self, frame: bytes, now_s: float) -> None:
        """Take in a text frame."""
        if frame.startswith(b'{"type":"batch"'):
            self._take_batch(frame)
        elif frame.startswith(b'{"type":"hello"'):
            self._take_hello(frame, now_s)
        elif frame.startswith(b'{"type":"heartbeat"'):
            self._take_heartbeat(frame)
        elif frame.startswith(b'{"type":"drain"'):
            self.reconnect_after_ms = orjson.loads(frame)["reconnectAfterMs"]
            self.books.drains.append((now_s, self.node))
        elif not frame.startswith(b'{"type":"error"'):  # a close says the same
            self._fault(f"was sent {frame[:200]!r}")

    def closed(self, code: int) -> None:
        """Take in a close frame."""
        self.books.ended(str(code))
        if code == 1012 and self.reconnect_after_ms is None:
            self._fault("was closed as draining, and not told before")

    def _take_batch(self, frame: bytes) -> None:
        before, after, numbers = _batch(frame)
        if before != self.position:
            self._fault(f"stood at {self.position!r} and was sent what follows {before!r}")
        self.position = after
        for number in numbers:
            if number != self.next_number:
                self._fault(f"was sent number {number} in place of {self.next_number}")
            self.next_number = number + 1

    def _take_hello(self, frame: bytes, now_s: float) -> None:
        hello = orjson.loads(frame)
        (row,) = hello["services"]
        at = row["position"].encode()
        if self.position and (at != self.position or row.get("recovered") is not True):
            self._fault(f"asked to go on from {self.position!r} and was told {row}")
        self.position, self.node = at, hello["node"]
        self.is_greeted, self.reconnect_after_ms = True, None
        self.books.hellos.append((now_s, self.node))

    def _take_heartbeat(self, frame: bytes) -> None:
        for head in orjson.loads(frame)["positions"].values():
            if head.encode() != self.position:
                self._fault(f"stands at {self.position!r} and was told of {head}")

    def _fault(self, text: str) -> None:
        self.books.fault(f"{self.name} on {self.node} {text}")
