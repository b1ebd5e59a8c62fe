"""One look at the cluster, and the rates between two looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

from fanwire.cli.inspect.nodes import Node, read_gateways, read_workers, server_ms
from fanwire.cli.inspect.topic_states import TopicState, find_topics, read_states
from fanwire.core.heartbeats import GatewayHeartbeat, H, WorkerHeartbeat, beat_fields
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.core.position import parse_position


class Rates:
    """How fast counts grow from one look to the next."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, int, float | None]] = {}

    def per_s(self, name: str, count: int | None, *, at_ms: int) -> float | None:
        """Return the growth per second since the last look; None at the first.

        A count that is not newer than the last one keeps the rate that it had; one that fell
        was begun again.
        """
        if count is None:
            return None
        before_count, before_ms, rate = self._before.get(name, (count, at_ms, None))
        if at_ms > before_ms:
            rate = max(count - before_count, 0) * 1000 / (at_ms - before_ms)
        self._before[name] = (count, at_ms, rate)
        return rate


@dataclass(frozen=True, slots=True)
class NodeRow(Generic[H]):
    """A gateway or a worker at one look."""

    node: Node[H]
    events_per_s: float | None


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic at one look."""

    state: TopicState
    events_per_s: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one look."""

    at_ms: int
    gateways: Sequence[NodeRow[GatewayHeartbeat]]
    workers: Sequence[NodeRow[WorkerHeartbeat]]
    topics: Sequence[TopicRow]

    def busiest(self, count: int) -> list[TopicRow]:
        """Return the topics that lag or move most."""
        order = sorted(
            self.topics, key=lambda row: (row.state.lag_events, row.events_per_s or 0), reverse=True
        )
        return order[:count]

    def as_dict(self) -> dict[str, object]:
        """Return it for `--json`."""
        return {
            "atMs": self.at_ms,
            "gateways": [_node(row.node, row.events_per_s) for row in self.gateways],
            "workers": [_node(row.node, row.events_per_s) for row in self.workers],
            "topics": [
                {**row.state.as_dict(), "eventsPerS": row.events_per_s} for row in self.topics
            ],
        }


def take_snapshot(client: Any, keys: Keys, org: Org | None, rates: Rates) -> Snapshot:
    """Look once."""
    at_ms = server_ms(client)
    states = read_states(client, keys, find_topics(client, keys, org))
    return Snapshot(
        at_ms,
        [NodeRow(node, _beat_rate(rates, "gateway", node)) for node in read_gateways(client, keys)],
        [NodeRow(node, _beat_rate(rates, "worker", node)) for node in read_workers(client, keys)],
        [TopicRow(state, _topic_rate(rates, state, at_ms)) for state in states],
    )


def _beat_rate(rates: Rates, kind: str, node: Node[H]) -> float | None:
    # A beat is older than the look: its own time is what its count belongs to.
    return rates.per_s(f"{kind} {node.name}", node.beat.events, at_ms=node.beat.at_ms)


def _topic_rate(rates: Rates, state: TopicState, at_ms: int) -> float | None:
    seq = None if state.position is None else parse_position(state.position).seq
    return rates.per_s(f"topic {state.topic}", seq, at_ms=at_ms)


def _node(node: Node[H], events_per_s: float | None) -> dict[str, object]:
    return {
        **beat_fields(node.beat),
        "name": node.name,
        "alive": node.is_beating,
        "silentMs": node.silent_ms,
        "eventsPerS": events_per_s,
    }
