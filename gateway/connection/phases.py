"""Which inputs a session may take in which phase.

Every transition is a row of NEXT_PHASE and nowhere else; the diagram in docs/protocol.md is
drawn from the table. The token is checked before the upgrade, so no phase is unauthenticated.
"""

from enum import Enum
from typing import Final


class SessionPhase(Enum):
    """Where a session stands between its upgrade and its end."""

    JOINING = "joining"  # upgraded; the services are being joined, hello is not sent yet
    LIVE = "live"
    DRAINING = "draining"  # told to move; still receives
    CLOSED = "closed"


class SessionInput(Enum):
    """What can happen to a session."""

    HELLO = "hello"
    MESSAGE = "message"
    DRAIN = "drain"
    CLOSE = "close"


NEXT_PHASE: Final[dict[tuple[SessionPhase, SessionInput], SessionPhase]] = {
    (SessionPhase.JOINING, SessionInput.HELLO): SessionPhase.LIVE,
    # A client need not wait for hello: its first ack or ping may cross it.
    (SessionPhase.JOINING, SessionInput.MESSAGE): SessionPhase.JOINING,
    (SessionPhase.JOINING, SessionInput.DRAIN): SessionPhase.DRAINING,
    (SessionPhase.JOINING, SessionInput.CLOSE): SessionPhase.CLOSED,
    (SessionPhase.LIVE, SessionInput.MESSAGE): SessionPhase.LIVE,
    (SessionPhase.LIVE, SessionInput.DRAIN): SessionPhase.DRAINING,
    (SessionPhase.LIVE, SessionInput.CLOSE): SessionPhase.CLOSED,
    # The drain may overtake the join; its hello then changes nothing.
    (SessionPhase.DRAINING, SessionInput.HELLO): SessionPhase.DRAINING,
    (SessionPhase.DRAINING, SessionInput.MESSAGE): SessionPhase.DRAINING,
    (SessionPhase.DRAINING, SessionInput.DRAIN): SessionPhase.DRAINING,
    (SessionPhase.DRAINING, SessionInput.CLOSE): SessionPhase.CLOSED,
    (SessionPhase.CLOSED, SessionInput.CLOSE): SessionPhase.CLOSED,
}


class IllegalTransition(Exception):
    """The table has no row: the caller acted on a session that had ended."""


def advance(phase: SessionPhase, happened: SessionInput) -> SessionPhase:
    """Return the phase that follows.

    Raises:
        IllegalTransition: If the table has no row for the pair.
    """
    try:
        return NEXT_PHASE[phase, happened]
    except KeyError:
        raise IllegalTransition(f"{happened.value} is not allowed while {phase.value}") from None
