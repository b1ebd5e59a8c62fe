"""How events, gaps and states look on a line."""

import time
from typing import Final

import orjson

from fanwire.cli.output import escaped
from fanwire.subscribe.session import Gap
from fanwire.subscribe.states import StateChange
from fanwire.wire.delivered_event import DeliveredEvent

_MAX_DATA_CHARS: Final = 160
"""Two lines of a terminal of 80 characters."""


def event_text(event: DeliveredEvent) -> str:
    """Return an event as a line for people."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.ts_ms / 1000))
    parts = [f"[dim]{clock}[/dim] [bold]{escaped(event.service)}[/bold]", str(event.position)]
    if event.type is not None:
        parts.append(f"[cyan]{escaped(event.type)}[/cyan]")
    if event.entity_id is not None:
        parts.append(escaped(f"{event.entity_type or ''}/{event.entity_id}".lstrip("/")))
    if event.property_id is not None:
        parts.append(f"property {escaped(event.property_id)}")
    data = event.data_bytes.decode()
    cut = data if len(data) <= _MAX_DATA_CHARS else f"{data[:_MAX_DATA_CHARS]}…"
    return "  ".join([*parts, escaped(cut)])


def event_json(event: DeliveredEvent) -> bytes:
    """Return an event as a JSON line, its data as it was published."""
    fields = {
        "service": event.service,
        "position": str(event.position),
        "type": event.type,
        "entityType": event.entity_type,
        "entityId": event.entity_id,
        "eventId": event.event_id,
        "propertyId": event.property_id,
        "ts": event.ts_ms,
    }
    present: dict[str, object] = {name: v for name, v in fields.items() if v is not None}
    data = event.data_bytes
    # A line must stay one line; a payload with line breaks is the one that is spelled again.
    present["data"] = event.data if b"\n" in data else orjson.Fragment(data)
    return orjson.dumps(present)


def gap_text(gap: Gap) -> str:
    """Return a gap as a line for people."""
    return (
        f"[yellow]gap[/yellow]  {escaped(gap.service)}  {escaped(gap.reason)}: "
        f"events up to {gap.position} may be missing"
    )


def gap_json(gap: Gap) -> bytes:
    """Return a gap as a JSON line."""
    fields = {"service": gap.service, "reason": gap.reason, "position": str(gap.position)}
    return orjson.dumps({"gap": fields})


def state_text(change: StateChange) -> str:
    """Return a state change as a line for people."""
    text = f"[dim]{change.state.value}[/dim]"
    if change.reason is not None:
        text += f"  {escaped(change.reason)}"
    if change.retry_in_ms is not None:
        text += f"  again in {change.retry_in_ms / 1000:.1f} s"
    return text
