"""What a subscriber's connection is doing, as its app may watch it."""

from dataclasses import dataclass
from enum import StrEnum

from fanwire.errors import RealtimeError


class State(StrEnum):
    """`idle → connecting → connected → reconnecting → … → closed`."""

    IDLE = "idle"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class StateChange:
    """A state, and what led to it."""

    state: State
    error: RealtimeError | None = None
    retry_in_ms: float | None = None

    @property
    def code(self) -> int | None:
        """The close code, or the code of the error that ended the connection."""
        return None if self.error is None else self.error.code

    @property
    def reason(self) -> str | None:
        """The error in words."""
        return None if self.error is None else str(self.error)

    @property
    def terminal(self) -> bool:
        """Tell whether nothing more will be tried because of an error."""
        return self.state is State.CLOSED and self.error is not None
