"""The room of what sockets are subscribed to, what they say, and when they end."""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.auth.tokens import TokenVerifier
from gateway.connection.limits import ConnectionLimits
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.delivery import Delivery
from gateway.flow_control.monitor import FlowMonitor
from gateway.links import RedisLinks
from gateway.session.credentials import Credentials
from gateway.session.joining import Joiner
from gateway.session.liveness import LivenessLimits
from gateway.session.messages import SessionMessages
from gateway.session.node_profile import NodeProfile
from gateway.session.revocations import Revocations
from gateway.session.store import SubscriptionStore
from gateway.session.sync import SubscriptionSync, TurnWatch
from gateway.session.timers import SocketTimers


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What a gateway says of itself, what a socket may do, and how often changes are looked for."""

    profile: NodeProfile
    connection: ConnectionLimits
    liveness: LivenessLimits
    poll_ms: int
    on_turn: TurnWatch | None = None


class Sessions:
    """The open sockets, from their join to their end."""

    def __init__(
        self,
        links: RedisLinks,
        registry: ConnectionRegistry,
        delivery: Delivery,
        monitor: FlowMonitor,
        verifier: TokenVerifier,
        rules: SessionRules,
    ) -> None:
        control, keys = links.control, links.keys
        self.registry = registry
        self.profile = rules.profile
        self.store = SubscriptionStore(control, keys)
        self.joiner = Joiner(delivery, monitor, self.store, rules.profile)
        self.revocations = Revocations(control, keys, registry, poll_ms=rules.poll_ms)
        self.credentials = Credentials(verifier, self.revocations)
        self.timers = SocketTimers(delivery.hub, delivery.feed, rules.liveness)
        self.subscriptions = SubscriptionSync(
            self.store, registry, self.joiner, poll_ms=rules.poll_ms, on_turn=rules.on_turn
        )
        self.messages = SessionMessages(
            rules.connection, self.credentials, registry, self.joiner, self.timers, monitor
        )

    def loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what must run for sockets to change and to end in time."""
        yield self.revocations.run()
        yield self.timers.run()
        yield self.subscriptions.run()
