"""The room of this gateway among the others: it hears, beats, sheds and leaves."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry.trace import Tracer

from fanwire.core.heartbeats import GatewayHeartbeat
from gateway.cluster.bell_routing import BellRouting
from gateway.cluster.canary import Canary
from gateway.cluster.canary_topic import CanaryTopic
from gateway.cluster.drain import Drainer, DrainTimes
from gateway.cluster.hearing import CanaryLimits
from gateway.cluster.kick import Kick
from gateway.cluster.membership import Membership
from gateway.cluster.nodes import NodeList
from gateway.cluster.org_watch import OrgWatch
from gateway.cluster.rebalance import RebalanceLimits
from gateway.cluster.rebalancer import Rebalancer
from gateway.delivery.bell import Bell
from gateway.delivery.delivery import Delivery
from gateway.edge.admission import Admission
from gateway.flow_control.flow_control import FlowControl
from gateway.links import RedisLinks
from gateway.session.sessions import Sessions
from shared.redis.server_clock import ServerClock


@dataclass(frozen=True, slots=True)
class ClusterRules:
    """How often a gateway tests its hearing, when it sheds, and how it leaves."""

    canary: CanaryLimits
    rebalance: RebalanceLimits | None
    drain: DrainTimes
    tracer: Tracer | None
    heartbeat: Callable[[], GatewayHeartbeat]
    """What a gateway says of itself, but for its canary."""
    clock: ServerClock


class Cluster:
    """This node's part in the whole."""

    def __init__(
        self,
        links: RedisLinks,
        admission: Admission,
        delivery: Delivery,
        flow: FlowControl,
        sessions: Sessions,
        rules: ClusterRules,
    ) -> None:
        control, keys, registry = links.control, links.keys, sessions.registry
        nodes = NodeList(control, keys, rules.clock, node=sessions.profile.node)
        routing = BellRouting(
            delivery.feed,
            sessions.subscriptions,
            sessions.revocations,
            flow.switch_sync,
            Kick(registry),
        )
        self.bell = Bell(links.redis, keys, routing)
        links.control.on_demoted.append(self.bell.doubt)
        self.orgs = OrgWatch(self.bell, sessions.revocations, flow)
        topic = CanaryTopic(control, keys, nodes)
        self.canary = Canary(topic, self.bell, delivery.feed, routing.canary, rules.canary)
        self.drainer = Drainer(registry, admission, rules.drain, rules.tracer)
        self._heartbeat = rules.heartbeat
        self.membership = Membership(nodes, registry, sessions.store, self._beat)
        self.rebalancer: Rebalancer | None = None
        if rules.rebalance is not None:
            self.rebalancer = Rebalancer(nodes, registry, admission, rules.rebalance)

    def loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what must run for the others to see this gateway, and it them."""
        yield self.bell.run()
        yield self.canary.run()
        yield self.membership.run()
        yield self.drainer.run()
        if self.rebalancer is not None:
            yield self.rebalancer.run()

    def _beat(self) -> GatewayHeartbeat:
        return replace(
            self._heartbeat(),
            canary_heard=self.canary.heard,
            canary_age_ms=int(self.canary.age_ms),
            deaf=self.canary.is_deaf,
        )
