"""`fanwire pub`: publish events through the SDK."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Annotated

import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.event_lines import data_of_lines, events_of_lines
from fanwire.cli.inspect.commit_wait import await_commit
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.output import escaped
from fanwire.cli.pacing import paced
from fanwire.publish.new_event import NewEvent
from fanwire.publish.publisher import Publisher

SHOWN_COUNT = 10
"""What a person reads; beyond it a count says more."""


def pub(
    ctx: typer.Context,
    org: Annotated[str, typer.Argument(help="Whose event it is.")],
    service: Annotated[str | None, typer.Argument(help="Like tasks. Optional with --from.")] = None,
    data: Annotated[str | None, typer.Argument(help="JSON; `-` reads a value a line.")] = None,
    *,
    type: Annotated[str | None, typer.Option(help="Like task.updated.")] = None,  # noqa: A002
    entity: Annotated[str | None, typer.Option(help="TYPE/ID, or an ID alone.")] = None,
    event_id: Annotated[str | None, typer.Option(help="Repeats of it collapse to one.")] = None,
    property: Annotated[str | None, typer.Option(help="Only its subscribers see it.")] = None,  # noqa: A002
    file: Annotated[Path | None, typer.Option("--from", help="NDJSON file of events.")] = None,
    count: Annotated[int, typer.Option(help="How often to publish it.", min=1)] = 1,
    rate: Annotated[float | None, typer.Option(help="Events per second.", min=0.01)] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until a worker took it.")] = False,
) -> None:
    """Publish JSON to ORG's SERVICE.

    Examples:

        fanwire pub acme tasks '{"title":"Fix sink"}' --property p9

        tail -f events.log | fanwire pub acme tasks -

        fanwire pub acme --from webhooks.ndjson --rate 100
    """
    context = context_of(ctx)
    entity_type, _, entity_id = (entity or "").rpartition("/")
    first = NewEvent(
        org,
        service or "",
        None,
        type=type,
        entity_type=entity_type or None,
        entity_id=entity_id or None,
        event_id=event_id,
        property_id=property,
    )
    if file is not None:
        events = _of_file(file, org, service)
    elif service is None:
        raise UsageMistake("pub needs a SERVICE, or --from FILE")
    else:
        events = (replace(first, data=value) for value in _values(data))
    _publish(context, _repeated(events, count), rate=rate, wait=wait)


def _publish(
    context: Context, events: Iterable[NewEvent], *, rate: float | None, wait: bool
) -> None:
    url, prefix = context.redis(), context.key_prefix()
    published_count = 0
    with Publisher.from_url(url, key_prefix=prefix) as publisher:
        for portion in paced(events, rate):
            for event, entry_id in zip(portion, publisher.publish_many(portion), strict=True):
                published_count += 1
                _report(context, event, entry_id, published_count)
        if wait and published_count:
            spent_ms = await_commit(url, prefix, event, entry_id, timeout_s=context.timeout_s)
            context.output.result({"committedAfterMs": spent_ms}, f"committed after {spent_ms} ms")
    if published_count > SHOWN_COUNT and not context.output.json:
        context.output.console.print(f"published {published_count} events")


def _report(context: Context, event: NewEvent, entry_id: str, number: int) -> None:
    if number > SHOWN_COUNT and not context.output.json:
        return
    fields = {
        "org": event.org,
        "service": event.service,
        "entryId": entry_id,
        "eventId": event.event_id,
    }
    text = f"{entry_id}  {event.org}/{event.service}  eventId {escaped(event.event_id or '')}"
    context.output.result(fields, text)


def _repeated(events: Iterable[NewEvent], times: int) -> Iterator[NewEvent]:
    """Give every event an id of its own: with one id, all but the first would be repeats."""
    for event in events:
        for number in range(1, times + 1):
            event_id = event.event_id or token_hex(12)
            if event.event_id and times > 1:
                event_id = f"{event.event_id}-{number}"
            yield replace(event, event_id=event_id)


def _values(data: str | None) -> Iterator[bytes]:
    if data is not None and data != "-":
        return iter([data.encode()])
    if data is None and sys.stdin.isatty():
        raise UsageMistake("pub needs JSON as its last argument, or on stdin")
    return data_of_lines(sys.stdin.buffer)


def _of_file(file: Path, org: str, service: str | None) -> Iterator[NewEvent]:
    try:
        with file.open("rb") as lines:
            yield from events_of_lines(lines, org=org, service=service)
    except OSError as failure:
        raise UsageMistake(f"{file}: {failure.strerror}") from None
