"""Values that the worker's tests are made of."""

from fanout.topic.batches import BatchLimits, TopicBatches
from fanout.topic.dedup import Dedup
from fanout.topic.open_topic import CommittedState, OpenTopic, topic_keys
from fanout.topic.retention import Retention, RetentionLimits
from fanwire.core.events import Event, Reason, Rejected, parse_entry
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import ZERO
from fanwire.core.tiers import Tiers


def an_event(
    number: int = 1,
    *,
    event_id: str | None = None,
    payload: bytes = b"{}",
    property_id: str | None = None,
    entity_id: str | None = None,
    ts_ms: int = 1_000,
    traceparent: str | None = None,
) -> Event:
    """Return the event of entry `<ts_ms>-<number>`."""
    texts = {
        b"eventId": event_id,
        b"propertyId": property_id,
        b"entityId": entity_id,
        b"traceparent": traceparent,
    }
    fields = {name: text.encode() for name, text in texts.items() if text is not None}
    event = parse_entry(f"{ts_ms}-{number}", fields | {b"data": payload}, org="acme")
    assert isinstance(event, Event)
    return event


def a_reject(number: int = 1, *, ts_ms: int = 1_000) -> Rejected:
    """Return the entry `<ts_ms>-<number>`, which has no data."""
    return Rejected(f"{ts_ms}-{number}", Reason.SCHEMA, b"")


def an_open_topic(
    service: str = "tasks",
    *,
    org: str = "acme",
    limits: BatchLimits | None = None,
    retention: RetentionLimits | None = None,
) -> OpenTopic:
    """Return a topic at cursor 0-0 in epoch 7."""
    topic = Topic(Org(org), Service(service))
    return OpenTopic(
        topic=topic,
        tier=Tiers().of(service),
        keys=topic_keys(Keys(), topic),
        standing=CommittedState(epoch=7, seq=0, cursor="0-0", last=ZERO, window_ms=None),
        batches=TopicBatches(limits or BatchLimits()),
        dedup=Dedup(),
        retention=Retention(retention or RetentionLimits(), Tiers().of(service)),
    )
