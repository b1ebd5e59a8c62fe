"""What each span of Fanwire is, and which attributes it carries, as docs/metrics.md lists them.

An event's own context travels in its `traceparent` field and is never overwritten. A batch is made
of the events of many traces, so its span links to them; where they are of one trace, the batch
belongs to it. Nothing is traced per recipient.

What clients send is never taken for a context: a stranger at the public port could join requests
to any trace, and have each of them recorded.
"""

from dataclasses import dataclass
from typing import Final

from fanwire.core import span_names
from fanwire.core.span_names import (
    AGE_MS,
    BATCH_COUNT,
    COUNT,
    DESTINATION,
    DROPPED,
    ENTRY_ID,
    ENTRY_IDS,
    ERROR_TYPE,
    FILTERED,
    OPERATION,
    ORG,
    POSITION,
    RECIPIENTS,
    RESULT,
    SERVICE,
    SIZE_BYTES,
    SYSTEM,
    WINDOW_MS,
)

MAX_LINKS: Final = 128
"""As many as an SDK of OpenTelemetry keeps by default."""


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
    span_names.SEND, "producer", "Python SDK, gateway",
    "One round trip of a publish, or one request to `publish`; up to 500 events. Its context goes "
    "into each event that has none of its own. In the SDK it needs nothing but an OpenTelemetry "
    "that the application has set up.",
    (SYSTEM, OPERATION, DESTINATION, BATCH_COUNT, ENTRY_ID, ENTRY_IDS, ERROR_TYPE),
)  # fmt: skip
COMMIT: Final = SpanName(
    span_names.COMMIT, "consumer", "fanout worker",
    "One batch, from the turn that takes it to the reply of Redis; links to the contexts of its "
    "events, at most 128. Child of the first of them if those that there are belong to one trace. "
    "Its own goes out in the frame, as `trace`.",
    (*_BATCH, WINDOW_MS, SIZE_BYTES, ERROR_TYPE),
)  # fmt: skip
DELIVER: Final = SpanName(
    span_names.DELIVER, "consumer", "gateway",
    "One batch written to all sockets of one gateway; child of its `commit`. Batches that were "
    "written together have a span each, with the recipients, filtered and dropped of all.",
    (*_BATCH, RECIPIENTS, FILTERED, DROPPED, AGE_MS),
)  # fmt: skip

_SHORT: Final = (RESULT, COUNT, ERROR_TYPE)

CONNECT: Final = SpanName(
    span_names.CONNECT, "server", "gateway",
    "One upgrade, from the request to `hello`. Result: `joined`, `gone`, `failed` or an error's "
    "name; count: services.",
    _SHORT,
)  # fmt: skip
RESUME: Final = SpanName(
    span_names.RESUME, "internal", "gateway",
    "The replays of one connect, from `hello` until all its services are live; child of its "
    "`connect`. Result: `recovered`, `reset` or `failed`; count: events replayed.",
    _SHORT,
)  # fmt: skip
UPDATE_SERVICES: Final = SpanName(
    span_names.UPDATE_SERVICES, "server", "gateway",
    "One request to change a subscription. Result: `stored`, `failed` or an error's name; "
    "count: services.",
    _SHORT,
)  # fmt: skip
DRAIN: Final = SpanName(
    span_names.DRAIN, "internal", "gateway",
    "One leave of a gateway that has sockets. Result: `finished` or `failed`; count: sockets.",
    _SHORT,
)  # fmt: skip

SPANS: Final = (SEND, COMMIT, DELIVER, CONNECT, RESUME, UPDATE_SERVICES, DRAIN)
