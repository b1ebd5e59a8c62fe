"""Every span that Fanwire makes, and every attribute that one carries.

An event's own context travels in its `traceparent` field and is never overwritten. A batch is made
of the events of many traces, so its spans link to them; where all of them are of one trace, the
batch belongs to it.
"""

from dataclasses import dataclass
from typing import Final

from fanwire.trace_context import ENTRY_ID, SEND_SPAN

SYSTEM: Final = "messaging.system"
OPERATION: Final = "messaging.operation.name"
DESTINATION: Final = "messaging.destination.name"
BATCH_COUNT: Final = "messaging.batch.message_count"
REDIS: Final = "redis"

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
    "One publish. Its context goes into the entry, unless the event has one of its own.",
    (SYSTEM, OPERATION, DESTINATION, BATCH_COUNT, ENTRY_ID),
)  # fmt: skip
COMMIT: Final = SpanName(
    "commit <service>", "consumer", "fanout worker",
    "One batch, from its first moment in a turn to the reply of Redis; links to its events. Child "
    "of their span where all are of one trace. Its context goes out in the frame, as `trace`.",
    (*_BATCH, WINDOW_MS, SIZE_BYTES),
)  # fmt: skip
DELIVER: Final = SpanName(
    "deliver <service>", "consumer", "gateway",
    "One batch written to all sockets of one gateway; child of its `commit`.",
    (*_BATCH, RECIPIENTS, FILTERED, DROPPED, AGE_MS),
)  # fmt: skip
CONNECT: Final = SpanName(
    "connect", "server", "gateway", "One upgrade, from the request to `hello`.", (RESULT, COUNT)
)
UPDATE_SERVICES: Final = SpanName(
    "update-services", "server", "gateway", "One change of a subscription.", (RESULT, COUNT)
)
RESUME: Final = SpanName(
    "resume", "internal", "gateway", "The replays of one connect.", (RESULT, COUNT)
)
DRAIN: Final = SpanName("drain", "internal", "gateway", "One leave of a gateway.", (RESULT, COUNT))

SPANS: Final = (SEND, COMMIT, DELIVER, CONNECT, UPDATE_SERVICES, RESUME, DRAIN)
