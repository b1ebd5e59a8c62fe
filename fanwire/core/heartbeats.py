"""What gateways and workers say of themselves every two seconds, as the nodes' hashes hold it.

JSON, each field spelled as here in camel case. Nodes of different versions read each other: a
field that is unknown here is ignored, and one that is missing or of another type has its default.
Only what a reader cannot do without has none; without that a heartbeat is unreadable.
`contract/heartbeats/` holds examples.
"""

from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

import orjson

from fanwire.core.camel_case import camel_case
from fanwire.core.position import Position, parse_position
from fanwire.errors import InvalidPosition


@dataclass(frozen=True, slots=True)
class GatewayHeartbeat:
    """A field of `gateway:nodes`. Counts and sums are those since the process began."""

    at_ms: int
    """By the wall clock of the gateway."""
    connections: int
    version: str | None = None
    up_ms: int | None = None
    draining: bool = False
    topics: int | None = None
    events: int | None = None
    p99_ms: int | float | None = None
    loop_lag_ms: int | float | None = None
    quarantined: int | None = None
    dropped: int | None = None
    evicted: int | None = None
    lane_bytes: int | None = None
    max_connections: int | None = None
    fd_limit: int | None = None
    canary_heard: Position | None = None
    """How far it heard the canary; by this its peers know whether they are deaf."""
    canary_age_ms: int | None = None
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    """A field of `fanout:nodes`. Counts are those since the process began."""

    at_ms: int
    """By the wall clock of the worker."""
    partitions: int | None = None
    topics: int | None = None
    events: int | None = None
    batches: int | None = None
    dead: int | None = None
    pruned: int | None = None
    uncommitted_bytes: int | None = None


Heartbeat = GatewayHeartbeat | WorkerHeartbeat
H = TypeVar("H", GatewayHeartbeat, WorkerHeartbeat)


def beat_fields(heartbeat: Heartbeat) -> dict[str, object]:
    """Return the fields as JSON has them, in order."""
    values = {camel_case(each.name): getattr(heartbeat, each.name) for each in fields(heartbeat)}
    return {n: str(value) if isinstance(value, Position) else value for n, value in values.items()}


def encode_beat(heartbeat: Heartbeat) -> bytes:
    """Return what to store."""
    return orjson.dumps(beat_fields(heartbeat))


def decode_beat(kind: type[H], stored: bytes) -> H | None:
    """Return the heartbeat that was stored, or None if it cannot be read."""
    try:
        found: Any = orjson.loads(stored)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    read: dict[str, Any] = {
        each.name: _known(found.get(camel_case(each.name)), each.type) for each in fields(kind)
    }
    known = {name: value for name, value in read.items() if value is not None}
    needed = {each.name for each in fields(kind) if each.default is MISSING}
    return kind(**known) if needed <= known.keys() else None


def _known(value: object, kind: Any) -> object:
    if kind == Position | None:
        return _position(value)
    return value if isinstance(value, kind) else None


def _position(value: object) -> Position | None:
    try:
        return parse_position(value)
    except InvalidPosition:
        return None
