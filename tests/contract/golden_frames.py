"""The golden frames of `contract/frames/`, as Python makes them.

Each server frame that our encoders can make stands here as the call that makes it; the file
holds the text. TypeScript reads the same files.
"""

import json
from pathlib import Path
from typing import Any

from fanwire.core.events import Event, entry_fields, parse_entry
from fanwire.core.position import Position
from fanwire.errors import BadMessage, RateLimited
from fanwire.wire.client_frames import (
    encode_ack,
    encode_client_auth,
)
from fanwire.wire.encode import (
    ServiceState,
    cut_batch,
    decode_index,
    encode_auth,
    encode_batch,
    encode_disabled,
    encode_drain,
    encode_error,
    encode_heartbeat,
    encode_hello,
    encode_quarantine,
    encode_reset,
    encode_subscriptions,
)
from gateway.connection.conflation import conflate, text_payloads
from gateway.websocket.writer import text_frame

FRAMES = Path(__file__).parents[2] / "contract" / "frames"
EPOCH = 1795419516000
LIMITS = {"frameBytes": 65536, "services": 32}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEAD = Position(EPOCH, 42)


def golden(name: str) -> dict[str, Any]:
    """Return one file of `contract/frames/`."""
    content: dict[str, Any] = json.loads((FRAMES / f"{name}.json").read_text())
    return content


def names(direction: str, *, valid: bool) -> list[str]:
    """Return the golden frames of a direction that are valid, or that are not."""
    found = [path.stem for path in sorted(FRAMES.glob("*.json"))]
    return [
        name
        for name in found
        if golden(name)["direction"] == direction and ("close" not in golden(name)) == valid
    ]


def event(data: str, *, ms: int = 100, **texts: str) -> Event:
    """Return the event that a publisher's entry becomes."""
    fields = entry_fields(data.encode(), texts)
    parsed = parse_entry(f"{EPOCH + ms}-0", fields, org="acme")
    assert isinstance(parsed, Event)
    return parsed


SINK = event(
    '{"title":"Fix sink"}',
    type="task.updated",
    entityType="task",
    entityId="42",
    eventId="7f3a",
    propertyId="p9",
)
ROOF = event('{"title":"Mend roof"}', ms=110, type="task.updated", eventId="7f3b", propertyId="p1")
SINK_AGAIN = event(
    '{"title":"Sink fixed"}',
    ms=130,
    type="task.updated",
    entityType="task",
    entityId="42",
    eventId="7f3d",
    propertyId="p9",
)
NOTE = event('"closed on Monday"', ms=120)
ODD = event(
    '{ "n": 1.0, "big": 12345678901234567890, '
    '"html": "<b>\\u00e9</b>", "s": "]}\\"{[,\\"data\\":" }',
    entityId='quote " and \\ slash',
    type="é.ü",
)


def _batch(
    *events: Event, prev: Position, seq: int, trace: str | None = None, conflated: int = 0
) -> bytes:
    return encode_batch(
        service="tasks",
        prev=prev,
        position=Position(EPOCH, seq),
        sent_at_ms=EPOCH + 123,
        traceparent=trace,
        events=events,
        conflated=conflated,
    ).body


def _cut() -> bytes:
    stored_prev = Position(EPOCH, 42)
    batch = encode_batch(
        service="tasks",
        prev=stored_prev,
        position=Position(EPOCH, 45),
        sent_at_ms=EPOCH + 123,
        traceparent=None,
        events=[SINK, ROOF, NOTE],
    )
    assert batch.index is not None
    cut = cut_batch(
        batch.body,
        decode_index(batch.index),
        service="tasks",
        stored_prev=stored_prev,
        prev=Position(EPOCH, 40),
        wanted=frozenset(("p9",)),
    )
    assert cut is not None
    return cut.body


def _merged() -> bytes:
    runs = [
        text_frame(_batch(SINK, NOTE, prev=HEAD, seq=44, trace=TRACE)),
        text_frame(_batch(SINK_AGAIN, prev=Position(EPOCH, 44), seq=45)),
    ]
    merged, _ = conflate(runs)
    (body,) = text_payloads(merged)
    return body


def _hello(*services: ServiceState, property_id: str | None) -> bytes:
    return encode_hello(
        connection_id="k7Qm2vR8",
        node="gw-1",
        version=7,
        property_id=property_id,
        heartbeat_ms=25000,
        token_expires_at_ms=1795420000000,
        services=services,
        limits=LIMITS,
    )


SERVER = {
    "server_hello": _hello(
        ServiceState("tasks", "high", HEAD),
        ServiceState("finance", "critical", Position(0, 0)),
        property_id=None,
    ),
    "server_hello_resumed": _hello(
        ServiceState("tasks", "high", HEAD, recovered=True, replayed=3),
        ServiceState("analytics", "low", Position(EPOCH, 57), recovered=False, replayed=0),
        property_id="p9",
    ),
    "server_hello_nothing": _hello(property_id=None),
    "server_batch": _batch(SINK, ROOF, NOTE, prev=HEAD, seq=45, trace=TRACE),
    "server_batch_one_event": _batch(NOTE, prev=HEAD, seq=43),
    "server_batch_conflated": _batch(NOTE, prev=HEAD, seq=43, trace=TRACE, conflated=2),
    "server_batch_bytes_kept": _batch(ODD, prev=HEAD, seq=43),
    "server_batch_new_epoch": _batch(NOTE, prev=Position(EPOCH - 5000, 9), seq=1),
    "server_batch_cut": _cut(),
    "server_batch_merged": _merged(),
    "server_subscriptions": encode_subscriptions(
        version=8, property_id=None, services=[ServiceState("users", "high", Position(EPOCH, 7))]
    ),
    "server_subscriptions_under_way": encode_subscriptions(
        version=10,
        property_id=None,
        services=[ServiceState("analytics", "low"), ServiceState("users", "high", HEAD)],
    ),
    "server_subscriptions_empty": encode_subscriptions(version=9, property_id="p9", services=[]),
    "server_reset_expired": encode_reset(
        service="tasks", reason="expired", position=Position(EPOCH, 57)
    ),
    "server_reset_rolled_back": encode_reset(
        service="tasks", reason="rolled_back", position=Position(EPOCH + 9000, 1)
    ),
    "server_heartbeat": encode_heartbeat({"tasks": Position(EPOCH, 57)}),
    "server_heartbeat_quiet": encode_heartbeat({}),
    "server_auth": encode_auth(1795420000000),
    "server_quarantine_entered": encode_quarantine(
        ["analytics", "dashboard"], until_ms=EPOCH + 30_000
    ),
    "server_quarantine_cleared": encode_quarantine(["analytics", "dashboard"]),
    "server_disabled": encode_disabled(["analytics"], retry_after_ms=30_000),
    "server_drain": encode_drain(1500),
    "server_error": encode_error(BadMessage("type 'dance' is unknown")),
    "server_error_retry": encode_error(RateLimited("20 messages/s", retry_after_ms=250)),
}

SERVER_ONLY_DECODED = ("server_of_a_newer_version",)
"""Frames that nothing here makes; clients must already take them."""

CLIENT = {
    "client_auth": encode_client_auth("eyJhbGciOi.eyJpc3Mi.c2ln"),
    "client_ack": encode_ack({"tasks": HEAD, "users": Position(EPOCH, 7)}),
    "client_visibility": b'{"type":"visibility","hidden":true}',
    "client_ping": b'{"type":"ping"}',
}
