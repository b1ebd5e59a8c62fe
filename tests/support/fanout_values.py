"""Values that the worker's tests are made of."""

from fanout.topic.batches import BatchLimits
from fanout.topic.limits import TopicLimits
from fanout.topic.open_topic import CommittedState, OpenTopic, topic_keys
from fanout.topic.retention import RetentionLimits
from fanwire.core.events import Event, Reason, Rejected, parse_entry
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import ZERO


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
    standing = CommittedState(epoch=7, seq=0, cursor="0-0", last=ZERO, window_ms=None)
    bounds = TopicLimits(batches=limits or BatchLimits(), retention=retention or RetentionLimits())
    return OpenTopic(topic, topic_keys(Keys(), topic), standing, bounds)
