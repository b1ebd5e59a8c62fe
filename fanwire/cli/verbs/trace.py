"""`fanwire trace ID`: where one event went."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.format import duration_text
from fanwire.cli.inspect.nodes import server_ms
from fanwire.cli.inspect.topic_states import find_topics
from fanwire.cli.inspect.traces import TopicTrail, Trail
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.org_or_verb import org_of
from fanwire.cli.output import escaped
from fanwire.cli.redis_calls import asked
from fanwire.core.ids import Org, checked_service
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import Position, parse_position
from fanwire.errors import InvalidPosition, RealtimeError, shortened

_NAMES = ("type", "entityType", "entityId", "eventId", "propertyId")


class NotTraced(RealtimeError):
    """No topic holds an event with this id."""

    name = "not_traced"
    retryable = False
    remedy = (
        "It was trimmed from the log, was a repeat of an eventId, gave way to a newer event of "
        "its entity, or was never published here: check the id, --redis and the key prefix."
    )


def trace(
    ctx: typer.Context,
    event: Annotated[
        str, typer.Argument(metavar="ID", help="An entry id, an eventId or a position.")
    ],
    *,
    org: Annotated[str | None, typer.Option(help="Search this org alone.")] = None,
    service: Annotated[str | None, typer.Option(help="Search this service alone.")] = None,
) -> None:
    """Say where an event went: waiting, set aside, or committed, when and at what position.

    Examples:

        fanwire trace 1795419516100-0

        fanwire trace 7f3a --org acme --service tasks
    """
    if not event.strip():
        raise UsageMistake("trace needs an entry id, an eventId or a position")
    context, of_org = context_of(ctx), org_of(org)
    of_service = None if service is None else checked_service(service)
    topics, trails = asked(
        context, lambda client: _search(client, context, event, of_org, of_service)
    )
    if not trails:
        raise NotTraced(f"no event {shortened(event)} in {len(topics)} topics")
    for number, trail in enumerate(trails):
        text = "\n".join(_lines(trail))
        context.output.result(trail.as_dict(), text if number == 0 else f"\n{text}")


def _search(
    client: Any, context: Context, event: str, org: Org | None, service: str | None
) -> tuple[list[Topic], list[Trail]]:
    keys, now_ms = Keys(context.key_prefix()), server_ms(client)
    topics = [t for t in find_topics(client, keys, org) if service in (None, t.service)]
    searches = [TopicTrail(client, keys, topic, now_ms=now_ms) for topic in topics]
    position = _position(event)
    # Entry ids and positions look alike. A position is the rarer match, so it goes first.
    for found in _kinds(searches, event, position):
        if found:
            return topics, found
    return topics, []


def _kinds(
    searches: list[TopicTrail], event: str, position: Position | None
) -> Iterator[list[Trail]]:
    if position is not None:
        yield [trail for search in searches for trail in search.by_position(position)]
        yield [trail for search in searches for trail in search.by_entry(event)]
    yield [trail for search in searches for trail in search.by_event_id(event)]


def _position(event: str) -> Position | None:
    try:
        return parse_position(event)
    except InvalidPosition:
        return None


def _lines(trail: Trail) -> Iterator[str]:
    facts: dict[str, Any] = trail.facts
    state = {"dead": "[red]set aside[/red]", "waiting": "[yellow]waiting[/yellow]"}
    yield f"[bold]{trail.topic}[/bold]  {state.get(trail.state, trail.state)}"
    names = [f"{name} {escaped(str(facts[name]))}" for name in _NAMES if facts.get(name)]
    if names:
        yield f"  event      {'  '.join(names)}"
    if "publishedAtMs" in facts:
        entry = f"  entry {escaped(facts['entryId'])}" if "entryId" in facts else ""
        yield f"  published  {_clock(facts['publishedAtMs'])}{entry}"
    yield from _fate(trail.state, facts)
    if facts.get("traceId"):
        yield f"  trace      {escaped(facts['traceId'])}"
    if "oneOf" in facts:
        yield f"  [yellow]one of {facts['oneOf']} events of that millisecond[/yellow]"


def _fate(state: str, facts: dict[str, Any]) -> Iterator[str]:
    match state:
        case "waiting":
            yield f"  waits      {duration_text(facts['waitsMs'])} for a worker to commit it"
        case "dead":
            yield f"  set aside  {_clock(facts['atMs'])}  because of {escaped(facts['reason'])}"
            yield f"  data       {escaped(facts['head'][:80])}"
        case "committed":
            later = duration_text(max(facts["betweenMs"], 0))
            yield f"  committed  {_clock(facts['committedAtMs'])}  {later} later"
            yield (
                f"  position   {facts['position']}  in batch {facts['batch']} of "
                f"{facts['batchEvents']}, after {facts['previous']}"
            )
            yield f"  place      {_place(facts['behindHead'])} {facts['head']}"
        case _:
            yield f"  trimmed    position {facts['position']} was committed and left the log"
            yield f"  head       {facts['head']}"


def _place(behind_head: int | None) -> str:
    if behind_head is None:
        return "in an epoch before that of the head"
    return f"{behind_head} events behind the head" if behind_head else "at the head"


def _clock(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000)) + f".{at_ms % 1000:03}"
