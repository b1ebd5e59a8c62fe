"""A gateway's parts around its joiner, real but for Redis."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fanwire.auth.claims import ClaimRules, Claims
from fanwire.core.ids import Service
from fanwire.core.keys import Keys
from fanwire.core.position import Position
from fanwire.core.switches import Switches
from fanwire.core.tiers import Tiers
from gateway.auth.tokens import SharedSecret, TokenVerifier
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.catch_up import CatchUps
from gateway.delivery.delivery import Delivery
from gateway.delivery.hub import Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.flow_control.counters import FlowCounters
from gateway.flow_control.monitor import FlowMonitor
from gateway.flow_control.quarantine import QuarantineLimits
from gateway.flow_control.switches import LiveSwitches
from gateway.flow_control.withholding import Withholding
from gateway.session.credentials import Credentials
from gateway.session.joining import Joiner
from gateway.session.liveness import LivenessLimits
from gateway.session.messages import SessionMessages
from gateway.session.node_profile import NodeProfile
from gateway.session.revocations import Revocations
from gateway.session.store import SubscriptionStore
from gateway.session.stream_request import StreamRequest
from gateway.session.timers import SocketTimers
from tests.support.loopback import LIMITS, Client
from tests.support.memory_log import MemoryLog
from tests.support.memory_redis import MemoryTrips
from tests.support.signing import AUDIENCE, ISSUER, SECRET

TIERS: Final = Tiers()
NOTHING_OFF: Final = Switches()


class GatewayStage:
    """Connect clients to it; no loop of it runs unless a test runs it."""

    def __init__(self, *, deployed: Switches = NOTHING_OFF) -> None:
        keys = Keys()
        self.trips = MemoryTrips()
        self.hub, self.registry, self.log = Hub(), ConnectionRegistry(), MemoryLog()
        self.feed = LiveFeed(self.hub, self.log, TIERS, sweep_ms=3_600_000)
        self.store = SubscriptionStore(self.trips, keys)
        self.profile = NodeProfile(
            node="gw", heartbeat_ms=15_000, frame_bytes=9, max_services=8, tiers=TIERS
        )
        self.catch_ups = CatchUps(self.feed, self.log)
        self.switchboard = LiveSwitches(deployed)
        counters = FlowCounters()
        self.withholding = Withholding(
            self.hub, self.feed, self.catch_ups, self.switchboard, TIERS, counters
        )
        self.flow = FlowMonitor(self.withholding, TIERS, QuarantineLimits(), counters)
        self.delivery = Delivery(self.hub, self.feed, self.log, self.catch_ups)
        self.joiner = Joiner(self.delivery, self.flow, self.store, self.profile)
        self.revocations = Revocations(self.trips, keys, self.registry, poll_ms=3_600_000)
        self.timers = SocketTimers(self.hub, self.feed, LivenessLimits())
        verifier = TokenVerifier(SharedSecret(SECRET), ClaimRules(ISSUER, AUDIENCE))
        credentials = Credentials(verifier, self.revocations)
        self.sessions = SessionMessages(
            LIMITS, credentials, self.registry, self.joiner, self.timers, self.flow
        )
        self._client_count = 0

    def client(self, claims: Claims | None = None) -> Client:
        """Return a client whose upgrade is done, and whose join is not."""
        self._client_count += 1
        client = Client(self.sessions, claims=claims, name=f"gw~{self._client_count}")
        self.registry.add(client.connection)
        return client

    async def join(self, client: Client, *services: str, **request: Any) -> list[dict[str, Any]]:
        """Join the client to services, and return what it was told."""
        await self.join_and_replay(client, a_request(*services, **request))
        return client.messages()

    async def join_and_replay(self, client: Client, request: StreamRequest) -> None:
        """Do what the route does with a socket that came in."""
        await self.joiner.replay(await self.joiner.join(client.connection, request))


def a_request(
    *services: str,
    property_id: str | None = None,
    resume: Mapping[Service, Position] | None = None,
) -> StreamRequest:
    """Return what a client's URL asks for."""
    return StreamRequest(frozenset(map(Service, services)), property_id, resume or {})


def positions_in(message: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the position of each service in a hello or a subscriptions message."""
    rows: Sequence[Mapping[str, Any]] = message["services"]
    return {row["name"]: row.get("position") for row in rows}
