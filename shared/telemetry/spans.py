"""Every span that Fanwire makes, and every attribute that one carries.

An event's own context travels in its `traceparent` field and is never overwritten. A batch is made
of the events of many traces, so its span links to them; where they are of one trace, the batch
belongs to it. Nothing is traced per recipient.

What clients send is never taken for a context: whoever reaches the public port could join its
requests to any trace, and have each of them recorded.
"""

from dataclasses import dataclass
from typing import Final

from fanwire.publish.tracing import (
    BATCH_COUNT,
    DESTINATION,
    ENTRY_ID,
    ENTRY_IDS,
    ERROR_TYPE,
    OPERATION,
    SEND_SPAN,
    SYSTEM,
)

SERVICE: Final = "fanwire.service"
ORG: Final = "fanwire.org"
POSITION: Final = "fanwire.position"
WINDOW_MS: Final = "fanwire.batch.window_ms"
SIZE_BYTES: Final = "fanwire.batch.size_bytes"
RECIPIENTS: Final = "fanwire.recipients"
FILTERED: Final = "fanwire.filtered"
DROPPED: Final = "fanwire.dropped"
AGE_MS: Final = "fanwire.age_ms"
RESULT: Final = "fanwire.result"
COUNT: Final = "fanwire.count"

MAX_LINKS: Final = 128


@dataclass(frozen=True, slots=True)
class SpanName:
    """One span, as docs/metrics.md lists it; `<service>` is replaced."""

    name: str
    kind: str
    where: str
    description: str
    attributes: tuple[str, ...]

    def of(self, service: str) -> str:
        """Return the name for a service."""
        return self.name.replace("<service>", service)


_BATCH: Final = (SYSTEM, OPERATION, DESTINATION, BATCH_COUNT, SERVICE, ORG, POSITION)

SEND: Final = SpanName(
    SEND_SPAN, "producer", "Python SDK",
    "One round trip of a publish, up to 500 events. Its context goes into each event that has none "
    "of its own. Needs nothing but an OpenTelemetry that the application has set up.",
    (SYSTEM, OPERATION, DESTINATION, BATCH_COUNT, ENTRY_ID, ENTRY_IDS, ERROR_TYPE),
)  # fmt: skip
COMMIT: Final = SpanName(
    "commit <service>", "consumer", "fanout worker",
    "One batch, from the turn that takes it to the reply of Redis; links to the contexts of its "
    "events, at most 128. Child of the first of them if those that there are belong to one trace. "
    "Its own goes out in the frame, as `trace`.",
    (*_BATCH, WINDOW_MS, SIZE_BYTES, ERROR_TYPE),
)  # fmt: skip
DELIVER: Final = SpanName(
    "deliver <service>", "consumer", "gateway",
    "One batch written to all sockets of one gateway; child of its `commit`. Batches that were "
    "written together have a span each, with the recipients, filtered and dropped of all.",
    (*_BATCH, RECIPIENTS, FILTERED, DROPPED, AGE_MS),
)  # fmt: skip

_SHORT: Final = (RESULT, COUNT, ERROR_TYPE)

CONNECT: Final = SpanName(
    "connect", "server", "gateway",
    "One upgrade, from the request to `hello`. Result: `joined`, `gone`, `failed` or an error's "
    "name; count: services.",
    _SHORT,
)  # fmt: skip
RESUME: Final = SpanName(
    "resume", "internal", "gateway",
    "The replays of one connect, from `hello` until all its services are live; child of its "
    "`connect`. Result: `recovered`, `reset` or `failed`; count: events replayed.",
    _SHORT,
)  # fmt: skip
UPDATE_SERVICES: Final = SpanName(
    "update-services", "server", "gateway",
    "One request to change a subscription. Result: `stored`, `failed` or an error's name; "
    "count: services.",
    _SHORT,
)  # fmt: skip
DRAIN: Final = SpanName(
    "drain", "internal", "gateway",
    "One leave of a gateway that has sockets. Result: `finished` or `failed`; count: sockets.",
    _SHORT,
)  # fmt: skip

SPANS: Final = (SEND, COMMIT, DELIVER, CONNECT, RESUME, UPDATE_SERVICES, DRAIN)
