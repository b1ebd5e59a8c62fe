"""The room that keeps services from sockets, and gives them back."""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Self

from fanwire.core.switches import Switches
from fanwire.core.tiers import Tiers
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.delivery import Delivery
from gateway.flow_control.counters import FlowCounters
from gateway.flow_control.monitor import FlowMonitor
from gateway.flow_control.quarantine import QuarantineLimits
from gateway.flow_control.switch_sync import SwitchSync
from gateway.flow_control.switches import LiveSwitches
from gateway.flow_control.withholding import Withholding
from gateway.links import RedisLinks


@dataclass(frozen=True, slots=True)
class FlowRules:
    """What is switched off by the environment, what each service is worth, what is too slow."""

    deployed: Switches
    tiers: Tiers
    quarantine: QuarantineLimits


@dataclass(frozen=True, slots=True)
class FlowControl:
    """The switches, the quarantines, and what both withhold."""

    switches: LiveSwitches
    switch_sync: SwitchSync
    withholding: Withholding
    monitor: FlowMonitor

    @classmethod
    def of(
        cls,
        links: RedisLinks,
        delivery: Delivery,
        registry: ConnectionRegistry,
        rules: FlowRules,
        counters: FlowCounters,
    ) -> Self:
        """Return the room with nothing withheld."""
        switches = LiveSwitches(rules.deployed)
        withholding = Withholding(
            delivery.hub, delivery.feed, delivery.catch_ups, switches, rules.tiers, counters
        )
        return cls(
            switches,
            SwitchSync(links.control, links.keys, registry, switches, withholding),
            withholding,
            FlowMonitor(withholding, rules.tiers, rules.quarantine, counters),
        )

    def loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what must run for slow sockets to be seen and switches to act."""
        yield self.monitor.run()
        yield self.withholding.run()
        yield self.switch_sync.run()
