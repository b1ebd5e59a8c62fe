"""Clients of a gateway's stage that lag, and what each of their services was given."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from fanwire.core.ids import Service
from fanwire.core.keys import Topic
from fanwire.core.position import ZERO, parse_position
from gateway.websocket.writer import text_frame
from tests.support.gateway_stage import GatewayStage, positions_in
from tests.support.gateway_values import ACME, a_chain
from tests.support.loopback import Client
from tests.support.server_frames import Reader, messages

FILLER: Final = text_frame(b'{"type":"filler","of":"%b"}' % (b"x" * 100_000))
"""More than the kernel takes."""


class Ears:
    """Listens to one client; each service is held to the chain rule on its own."""

    def __init__(self, client: Client) -> None:
        self.readers: dict[str, Reader] = defaultdict(Reader)
        self.told: list[dict[str, Any]] = []
        self.client = client

    def listen(self) -> None:
        """Take all that was written, and let what waits follow."""
        for message in messages(self.client.transport.received_in_full()):
            self.told.append(message)
            if message["type"] == "hello":
                for name, position in positions_in(message).items():
                    self.readers[name].position = parse_position(position or "0-0")
            for service in _services(message):
                self.readers[service].take_message(_about(message, service))

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return every message of a type so far."""
        return [message for message in self.told if message["type"] == kind]


def topic_of(service: str) -> Topic:
    """Return the topic of a service of acme."""
    return Topic(ACME, Service(service))


def stall(client: Client) -> None:
    """Let a client take nothing more until it is listened to."""
    client.connection.write(FILLER)
    assert client.connection.writer.is_behind


async def deliver(
    stage: GatewayStage,
    service: str,
    count: int = 1,
    *,
    payload: bytes = b"{}",
    entity: str | None = None,
) -> None:
    """Commit batches of one event to a topic, and let the gateway follow."""
    topic = topic_of(service)
    known = stage.log.entries[topic]
    after = known[-1].position if known else ZERO
    rows: Sequence[Sequence[str | None]] = [[None]] * count
    entries = a_chain(*rows, after=after, service=service, payload=payload, entity=entity)
    stage.log.commit(topic, entries)
    held = stage.hub.get(topic)
    if held is not None:
        held.deliver(entries, now_ms=stage.sessions.now_ms())


@asynccontextmanager
async def returning(stage: GatewayStage) -> AsyncIterator[None]:
    """Let withheld services be given back meanwhile."""
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.withholding.run())
        await asyncio.sleep(0)
        yield
        loop.cancel()


def _services(message: dict[str, Any]) -> list[str]:
    match message["type"]:
        case "batch" | "reset":
            return [message["service"]]
        case "heartbeat":
            return list(message["positions"])
        case _:
            return []


def _about(message: dict[str, Any], service: str) -> dict[str, Any]:
    if message["type"] != "heartbeat":
        return message
    return message | {"positions": {service: message["positions"][service]}}
