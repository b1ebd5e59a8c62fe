"""Where one event went: waiting, dead, or committed and where in the log.

The log keeps positions, not entry ids; an event in it names the millisecond of its entry. So
an entry is found there by its time, and events of one topic and millisecond cannot be told
apart: all of them are returned, none as certain.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from fanwire.cli.inspect.dead_letters import read_dead_letters
from fanwire.cli.inspect.topic_states import entry_ms
from fanwire.core.entries.rejected import Reason
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import ZERO, Position, parse_position

_BATCHES: Final = 50
"""Of full batches, 64 KiB each, a reply of 3 MB."""

_ENTRIES: Final = 500
"""Of events of 1 KB, a reply of half a megabyte; of the largest, 64 KiB, of 32 MB."""


@dataclass(frozen=True, slots=True)
class Trail:
    """One place where the event is, or was."""

    topic: Topic
    state: str
    """`waiting`, `dead`, `committed` or `trimmed`."""
    facts: dict[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return it for `--json`."""
        return {
            "org": self.topic.org,
            "service": self.topic.service,
            "state": self.state,
            **{name: value for name, value in self.facts.items() if value is not None},
        }


class TopicTrail:
    """Searches one topic."""

    def __init__(self, client: Any, keys: Keys, topic: Topic, *, now_ms: int) -> None:
        self._client = client
        self._keys = keys
        self._topic = topic
        self._now_ms = now_ms

    def by_position(self, position: Position) -> Iterator[Trail]:
        """Yield the event at a position of this topic, if it ever had one there."""
        head = self._head()
        found = self._client.xrange(self._keys.batches(self._topic), min=str(position), count=1)
        for batch_id, fields in found:
            if parse_position(batch_id.decode()).epoch == position.epoch:
                for event in _events(fields):
                    if event["seq"] == position.seq:
                        yield self._committed(batch_id, fields, event, head)
                        return
        if position.epoch == head.epoch and 0 < position.seq <= head.seq:
            yield Trail(self._topic, "trimmed", {"position": str(position), "head": str(head)})

    def by_entry(self, entry_id: str) -> Iterator[Trail]:
        """Yield where the entry with this id is."""
        waiting = self._client.xrange(self._keys.events(self._topic), min=entry_id, max=entry_id)
        yield from (self._waiting(each, fields) for each, fields in waiting)
        at_ms = entry_ms(entry_id.encode())
        for letter in read_dead_letters(self._client, self._keys, self._topic, since=f"{at_ms}-0"):
            # A gap's letter names the entry that the gap follows.
            if letter.entry_id == entry_id and letter.reason != Reason.INPUT_GAP:
                facts = letter.as_dict() | {"deadLetterId": letter.id, "publishedAtMs": at_ms}
                del facts["id"]
                yield Trail(self._topic, "dead", facts)
        yield from self._logged_at(at_ms)

    def by_event_id(self, event_id: str) -> Iterator[Trail]:
        """Yield every event that its publisher gave this id."""
        for entry_id, fields in self._entries():
            if fields.get(b"eventId") == event_id.encode():
                yield self._waiting(entry_id, fields)
        head, wanted = self._head(), orjson.dumps(event_id)
        for batch_id, fields in self._log_backwards():
            if wanted in fields[b"d"]:
                for event in _events(fields):
                    if event.get("eventId") == event_id:
                        yield self._committed(batch_id, fields, event, head)

    def _logged_at(self, at_ms: int) -> Iterator[Trail]:
        head = self._head()
        found: list[Trail] = []
        for batch_id, fields in self._log_backwards():
            events = _events(fields)
            found += [
                self._committed(batch_id, fields, event, head)
                for event in events
                if event["ts"] == at_ms
            ]
            if events and events[0]["ts"] < at_ms:
                break
        for trail in found:
            if len(found) > 1:
                trail.facts["oneOf"] = len(found)
            yield trail

    def _head(self) -> Position:
        last = self._client.hget(self._keys.topic(self._topic), "last")
        return ZERO if last is None else parse_position(last.decode())

    def _entries(self) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
        start = "-"
        key = self._keys.events(self._topic)
        while portion := self._client.xrange(key, min=start, count=_ENTRIES):
            yield from portion
            start = f"({portion[-1][0].decode()}"

    def _log_backwards(self) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
        end = "+"
        key = self._keys.batches(self._topic)
        while portion := self._client.xrevrange(key, max=end, count=_BATCHES):
            yield from portion
            end = f"({portion[-1][0].decode()}"

    def _waiting(self, entry_id: bytes, fields: dict[bytes, bytes]) -> Trail:
        at_ms = entry_ms(entry_id)
        texts = {
            name.decode(errors="replace"): value.decode(errors="replace")
            for name, value in fields.items()
            if name in (b"type", b"entityType", b"entityId", b"eventId", b"propertyId")
        }
        facts: dict[str, object] = {
            "entryId": entry_id.decode(),
            "publishedAtMs": at_ms,
            "waitsMs": max(self._now_ms - at_ms, 0),
            **texts,
            "traceId": trace_id(fields.get(b"traceparent", b"").decode(errors="replace")),
        }
        return Trail(self._topic, "waiting", facts)

    def _committed(
        self, batch_id: bytes, fields: dict[bytes, bytes], event: dict[str, Any], head: Position
    ) -> Trail:
        batch = parse_position(batch_id.decode())
        frame = orjson.loads(fields[b"d"])
        facts: dict[str, object] = {
            "position": f"{batch.epoch}-{event['seq']}",
            "seq": event["seq"],
            "batch": str(batch),
            "batchEvents": int(fields[b"n"]),
            "previous": fields[b"p"].decode(),
            "publishedAtMs": event["ts"],
            "committedAtMs": frame["sentAt"],
            "betweenMs": frame["sentAt"] - event["ts"],
            "head": str(head),
            "behindHead": head.seq - event["seq"] if head.epoch == batch.epoch else None,
            **{name: value for name, value in event.items() if name not in ("seq", "ts", "data")},
            "traceId": trace_id(fields.get(b"t", b"").decode(errors="replace")),
        }
        return Trail(self._topic, "committed", facts)


def trace_id(traceparent: str) -> str | None:
    """Return the trace of a W3C traceparent."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 else None


def _events(fields: dict[bytes, bytes]) -> Sequence[dict[str, Any]]:
    events: Sequence[dict[str, Any]] = orjson.loads(fields[b"d"])["events"]
    return events
