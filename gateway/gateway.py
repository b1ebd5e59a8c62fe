"""The parts of one gateway, as `app.py` composed them and the routes use them."""

from dataclasses import dataclass, field

from gateway.auth.tokens import TokenVerifier
from gateway.cluster.canary import Canary
from gateway.cluster.drain import Drainer
from gateway.connection.registry import Registry
from gateway.delivery.bell import Bell
from gateway.delivery.catch_up import CatchUps
from gateway.delivery.hub import Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.delivery.replay_log import ReplayLog
from gateway.edge.admission import Admission
from gateway.edge.client_address import ClientAddresses
from gateway.edge.origins import AllowedOrigins
from gateway.flow_control.monitor import FlowControl
from gateway.flow_control.switch_sync import SwitchWatch
from gateway.flow_control.switches import Switchboard
from gateway.session.joining import Joiner
from gateway.session.messages import LiveSessions
from gateway.session.node_profile import Greeting
from gateway.session.revocations import RevocationList
from gateway.session.store import SubscriptionStore
from gateway.session.timers import Pulses
from gateway.settings import GatewaySettings
from gateway.telemetry.client_health import ClientHealth
from gateway.telemetry.telemetry import Signals


@dataclass(frozen=True, slots=True)
class Gateway:
    """One process's worth of gateway."""

    settings: GatewaySettings
    greeting: Greeting
    verifier: TokenVerifier
    origins: AllowedOrigins
    addresses: ClientAddresses
    admission: Admission
    drainer: Drainer
    registry: Registry
    hub: Hub
    bell: Bell
    canary: Canary
    feed: LiveFeed
    replay_log: ReplayLog
    store: SubscriptionStore
    revocations: RevocationList
    joiner: Joiner
    pulses: Pulses
    sessions: LiveSessions
    flow: FlowControl
    switchboard: Switchboard
    switches: SwitchWatch
    catch_ups: CatchUps
    signals: Signals
    client_health: ClientHealth = field(default_factory=ClientHealth)
