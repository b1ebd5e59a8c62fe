"""From the entries of an events stream to the waiting batches of its topic.

An entry is checked, judged as new or repeated, and put into a batch; whatever becomes of
it, it takes its place in the order, so that the cursor passes it only when it is committed.
"""

from collections.abc import Sequence
from typing import Final

from fanout.counters import WorkerCounters
from fanout.topic.dedup import DedupVerdict, Sighting
from fanout.topic.open_topic import OpenTopic
from fanwire.core.entries.rejected import Fault, Reason, Rejected, rejected
from fanwire.core.events import Event, parse_entry
from shared.logs import logger

log = logger()

RawEntry = tuple[bytes, list[bytes]]
"""A stream entry as the server sends it: its id, and names and values in turn."""

_TRIES = 3
"""An error of the entry comes each time; one of the moment, such as too little memory, may not."""

_POISON: Final = Fault(
    Reason.POISON, "", f"the worker failed on it {_TRIES} times: report it with its data"
)


class InputSorter:
    """Takes entries in, for all topics of a worker."""

    def __init__(self, counters: WorkerCounters) -> None:
        self._counters = counters

    def accept(self, topic: OpenTopic, entries: Sequence[RawEntry], *, now_ms: float) -> None:
        """Append `entries`, which follow the topic's read cursor, to its batches."""
        topic.taken_at_ms = now_ms
        for raw_id, flat in entries:
            entry_id = raw_id.decode()
            pairs = iter(flat)
            fields = dict(zip(pairs, pairs, strict=True))
            parsed = self._parse(entry_id, fields, topic)
            if isinstance(parsed, Rejected):
                topic.batches.add_rejected(parsed, now_ms=now_ms)
            elif self._is_new(parsed, fields, topic):
                topic.batches.add(parsed, now_ms=now_ms)
            else:
                topic.batches.pass_over(entry_id, now_ms=now_ms)
            topic.read_cursor = entry_id

    def left_out(self, topic: OpenTopic) -> None:
        """Count a read that must do without this topic."""
        self._counters.of(topic.topic.service).throttled += 1

    def _parse(
        self, entry_id: str, fields: dict[bytes, bytes], topic: OpenTopic
    ) -> Event | Rejected:
        for _ in range(_TRIES):
            try:
                return parse_entry(entry_id, fields, org=topic.topic.org)
            except Exception:  # one entry must not stop the topic, whatever is wrong with it
                log.exception("entry.poisonous", topic=str(topic.topic), entry_id=entry_id)
        return rejected(entry_id, _POISON, fields.get(b"data", b""))

    def _is_new(self, event: Event, fields: dict[bytes, bytes], topic: OpenTopic) -> bool:
        key = event.dedup_key
        if key is None:
            self._counters.events_without_id += 1
            return True
        seen = Sighting(event.ts_ms, hash(fields[b"data"]))
        verdict = topic.dedup.judge(key, seen)
        if verdict is DedupVerdict.NEW:
            topic.dedup.hold(key, seen)
            return True
        of_service = self._counters.of(topic.topic.service)
        if verdict is DedupVerdict.CONFLICT:
            self._counters.id_conflicts += 1
            of_service.conflicts += 1
        else:
            of_service.repeats += 1
        self._counters.duplicates += 1
        return False
