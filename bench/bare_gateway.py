"""`python -m bench.bare_gateway`: the gateway with flow control switched off, to compare with.

Off are the lanes, the memory of what was sent when, which acks are held against, and the checks
of those that lag. What the kernel does not take goes to the transport, which queues it without
bound. Nobody should run it; it is here so that the difference can be measured.
"""

from collections.abc import Sequence
from os import write
from unittest.mock import patch

from fanwire.core.position import Position
from gateway.__main__ import main
from gateway.connection.connection import Connection
from gateway.connection.lanes import Queued
from gateway.delivery.audience import Audience
from gateway.flow_control.monitor import FlowMonitor


def _broadcast(audience: Audience, frames: bytes, *, at: Position) -> None:
    del at
    size = len(frames)
    cut_short: list[tuple[Connection, int]] = []
    for descriptor, connection in audience._keeping_up.items():
        try:
            written = write(descriptor, frames)
        except OSError:
            written = 0
        if written != size:
            cut_short.append((connection, written))
    for connection in audience._behind:
        connection.writer._transport.write(frames)
    for connection, written in cut_short:
        connection.write_rest(frames[written:])


def _served_up_to(audience: Audience, position: Position, *, now_ms: float) -> None:
    del now_ms
    audience.served = position


def _queue(connection: Connection, queued: Queued) -> None:
    connection.writer._transport.write(queued.frames)


async def _run(_: FlowMonitor) -> None:
    return None


if __name__ == "__main__":
    off: Sequence[tuple[type, str, object]] = (
        (Audience, "broadcast", _broadcast),
        (Audience, "served_up_to", _served_up_to),
        (Connection, "queue", _queue),
        (FlowMonitor, "watch", lambda *_: None),
        (FlowMonitor, "run", _run),
    )
    for owner, name, replacement in off:
        patch.object(owner, name, replacement).start()
    main()
