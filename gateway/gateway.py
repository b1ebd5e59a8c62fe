"""The parts of one gateway, as `app.py` composed them and the routes use them."""

from dataclasses import dataclass, field

from gateway.admission import Admission
from gateway.auth import TokenVerifier
from gateway.bell import Bell
from gateway.canary import Canary
from gateway.catch_up import CatchUps
from gateway.client_health import ClientHealth
from gateway.drainer import Drainer
from gateway.flow_control import FlowControl
from gateway.greeting import Greeting
from gateway.hub import Hub
from gateway.joiner import Joiner
from gateway.live_feed import LiveFeed
from gateway.policy.client_address import ClientAddresses
from gateway.policy.origins import AllowedOrigins
from gateway.pulse import Pulses
from gateway.registry import Registry
from gateway.replay_log import ReplayLog
from gateway.revocation_list import RevocationList
from gateway.sessions import LiveSessions
from gateway.settings import GatewaySettings
from gateway.signals import Signals
from gateway.subscription_store import SubscriptionStore
from gateway.switch_watch import SwitchWatch
from gateway.switchboard import Switchboard


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
