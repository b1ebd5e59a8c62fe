"""The frames that a gateway sends, as JSON text, `type` first.

A batch is encoded once, by the worker, and stored finished. Filtered sockets get a cut of
those bytes: the index says where each event begins and ends and which property it is of,
so a gateway joins slices and never parses or encodes an event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from fanwire.core.events import Event, encode_events
from fanwire.core.position import Position
from fanwire.core.property_filter import PropertyFilter, passes
from fanwire.errors import RealtimeError

PROTOCOL_VERSION: Final = 1


class Slice(NamedTuple):
    """One event inside a batch body, and the property that it is of."""

    start: int
    end: int
    property_id: str | None


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """A batch's finished body, and its index where some event has a property."""

    body: bytes
    index: bytes | None


class CutBatch(NamedTuple):
    """The part of a batch that passed a filter."""

    body: bytes
    event_count: int | None
    """None for all of them."""


def encode_batch(
    *,
    service: str,
    prev: Position,
    position: Position,
    sent_at_ms: int,
    traceparent: str | None,
    events: Sequence[Event],
    conflated: int = 0,
) -> EncodedBatch:
    """Return the `batch` frame of `events`, whose last one is at `position`.

    `conflated` tells how many events gave way to later ones of the same entity.
    """
    head = b'%b","position":"%b","sentAt":%d,%b%b"events":[' % (
        _batch_opening(service, prev),
        str(position).encode(),
        sent_at_ms,
        b'"conflated":%d,' % conflated if conflated else b"",
        b"" if traceparent is None else b'"trace":%b,' % orjson.dumps(traceparent),
    )
    encoded = encode_events(position.seq - len(events) + 1, events)
    return EncodedBatch(
        body=b"%b%b]}" % (head, b",".join(encoded)),
        index=_encode_index(len(head), encoded, events),
    )


def decode_index(index: bytes) -> list[Slice]:
    """Return the slices of a batch from its stored index."""
    return [Slice(*row) for row in orjson.loads(index)]


def cut_batch(
    body: bytes,
    slices: Sequence[Slice] | None,
    *,
    service: str,
    stored_prev: Position,
    prev: Position,
    wanted: PropertyFilter,
) -> CutBatch | None:
    """Return the part that passes `wanted`, following `prev`; None if nothing passes.

    Without `slices` no event has a property, so all pass.

    Raises:
        ValueError: If the body does not begin as `encode_batch` made it.
    """
    opening = _batch_opening(service, stored_prev)
    if not body.startswith(opening):
        raise ValueError(f"batch of {service} after {stored_prev} begins with {body[:80]!r}")
    new_opening = _batch_opening(service, prev)
    if slices is None:
        return CutBatch(new_opening + body[len(opening) :], None)
    kept = [body[s.start : s.end] for s in slices if passes(wanted, s.property_id)]
    if not kept:
        return None
    head = body[len(opening) : slices[0].start]
    return CutBatch(b"%b%b%b]}" % (new_opening, head, b",".join(kept)), len(kept))


class ServiceState(NamedTuple):
    """How one service stands on a socket, as `hello` and `subscriptions` tell it."""

    name: str
    tier: str
    position: Position | None = None
    """Where the batches that follow go on; None while a replay is still on its way there."""
    recovered: bool | None = None
    replayed: int | None = None

    def as_dict(self) -> dict[str, object]:
        fields = {
            "name": self.name,
            "tier": self.tier,
            "position": None if self.position is None else str(self.position),
            "recovered": self.recovered,
            "replayed": self.replayed,
        }
        return {name: value for name, value in fields.items() if value is not None}


def encode_hello(
    *,
    connection_id: str,
    node: str,
    version: int,
    property_id: str | None,
    heartbeat_ms: int,
    token_expires_at_ms: int,
    services: Sequence[ServiceState],
    limits: Mapping[str, int],
) -> bytes:
    """Return the first frame of a socket."""
    return orjson.dumps(
        {
            "type": "hello",
            "protocol": PROTOCOL_VERSION,
            "connectionId": connection_id,
            "node": node,
            "version": version,
            "propertyId": property_id,
            "heartbeatMs": heartbeat_ms,
            "tokenExpiresAt": token_expires_at_ms,
            "services": [service.as_dict() for service in services],
            "limits": limits,
        }
    )


def encode_subscriptions(
    *, version: int, property_id: str | None, services: Sequence[ServiceState]
) -> bytes:
    """Return the acknowledgement of a subscription change."""
    return orjson.dumps(
        {
            "type": "subscriptions",
            "version": version,
            "propertyId": property_id,
            "services": [service.as_dict() for service in services],
        }
    )


def encode_reset(*, service: str, reason: str, position: Position) -> bytes:
    """Return the admission that events up to `position` may have been missed."""
    return orjson.dumps(
        {"type": "reset", "service": service, "reason": reason, "position": str(position)}
    )


def encode_heartbeat(positions: Mapping[str, Position], *, stale: bool = False) -> bytes:
    """Return a sign of life with the head positions that moved.

    `stale` says that the gateway cannot reach Redis, so nothing newer is known.
    """
    heads = {service: str(position) for service, position in positions.items()}
    frame: dict[str, object] = {"type": "heartbeat", "positions": heads}
    return orjson.dumps(frame | {"stale": True} if stale else frame)


def encode_quarantine(services: Sequence[str], *, until_ms: int | None = None) -> bytes:
    """Return the notice that services are held back until then, or, without it, no longer."""
    frame: dict[str, object] = {"type": "quarantine", "state": "entered" if until_ms else "cleared"}
    frame["services"] = services
    return orjson.dumps(frame | {"until": until_ms} if until_ms else frame)


def encode_disabled(services: Sequence[str], *, retry_after_ms: int) -> bytes:
    """Return the notice that services are switched off."""
    return orjson.dumps({"type": "disabled", "services": services, "retryAfterMs": retry_after_ms})


def encode_auth(token_expires_at_ms: int) -> bytes:
    """Return the acceptance of a fresh token."""
    return orjson.dumps({"type": "auth", "tokenExpiresAt": token_expires_at_ms})


def encode_drain(reconnect_after_ms: int) -> bytes:
    """Return the request to move to another node after the given wait."""
    return orjson.dumps({"type": "drain", "reconnectAfterMs": reconnect_after_ms})


def encode_error(error: RealtimeError) -> bytes:
    """Return an error frame."""
    return orjson.dumps({"type": "error"} | error.as_dict())


def _batch_opening(service: str, prev: Position) -> bytes:
    return b'{"type":"batch","service":"%b","prev":"%b' % (service.encode(), str(prev).encode())


def _encode_index(offset: int, encoded: Sequence[bytes], events: Sequence[Event]) -> bytes | None:
    if all(event.property_id is None for event in events):
        return None
    slices = []
    for text, event in zip(encoded, events, strict=True):
        slices.append((offset, offset + len(text), event.property_id))
        offset += len(text) + 1
    return orjson.dumps(slices)
