"""The parts of one gateway, as `app.py` composed them and the routes use them."""

from dataclasses import dataclass, field

from gateway.auth.tokens import TokenVerifier
from gateway.cluster.canary import Canary
from gateway.cluster.drain import Drainer
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.bell import Bell
from gateway.delivery.catch_up import CatchUps
from gateway.delivery.hub import Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.delivery.replay_log import ReplayLog
from gateway.edge.admission import Admission
from gateway.edge.client_address import ClientAddresses
from gateway.edge.origins import AllowedOrigins
from gateway.flow_control.monitor import FlowMonitor
from gateway.flow_control.switch_sync import SwitchSync
from gateway.flow_control.switches import LiveSwitches
from gateway.session.joining import Joiner
from gateway.session.messages import SessionMessages
from gateway.session.node_profile import NodeProfile
from gateway.session.revocations import Revocations
from gateway.session.store import SubscriptionStore
from gateway.session.timers import SocketTimers
from gateway.settings import GatewaySettings
from gateway.telemetry.client_health import ClientHealth
from gateway.telemetry.telemetry import GatewayTelemetry


@dataclass(frozen=True, slots=True)
class Gateway:
    """One process's worth of gateway."""

    settings: GatewaySettings
    profile: NodeProfile
    verifier: TokenVerifier
    origins: AllowedOrigins
    addresses: ClientAddresses
    admission: Admission
    drainer: Drainer
    registry: ConnectionRegistry
    hub: Hub
    bell: Bell
    canary: Canary
    feed: LiveFeed
    replay_log: ReplayLog
    store: SubscriptionStore
    revocations: Revocations
    joiner: Joiner
    timers: SocketTimers
    sessions: SessionMessages
    flow: FlowMonitor
    switchboard: LiveSwitches
    switches: SwitchSync
    catch_ups: CatchUps
    signals: GatewayTelemetry
    client_health: ClientHealth = field(default_factory=ClientHealth)
