"""The frames that a gateway sends, decoded for a client.

The decoder trusts the gateway's shapes but not its version: unknown fields are ignored and
an unknown type is a value that the client may skip, so that a newer gateway can talk to an
older client.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fanwire.core.position import Position, parse_position
from fanwire.errors import BadMessage, RealtimeError, shortened
from fanwire.wire.delivered_event import BatchText, DeliveredEvent
from fanwire.wire.encode import ServiceState
from fanwire.wire.remote_errors import error_from_dict


@dataclass(frozen=True, slots=True)
class HelloFrame:
    """The first frame of a socket."""

    connection_id: str
    node: str
    version: int
    property_id: str | None
    heartbeat_ms: int
    token_expires_at_ms: int
    services: tuple[ServiceState, ...]
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BatchFrame:
    """Events of one service, from after `prev` up to `position`."""

    service: str
    prev: Position
    position: Position
    sent_at_ms: int
    trace: str | None
    events: tuple[DeliveredEvent, ...]
    conflated: int = 0
    """Events that later ones of the same entity replaced, under pressure."""


@dataclass(frozen=True, slots=True)
class SubscriptionsFrame:
    """The set of services that holds from here on."""

    version: int
    property_id: str | None
    services: tuple[ServiceState, ...]


@dataclass(frozen=True, slots=True)
class ResetFrame:
    """Events up to `position` may be missing; the app has to fetch its state again."""

    service: str
    reason: str
    position: Position


@dataclass(frozen=True, slots=True)
class QuarantineFrame:
    """Some services are held back because this client reads too slowly; or no longer."""

    entered: bool
    services: tuple[str, ...]
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class HeartbeatFrame:
    """A sign of life, with the positions up to which this socket has been served."""

    positions: Mapping[str, Position]


@dataclass(frozen=True, slots=True)
class AuthFrame:
    """The token sent in band holds."""

    token_expires_at_ms: int


@dataclass(frozen=True, slots=True)
class DisabledFrame:
    """Services were switched off by the operator."""

    services: tuple[str, ...]
    retry_after_ms: int | None


@dataclass(frozen=True, slots=True)
class DrainFrame:
    """The node leaves: connect again after the wait."""

    reconnect_after_ms: int


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """What was wrong with something that the client sent."""

    error: RealtimeError


@dataclass(frozen=True, slots=True)
class UnknownFrame:
    """A frame of a newer gateway."""

    type: object


ServerFrame = (
    HelloFrame
    | BatchFrame
    | SubscriptionsFrame
    | ResetFrame
    | QuarantineFrame
    | HeartbeatFrame
    | AuthFrame
    | DisabledFrame
    | DrainFrame
    | ErrorFrame
    | UnknownFrame
)


def decode_server_frame(text: bytes) -> ServerFrame:
    """Return what a gateway's text frame says.

    Raises:
        BadMessage: If it is not JSON, or lacks a field that its type must have.
    """
    try:
        fields = orjson.loads(text)
        return _decode(fields, text)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as cause:
        raise BadMessage(f"server frame {shortened(text)}: {cause!r}") from None


def _decode(fields: dict[str, Any], text: bytes) -> ServerFrame:
    match fields.get("type"):
        case "batch":
            return _batch(fields, text)
        case "hello":
            return _hello(fields)
        case "subscriptions":
            return SubscriptionsFrame(fields["version"], fields["propertyId"], _services(fields))
        case "reset":
            position = parse_position(fields["position"])
            return ResetFrame(fields["service"], fields["reason"], position)
        case "heartbeat":
            heads = fields["positions"].items()
            return HeartbeatFrame({service: parse_position(head) for service, head in heads})
        case _:
            return _decode_notice(fields)


def _decode_notice(fields: dict[str, Any]) -> ServerFrame:
    match fields.get("type"):
        case "auth":
            return AuthFrame(fields["tokenExpiresAt"])
        case "drain":
            return DrainFrame(fields["reconnectAfterMs"])
        case "disabled":
            return DisabledFrame(tuple(fields["services"]), fields.get("retryAfterMs"))
        case "quarantine":
            services = tuple(fields.get("services", ()))
            return QuarantineFrame(fields["state"] == "entered", services, fields.get("until"))
        case "error":
            return ErrorFrame(error_from_dict(fields))
        case other:
            return UnknownFrame(other)


def _hello(fields: dict[str, Any]) -> HelloFrame:
    return HelloFrame(
        connection_id=fields["connectionId"],
        node=fields["node"],
        version=fields["version"],
        property_id=fields["propertyId"],
        heartbeat_ms=fields["heartbeatMs"],
        token_expires_at_ms=fields["tokenExpiresAt"],
        services=_services(fields),
        limits=fields["limits"],
    )


def _services(fields: dict[str, Any]) -> tuple[ServiceState, ...]:
    return tuple(
        ServiceState(
            name=row["name"],
            tier=row["tier"],
            position=parse_position(row["position"]) if "position" in row else None,
            recovered=row.get("recovered"),
            replayed=row.get("replayed"),
        )
        for row in fields["services"]
    )


def _batch(fields: dict[str, Any], text: bytes) -> BatchFrame:
    service = fields["service"]
    position = parse_position(fields["position"])
    batch_text = BatchText(text, fields.get("trace"))
    return BatchFrame(
        service=service,
        prev=parse_position(fields["prev"]),
        position=position,
        sent_at_ms=fields["sentAt"],
        trace=batch_text.trace,
        events=tuple(
            _event(service, position.epoch, row, batch_text, index)
            for index, row in enumerate(fields["events"])
        ),
        conflated=fields.get("conflated", 0),
    )


def _event(
    service: str, epoch: int, row: dict[str, Any], batch: BatchText, index: int
) -> DeliveredEvent:
    return DeliveredEvent(
        service=service,
        position=Position(epoch, row["seq"]),
        data=row["data"],
        ts_ms=row["ts"],
        type=row.get("type"),
        entity_type=row.get("entityType"),
        entity_id=row.get("entityId"),
        event_id=row.get("eventId"),
        property_id=row.get("propertyId"),
        batch=batch,
        index=index,
    )
