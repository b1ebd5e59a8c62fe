"""Values that the gateway's tests are made of: claims, and batches as the log keeps them."""

from collections.abc import Sequence
from typing import Final

from fanwire.auth.claims import Claims
from fanwire.core.events import Event, entry_fields, parse_entry
from fanwire.core.ids import Org, Service, UserId
from fanwire.core.keys import Topic
from fanwire.core.position import ZERO, Position
from fanwire.wire.encode import encode_batch
from gateway.delivery.log_entry import LogEntry

ACME: Final = Org("acme")
DEMO: Final = UserId("demo")
TASKS: Final = Service("tasks")
USERS: Final = Service("users")
TASKS_OF_ACME: Final = Topic(ACME, TASKS)
EPOCH: Final = 1_795_419_516_000

FAR_AWAY_MS: Final = 4_000_000_000_000
"""An expiry that no test lives to see."""


def at(seq: int, *, epoch: int = EPOCH) -> Position:
    """Return a position of the usual epoch."""
    return Position(epoch, seq)


def some_claims(
    *,
    org: str = ACME,
    sub: str = DEMO,
    services: Sequence[str] | None = None,
    properties: Sequence[str] | None = None,
    exp_ms: int = FAR_AWAY_MS,
    jti: str = "7f3a",
    publish: bool = False,
) -> Claims:
    """Return claims to receive everything that is not listed otherwise."""
    return Claims(
        org=Org(org),
        sub=UserId(sub),
        services=None if services is None else frozenset(services),
        properties=None if properties is None else frozenset(properties),
        publish=publish,
        exp_ms=exp_ms,
        iat_s=1_000,
        jti=jti,
    )


def a_batch(
    prev: Position,
    position: Position,
    *,
    properties: Sequence[str | None] = (None,),
    service: str = TASKS,
    payload: bytes = b"{}",
    entity: str | None = None,
) -> LogEntry:
    """Return the batch after `prev`, with one event for each property, encoded as it would be."""
    events = [
        _an_event(number, property_id, payload, entity)
        for number, property_id in enumerate(properties, 1)
    ]
    encoded = encode_batch(
        service=service,
        prev=prev,
        position=position,
        sent_at_ms=0,
        traceparent=None,
        events=events,
    )
    return LogEntry(position, prev, len(events), encoded.body, encoded.index)


def a_chain(
    *properties_of_batches: Sequence[str | None],
    after: Position = ZERO,
    epoch: int = EPOCH,
    service: str = TASKS,
    payload: bytes = b"{}",
    entity: str | None = None,
) -> list[LogEntry]:
    """Return batches that follow each other, each given as the properties of its events."""
    entries: list[LogEntry] = []
    prev = after
    for properties in properties_of_batches:
        first_seq = prev.seq if prev.epoch == epoch else 0
        position = Position(epoch, first_seq + len(properties))
        entries.append(
            a_batch(
                prev,
                position,
                properties=properties,
                service=service,
                payload=payload,
                entity=entity,
            )
        )
        prev = position
    return entries


def a_plain_chain(
    count: int, *, after: Position = ZERO, epoch: int = EPOCH, payload: bytes = b"{}"
) -> list[LogEntry]:
    """Return `count` batches of one event of no property each."""
    return a_chain(*[[None]] * count, after=after, epoch=epoch, payload=payload)


def _an_event(number: int, property_id: str | None, payload: bytes, entity: str | None) -> Event:
    fields = entry_fields(payload, {"propertyId": property_id, "entityId": entity})
    event = parse_entry(f"1000-{number}", fields, org=ACME)
    assert isinstance(event, Event)
    return event
