"""Which inputs a session may take in which phase.

Every transition is a row of NEXT_PHASE and nowhere else; the diagram in docs/protocol.md is
drawn from the table. The token is checked before the upgrade, so no phase is unauthenticated.
"""

from enum import Enum
from typing import Final


class Phase(Enum):
    """Where a session stands between its upgrade and its end."""

    JOINING = "joining"  # upgraded; the services are being joined, hello is not sent yet
    LIVE = "live"
    DRAINING = "draining"  # told to move; still receives
    CLOSED = "closed"


class Input(Enum):
    """What can happen to a session."""

    HELLO = "hello"
    MESSAGE = "message"
    DRAIN = "drain"
    CLOSE = "close"


NEXT_PHASE: Final[dict[tuple[Phase, Input], Phase]] = {
    (Phase.JOINING, Input.HELLO): Phase.LIVE,
    # A client need not wait for hello: its first ack or ping may cross it.
    (Phase.JOINING, Input.MESSAGE): Phase.JOINING,
    (Phase.JOINING, Input.DRAIN): Phase.DRAINING,
    (Phase.JOINING, Input.CLOSE): Phase.CLOSED,
    (Phase.LIVE, Input.MESSAGE): Phase.LIVE,
    (Phase.LIVE, Input.DRAIN): Phase.DRAINING,
    (Phase.LIVE, Input.CLOSE): Phase.CLOSED,
    # The drain may overtake the join; its hello then changes nothing.
    (Phase.DRAINING, Input.HELLO): Phase.DRAINING,
    (Phase.DRAINING, Input.MESSAGE): Phase.DRAINING,
    (Phase.DRAINING, Input.DRAIN): Phase.DRAINING,
    (Phase.DRAINING, Input.CLOSE): Phase.CLOSED,
    (Phase.CLOSED, Input.CLOSE): Phase.CLOSED,
}


class IllegalTransition(Exception):
    """The table has no row: the caller acted on a session that had ended."""


def advance(phase: Phase, happened: Input) -> Phase:
    """Return the phase that follows.

    Raises:
        IllegalTransition: If the table has no row for the pair.
    """
    try:
        return NEXT_PHASE[phase, happened]
    except KeyError:
        raise IllegalTransition(f"{happened.value} is not allowed while {phase.value}") from None
