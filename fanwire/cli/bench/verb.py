"""`fanwire bench`: publish at a rate, subscribe many times, say what arrived and when."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fanwire.cli.bench.latencies import parse_slo
from fanwire.cli.bench.listener import ListenerPlan, SocketPlan
from fanwire.cli.bench.listeners import Listeners
from fanwire.cli.bench.load import BenchLoad, made_up, recorded
from fanwire.cli.bench.report import BenchReport, report_text
from fanwire.cli.context import Context, context_of
from fanwire.cli.exit_codes import Exit
from fanwire.cli.pacing import paced
from fanwire.publish.publisher import Publisher

SERVICES_PER_SOCKET: Final = 32
"""GATEWAY_MAX_SERVICES by default."""


def bench(
    ctx: typer.Context,
    *,
    rate: Annotated[float, typer.Option(help="Events per second.", min=0.1)] = 200,
    duration: Annotated[float, typer.Option(help="Seconds; rate × duration events.", min=0.1)] = 10,
    count: Annotated[int | None, typer.Option(help="So many events instead.", min=1)] = None,
    subscribers: Annotated[int, typer.Option(help="How many of them.", min=1)] = 10,
    size: Annotated[int, typer.Option(help="Bytes of each event's data.", min=16)] = 512,
    file: Annotated[Path | None, typer.Option("--input", help="NDJSON file of events.")] = None,
    org: Annotated[str, typer.Option(help="Whose events; the token's org.")] = "acme",
    slo: Annotated[list[str] | None, typer.Option(help="Like p99=50ms; may repeat.")] = None,
    patience: Annotated[float, typer.Option(help="Longest wait for the rest, in s.")] = 10,
    token: Annotated[str | None, typer.Option(help="By default FANWIRE_TOKEN or dev's.")] = None,
) -> None:
    """Measure from publisher to subscriber, on this machine's clock.

    Exits 1 if an event was lost, came twice or came changed, or if an --slo was missed.
    """
    context = context_of(ctx)
    slos = [parse_slo(text) for text in slo or []]
    run = token_hex(4)
    load = (
        made_up(org, size_bytes=size, count=count or round(rate * duration), run=run)
        if file is None
        else recorded(org, file, count=count, run=run)
    )
    plans = _plans(context, load, subscribers, token=token, patience_s=patience)
    with Listeners(plans) as listeners:
        listeners.await_ready()
        started_at_s = time.monotonic()
        _publish(context, load, rate)
        published_s = time.monotonic() - started_at_s
        tally = listeners.settle(load.sent(load.count))
    report = BenchReport(load, subscribers, published_s, tally, slos)
    context.output.result(report.as_dict(), report_text(report))
    if not report.is_good:
        raise typer.Exit(Exit.FAILED)


def _publish(context: Context, load: BenchLoad, rate: float) -> None:
    url, prefix = context.redis(), context.key_prefix()
    with (
        Publisher.from_url(url, key_prefix=prefix) as publisher,
        _progress(context, load.count) as progress,
    ):
        for portion in paced(load.events(), rate):
            publisher.publish_many(portion)
            progress(len(portion))


def _plans(
    context: Context, load: BenchLoad, subscribers: int, *, token: str | None, patience_s: float
) -> list[ListenerPlan]:
    """Spread the sockets over processes: one would be the bottleneck, not the gateway."""
    services = load.services
    groups = [
        services[start : start + SERVICES_PER_SOCKET]
        for start in range(0, len(services), SERVICES_PER_SOCKET)
    ]
    sockets = [
        SocketPlan(group, context.token(token, sub=f"bench-{number}"))
        for number in range(subscribers)
        for group in groups
    ]
    process_count = max(1, min(len(sockets), (os.cpu_count() or 2) - 1))
    return [
        ListenerPlan(
            url=context.gateway(),
            run=load.run,
            sockets=sockets[number::process_count],
            connect_s=context.timeout_s + len(sockets) / 200,
            patience_s=patience_s,
        )
        for number in range(process_count)
    ]


@contextmanager
def _progress(context: Context, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("publishing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = context.output.json or not context.output.notes.is_terminal
    with Progress(
        *columns, console=context.output.notes, transient=True, disable=hidden
    ) as progress:
        task = progress.add_task("publishing", total=total)
        yield lambda count: progress.advance(task, count)
