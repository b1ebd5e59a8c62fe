"""`fanwire top`: gateways, workers and topics, live, through Redis alone."""

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from fanwire.cli.context import Context, context_of
from fanwire.cli.format import duration_text, size_text
from fanwire.cli.inspect.snapshots import NodeRow, Rates, Snapshot, TopicRow, take_snapshot
from fanwire.cli.org_or_verb import org_of
from fanwire.cli.output import escaped, table_of
from fanwire.cli.redis_calls import asked
from fanwire.core.heartbeats import GatewayHeartbeat, WorkerHeartbeat
from fanwire.core.keys import Keys

_TOPICS_SHOWN: Final = 20
"""With gateways and workers above them, a terminal of 40 lines."""

_GATEWAY_COLUMNS: Final = (
    *("gateway", ">sockets", ">events/s", ">p99", ">lanes", ">quarantined", ">dropped"),
    *(">loop lag", ">up", "version"),
)


def top(
    ctx: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="One look, then end.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between looks.", min=0.2)] = 1.0,
    org: Annotated[str | None, typer.Option(help="Topics of this org alone.")] = None,
) -> None:
    """Watch gateways, workers and the busiest topics; Ctrl-C ends it.

    Where the output is no terminal it is one look, and with --json an object for each look.
    Rates are those between two looks, so the first look has none.

    Examples:

        fanwire top

        fanwire top --once --json
    """
    context = context_of(ctx)
    org_of(org)
    with suppress(KeyboardInterrupt):
        asked(context, lambda client: _watch(context, client, org, every_s=every, once=once))


def _watch(context: Context, client: Any, org: str | None, *, every_s: float, once: bool) -> None:
    keys, rates = Keys(context.key_prefix()), Rates()

    def look() -> Snapshot:
        return take_snapshot(client, keys, org_of(org), rates)

    if context.output.json:
        context.output.json_line(orjson.dumps(look().as_dict()))
        while not once:
            time.sleep(every_s)
            context.output.json_line(orjson.dumps(look().as_dict()))
    elif once or not sys.stdout.isatty():
        context.output.console.print(_screen(look()))
    else:
        with Live(
            _screen(look()), console=context.output.console, screen=True, auto_refresh=False
        ) as live:
            while True:
                time.sleep(every_s)
                live.update(_screen(look()), refresh=True)


def _screen(snapshot: Snapshot) -> RenderableType:
    topics = snapshot.busiest(_TOPICS_SHOWN)
    left_count = len(snapshot.topics) - len(topics)
    parts: list[RenderableType] = [
        table_of(
            _GATEWAY_COLUMNS,
            [_gateway(row) for row in snapshot.gateways],
        ),
        Text(),
        table_of(
            ("worker", ">partitions", ">topics", ">events/s", ">uncommitted", ">dead"),
            [_worker(row) for row in snapshot.workers],
        ),
        Text(),
        table_of(
            ("topic", ">events/s", ">lag", ">oldest", ">window", ">log", ">dead"),
            [_topic(row) for row in topics],
        ),
    ]
    if left_count:
        parts.append(Text(f"and {left_count} quieter topics"))
    return Group(*parts)


def _gateway(row: NodeRow[GatewayHeartbeat]) -> Sequence[str]:
    beat = row.node.beat
    name = escaped(row.node.name)
    if not row.node.is_beating:
        return [f"[red]{name}, silent for {duration_text(row.node.silent_ms)}[/red]"]
    return [
        f"{name}, draining" if beat.draining else name,
        str(beat.connections),
        _rate(row.events_per_s),
        _ms(beat.p99_ms),
        _bytes(beat.lane_bytes),
        _count(beat.quarantined),
        _count(beat.dropped),
        _ms(beat.loop_lag_ms),
        "-" if beat.up_ms is None else duration_text(beat.up_ms),
        escaped(beat.version or "-"),
    ]


def _worker(row: NodeRow[WorkerHeartbeat]) -> Sequence[str]:
    beat = row.node.beat
    name = escaped(row.node.name)
    if not row.node.is_beating:
        return [f"[red]{name}, silent for {duration_text(row.node.silent_ms)}[/red]"]
    return [
        name,
        _count(beat.partitions),
        _count(beat.topics),
        _rate(row.events_per_s),
        _bytes(beat.uncommitted_bytes),
        _count(beat.dead),
    ]


def _topic(row: TopicRow) -> Sequence[str]:
    state = row.state
    return [
        str(state.topic),
        _rate(row.events_per_s),
        str(state.lag_events),
        duration_text(state.lag_ms) if state.lag_events else "-",
        _ms(state.window_ms),
        size_text(state.log_bytes),
        str(state.dead_letters),
    ]


def _count(count: int | None) -> str:
    return "-" if count is None else str(count)


def _rate(per_s: float | None) -> str:
    return "-" if per_s is None else f"{per_s:.1f}"


def _ms(spent_ms: float | None) -> str:
    return "-" if spent_ms is None else f"{spent_ms:.0f} ms"


def _bytes(size_bytes: float | None) -> str:
    return "-" if size_bytes is None else size_text(size_bytes)
