"""What is noted at a connection by the rooms above it: each record has one writer.

Both are replaced or absent for most sockets, since ten thousand of them are the normal case.
"""

from dataclasses import dataclass
from typing import Final

from fanwire.core.ids import Service
from fanwire.core.tiers import Tier
from gateway.connection.lanes import ReplayPoint


@dataclass(frozen=True, slots=True)
class ActiveSubscription:
    """What a socket gets, as of a version. gateway/session/joining.py replaces it as a whole."""

    services: frozenset[Service] = frozenset()
    property_id: str | None = None
    version: int = 0
    property_version: int = 0


NOT_SUBSCRIBED: Final = ActiveSubscription()


@dataclass(slots=True)
class SocketFlow:
    """What a socket gets less of. gateway/flow_control/socket_flow.py alone writes it."""

    shed: frozenset[Tier]
    withheld: dict[Service, ReplayPoint]
    """Services that it does not get for now, and from where it will."""
