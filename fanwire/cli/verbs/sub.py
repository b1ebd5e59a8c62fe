"""`fanwire sub`: receive events and print one line for each."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.event_text import event_json, event_text, gap_json, gap_text, state_text
from fanwire.cli.mistakes import UsageMistake
from fanwire.errors import Unreachable, shortened
from fanwire.subscribe.session import Gap
from fanwire.subscribe.states import StateChange
from fanwire.subscribe.subscriber import Subscriber


def sub(
    ctx: typer.Context,
    services: Annotated[list[str] | None, typer.Argument(help="By default the token's.")] = None,
    *,
    property: Annotated[str | None, typer.Option(help="Its events and those of none.")] = None,  # noqa: A002
    resume: Annotated[str | None, typer.Option(help="SERVICE:POSITION,… to go on from.")] = None,
    count: Annotated[int | None, typer.Option(help="End after so many events.", min=1)] = None,
    duration: Annotated[float | None, typer.Option(help="End after so many s.", min=0.1)] = None,
    token: Annotated[str | None, typer.Option(help="By default FANWIRE_TOKEN or dev's.")] = None,
) -> None:
    """Print the events of SERVICES as they come; state changes go to stderr.

    Ctrl-C, --count or --duration end it with code 0; the positions to resume from are the
    last line on stderr.
    """
    context = context_of(ctx)
    subscriber = Subscriber(
        context.gateway(),
        get_token=lambda: context.token(token),
        services=_names(services) or context.default_services(token),
        property_id=property,
        resume_from=_positions(resume),
    ).watch(lambda change: _show_state(context, change))
    with suppress(KeyboardInterrupt):
        asyncio.run(_follow(context, subscriber, count=count, duration_s=duration))
    _show_positions(context, subscriber)


async def _follow(
    context: Context, subscriber: Subscriber, *, count: int | None, duration_s: float | None
) -> None:
    await _enter(subscriber, context.timeout_s)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await _print_updates(context, subscriber, count)
    finally:
        await subscriber.__aexit__(None, None, None)


async def _enter(subscriber: Subscriber, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await subscriber.__aenter__()
    except TimeoutError:
        raise Unreachable(f"no connection within {timeout_s:g} s") from None


async def _print_updates(context: Context, subscriber: Subscriber, count: int | None) -> None:
    output, seen_count = context.output, 0
    async for update in subscriber.updates():
        if isinstance(update, Gap):
            line, text = gap_json(update), gap_text(update)
        else:
            line, text = event_json(update), event_text(update)
            seen_count += 1
        if output.json:
            output.json_line(line)
        else:
            output.console.print(text)
        if seen_count == count:
            return


def _show_state(context: Context, change: StateChange) -> None:
    context.output.note(
        state_text(change),
        state=change.state.value,
        code=change.code,
        reason=change.reason,
        terminal=change.terminal,
        retryInMs=change.retry_in_ms,
    )


def _show_positions(context: Context, subscriber: Subscriber) -> None:
    positions = subscriber.positions
    if positions:
        resume = ",".join(f"{service}:{position}" for service, position in positions.items())
        context.output.note(f"[dim]--resume {resume}[/dim]", positions=positions)


def _names(services: list[str] | None) -> list[str]:
    return [name for given in services or [] for name in given.split(",") if name]


def _positions(resume: str | None) -> dict[str, str]:
    positions = {}
    for part in (resume or "").split(","):
        service, colon, position = part.partition(":")
        if colon:
            positions[service] = position
        elif part:
            raise UsageMistake(f"--resume {shortened(part)} is not SERVICE:POSITION")
    return positions
