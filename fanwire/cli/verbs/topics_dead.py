"""`fanwire topics dead` and `replay-dead`."""

import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.exit_codes import Exit
from fanwire.cli.inspect.dead_letters import DeadLetter, read_dead_letters
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.output import escaped
from fanwire.cli.redis_calls import asked
from fanwire.core.ids import checked_org, checked_service
from fanwire.core.keys import Keys, Topic
from fanwire.publish.new_event import NewEvent
from fanwire.publish.publisher import Publisher

_SHOWN_COUNT = 100
"""A few screens; a topic may hold 10 000, and most of them for one reason."""

_SHOWN_CHARS = 60
"""What is left of a line of 120 characters beside the other columns."""

OrgArgument = Annotated[str, typer.Argument(metavar="ORG", help="Like acme.")]
ServiceArgument = Annotated[str, typer.Argument(metavar="SERVICE", help="Like tasks.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only those, like bad_id.")]
LimitOption = Annotated[int, typer.Option(help="At most so many, the oldest first.", min=1)]


def dead(
    ctx: typer.Context,
    org: OrgArgument,
    service: ServiceArgument,
    *,
    reason: ReasonOption = None,
    limit: LimitOption = _SHOWN_COUNT,
) -> None:
    """List the entries that could not be delivered, and why.

    Example:

        fanwire topics dead acme tasks --reason too_big
    """
    context = context_of(ctx)
    found, more_count = _letters(context, _topic(org, service), reason, limit)
    if not found:
        context.output.note("no dead letters")
    context.output.rows(
        [letter.as_dict() for letter in found],
        ("set aside", "reason", "entry", "again?", "data", "why"),
        [_row(letter) for letter in found],
    )
    if more_count:
        context.output.note(f"{more_count} more; --limit {len(found) + more_count} shows all")


def replay_dead(
    ctx: typer.Context,
    org: OrgArgument,
    service: ServiceArgument,
    *,
    reason: ReasonOption = None,
    limit: LimitOption = _SHOWN_COUNT,
    property: Annotated[str | None, typer.Option(help="Of which property they are.")] = None,  # noqa: A002
    no_property: Annotated[
        bool, typer.Option("--no-property", help="Of none: every subscriber gets them.")
    ] = False,
    type: Annotated[str | None, typer.Option(help="Their type, like task.updated.")] = None,  # noqa: A002
) -> None:
    """Publish the data of dead letters again, as new events behind all others.

    A dead letter keeps its reason and its data, up to 64 KiB, and no property. Data that is whole
    JSON is published and its letter removed; the others stay and are counted.

    Example:

        fanwire topics replay-dead acme tasks --reason bad_id --property p9
    """
    if (property is None) != no_property:
        raise UsageMistake(
            "a dead letter does not keep its property: give --property ID, or --no-property "
            "if every subscriber of the service may see it"
        )
    context, topic = context_of(ctx), _topic(org, service)
    found, _ = _letters(context, topic, reason, limit)
    whole = [letter for letter in found if letter.obstacle() is None]
    _publish(context, topic, whole, property_id=property, type_=type)
    _report(context, found, whole)
    if found and not whole:
        raise SystemExit(Exit.FAILED)


def _publish(
    context: Context,
    topic: Topic,
    letters: Sequence[DeadLetter],
    *,
    property_id: str | None,
    type_: str | None,
) -> None:
    events = [
        NewEvent(
            topic.org,
            topic.service,
            letter.head,
            type=type_,
            # Not removed after it was published, it is published again, and collapses.
            event_id=f"dead-{letter.id}",
            property_id=property_id,
        )
        for letter in letters
    ]
    if not events:
        return
    keys = Keys(context.key_prefix())
    with Publisher.from_url(context.redis(), key_prefix=keys.prefix) as publisher:
        publisher.publish_many(events)
    asked(context, lambda client: client.xdel(keys.dead(topic), *(each.id for each in letters)))


def _report(context: Context, found: Sequence[DeadLetter], whole: Sequence[DeadLetter]) -> None:
    left = Counter(obstacle for letter in found if (obstacle := letter.obstacle()) is not None)
    text = f"published {len(whole)} of {len(found)} dead letters"
    context.output.result(
        {"published": len(whole), "left": sum(left.values()), "leftBecause": dict(left)}, text
    )
    if left and not context.output.json:
        reasons = ", ".join(f"{count} because {why}" for why, count in left.items())
        context.output.note(f"left: {reasons}")
        context.output.note("their publisher can publish them again, corrected")


def _letters(
    context: Context, topic: Topic, reason: str | None, limit: int
) -> tuple[list[DeadLetter], int]:
    """Return the oldest `limit` letters, and how many more there are: all could be 640 MB."""
    keys = Keys(context.key_prefix())

    def read(client: Any) -> tuple[list[DeadLetter], int]:
        wanted = (
            letter
            for letter in read_dead_letters(client, keys, topic)
            if reason in (None, letter.reason)
        )
        return list(islice(wanted, limit)), sum(1 for _ in wanted)

    return asked(context, read)


def _topic(org: str, service: str) -> Topic:
    return Topic(checked_org(org), checked_service(service))


def _row(letter: DeadLetter) -> list[str]:
    data = letter.head.decode(errors="replace").replace("\n", " ")
    cut = data if len(data) <= _SHOWN_CHARS else f"{data[:_SHOWN_CHARS]}…"
    obstacle = letter.obstacle()
    return [
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(letter.at_ms / 1000)),
        escaped(letter.reason),
        escaped(letter.entry_id),
        "yes" if obstacle is None else f"no: {obstacle}",
        escaped(cut),
        escaped(letter.why),
    ]
