"""What a gateway says of itself to a new socket."""

from dataclasses import dataclass

from fanwire.core.tiers import Tiers
from fanwire.wire.encode import ServiceState, encode_hello
from gateway.connection.connection import Connection


@dataclass(frozen=True, slots=True)
class NodeProfile:
    """The part of `hello` that is the same for every socket."""

    node: str
    heartbeat_ms: int
    frame_bytes: int
    max_services: int
    tiers: Tiers

    def hello(self, connection: Connection, services: list[ServiceState]) -> bytes:
        """Return the body of the first frame."""
        return encode_hello(
            connection_id=connection.id,
            node=self.node,
            version=connection.subscription.version,
            property_id=connection.subscription.property_id,
            heartbeat_ms=self.heartbeat_ms,
            token_expires_at_ms=connection.claims.exp_ms,
            services=services,
            limits={"frameBytes": self.frame_bytes, "services": self.max_services},
        )
