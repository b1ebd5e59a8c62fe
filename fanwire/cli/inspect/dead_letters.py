"""Dead letters, and which of them can be published again.

A dead letter keeps the reason, the field at fault in words, and `data`, whole where it is not too
big; type, entity, ids and the property are gone. So what can be published again is the data alone,
where it is whole and JSON, and the operator says of which property it is. The property is asked
for: an event of none reaches every subscriber of the service, also those who may see one property
only.

Letters of an older worker have neither words nor the size of their data, and keep 256 bytes of it.

Rejected: repairing data that was cut. The publisher has the event; it is the one to repeat it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fanwire.cli.inspect.topic_states import entry_ms, texts_of
from fanwire.core.entries.json_text import json_fault
from fanwire.core.entries.rejected import REJECTED_HEAD_BYTES, Reason
from fanwire.core.keys import Keys, Topic

_PORTION: Final = 100
"""At most 6.5 MB a reply, where each letter keeps the most data that it may."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that was set aside."""

    id: str
    """Its own, in the stream of dead letters; `entry_id` is that of the entry."""
    at_ms: int
    reason: str
    entry_id: str
    head: bytes
    field: str = ""
    why: str = ""
    data_bytes: int | None = None
    """What its data had; None in a letter of an older worker."""

    @property
    def is_whole(self) -> bool:
        """Whether it keeps all of its data."""
        if self.data_bytes is None:
            return len(self.head) < REJECTED_HEAD_BYTES and self.reason != Reason.TOO_BIG
        return len(self.head) == self.data_bytes

    def obstacle(self) -> str | None:
        """Return why its data cannot be published again; None if it can."""
        if self.reason not in set(Reason) - {Reason.INPUT_GAP}:
            return "it stands for entries that are gone"
        if self.reason == Reason.TENANT:
            return "it claims another org"
        if not self.head:
            return "it has no data"
        if not self.is_whole:
            return f"only the first {REJECTED_HEAD_BYTES} bytes are kept"
        return None if json_fault(self.head) is None else "its data is not JSON"

    def as_dict(self) -> dict[str, object]:
        """Return it for `--json`."""
        return {
            "id": self.id,
            "atMs": self.at_ms,
            "reason": self.reason,
            "entryId": self.entry_id,
            "field": self.field,
            "why": self.why,
            "head": self.head.decode(errors="replace"),
            "replayable": self.obstacle() is None,
        }


def read_dead_letters(
    client: Any, keys: Keys, topic: Topic, *, since: str = "-"
) -> Iterator[DeadLetter]:
    """Yield the dead letters of a topic from a stream id on, the oldest first."""
    start = since
    while portion := client.xrange(keys.dead(topic), min=start, count=_PORTION):
        for letter_id, fields in portion:
            yield _letter(letter_id, fields)
        start = f"({portion[-1][0].decode()}"


def _letter(letter_id: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    texts = texts_of({name: value for name, value in fields.items() if name != b"head"})
    size = texts.get("bytes", "")
    return DeadLetter(
        id=letter_id.decode(),
        at_ms=entry_ms(letter_id),
        reason=texts.get("reason", ""),
        entry_id=texts.get("id", ""),
        head=fields.get(b"head", b""),
        field=texts.get("field", ""),
        why=texts.get("why", ""),
        data_bytes=int(size) if size.isdecimal() else None,
    )
