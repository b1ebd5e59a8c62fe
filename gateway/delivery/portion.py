"""How many batches of a topic are delivered before it is another org's turn.

A delivery writes to every socket of the topic in one go, and nothing else runs meanwhile. So the
more sockets, the fewer batches: about `TURN_WRITES` writes of a frame, some milliseconds.

Rejected: a count of batches alone. What 64 batches cost differs a thousandfold between a topic of
ten sockets and one of ten thousand.
"""

from typing import Final

TURN_WRITES: Final = 4_096
"""About 35 ms at the 115 000 frames/s of a core (docs/operations.md): another org waits no
longer."""

MOST_BATCHES: Final = 64
"""As many as one read brings."""


def batches_at_once(socket_count: int) -> int:
    """Return how many batches to read of a topic with so many sockets."""
    return max(1, min(MOST_BATCHES, TURN_WRITES // max(socket_count, 1)))
