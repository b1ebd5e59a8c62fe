"""Who gets what of a topic, and what a socket is told when the chain breaks."""

import asyncio
from dataclasses import replace
from typing import cast

import pytest
import uvloop

from fanwire.core.keys import Topic
from fanwire.core.position import ZERO
from fanwire.core.property_filter import PropertyFilter
from fanwire.core.tiers import Tier
from gateway.connection.connection import Connection
from gateway.delivery.chain import ResetReason
from gateway.delivery.hub import HeldTopic, Hub
from gateway.delivery.log_entry import LogEntry
from tests.support.gateway_values import (
    ACME,
    EPOCH,
    TASKS_OF_ACME,
    USERS,
    a_chain,
    a_plain_chain,
    at,
    some_claims,
)
from tests.support.loopback import LIMITS, Client, RecordingSessions
from tests.support.server_frames import Reader, split_frames
from tests.support.waiting import eventually

P1, P2 = frozenset(["p1"]), frozenset(["p2"])


class HubStage:
    """A hub that holds one topic."""

    def __init__(
        self, *, hard_limit_bytes: int = 1_048_576, send_buffer_bytes: int = 4_096
    ) -> None:
        self.hub = Hub()
        self.held = HeldTopic(TASKS_OF_ACME, Tier.HIGH, position=ZERO, epoch=0, now_ms=0)
        self.hub.hold(self.held)
        limits = replace(
            LIMITS, hard_limit_bytes=hard_limit_bytes, send_buffer_bytes=send_buffer_bytes
        )
        self.sessions = RecordingSessions(self.hub, limits)

    def join(self, wanted: PropertyFilter = None) -> Client:
        client = Client(self.sessions)
        self.held.join(client.connection, wanted)
        return client


def seqs(client: Client) -> list[int]:
    return [event["seq"] for message in client.messages() for event in message["events"]]


def test_each_socket_gets_what_its_filter_lets_through() -> None:
    stage = HubStage()
    clients = [stage.join(wanted) for wanted in (None, P1, P2, P1)]
    count = stage.held.deliver(a_chain(["p1", "p2"], [None], ["p2"]), now_ms=5)
    assert [seqs(client) for client in clients] == [[1, 2, 3, 4], [1, 3], [2, 3, 4], [1, 3]]
    assert (count, stage.held.position, stage.held.moved_ms) == (4, at(4), 5)


def test_a_batch_that_was_delivered_is_not_delivered_again() -> None:
    stage = HubStage()
    client = stage.join()
    chain = a_plain_chain(3)
    stage.held.deliver(chain[:2], now_ms=0)
    stage.held.deliver(chain, now_ms=0)
    assert seqs(client) == [1, 2, 3]


def test_a_socket_gets_nothing_from_before_it_joined_or_after_it_left() -> None:
    stage = HubStage()
    chain = a_plain_chain(3)
    stage.held.deliver(chain[:1], now_ms=0)
    client = stage.join()
    stage.held.deliver(chain[1:2], now_ms=0)
    stage.held.leave(client.connection)
    stage.held.deliver(chain[2:], now_ms=0)
    assert seqs(client) == [2]
    assert not stage.held.is_needed


def test_the_first_frame_of_a_late_joiner_is_no_hole_although_its_filter_served_less() -> None:
    stage = HubStage()
    stage.join(P1)
    stage.held.deliver(a_chain(["p2"]), now_ms=0)
    late = stage.join(P1)
    reader = Reader(stage.held.position)
    stage.held.deliver(a_chain(["p1"], after=at(1)), now_ms=0)
    reader.take(late.transport.received())
    assert reader.seqs == [2]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (a_plain_chain(1, after=at(3)), ResetReason.EXPIRED),
        (a_plain_chain(1, after=at(1), epoch=EPOCH + 1), ResetReason.ROLLED_BACK),
        (a_plain_chain(1, epoch=EPOCH + 1), ResetReason.UNKNOWN_EPOCH),
    ],
)
def test_a_broken_chain_is_a_reset_for_everyone_and_then_goes_on(
    entries: list[LogEntry], reason: ResetReason
) -> None:
    stage = HubStage()
    stage.held.deliver(a_plain_chain(2), now_ms=0)
    clients = [(stage.join(wanted), Reader(at(2))) for wanted in (None, P1)]
    stage.held.deliver(entries, now_ms=0)
    for client, reader in clients:
        reader.take(client.transport.received())
        assert reader.resets == [reason]
        assert reader.seqs == [entries[0].position.seq]
    assert stage.held.tail.after(at(0)) is None
    assert stage.held.tail.after(entries[0].prev) == entries


def test_what_came_before_a_hole_in_one_read_is_delivered_before_the_reset() -> None:
    stage = HubStage()
    client = stage.join()
    stage.held.deliver([*a_plain_chain(2), *a_plain_chain(2, after=at(7))], now_ms=0)
    told = [message["type"] for message in client.messages()]
    assert told == ["batch", "batch", "reset", "batch", "batch"]


def test_after_a_reset_the_clients_may_still_know_the_position_that_was_taken_back() -> None:
    stage = HubStage()
    stage.held.deliver(a_plain_chain(4), now_ms=0)
    stage.held.reset(ResetReason.ROLLED_BACK, at(2))
    assert (stage.held.position, stage.held.furthest) == (at(2), at(4))


def test_a_filtered_socket_misses_nothing_when_the_last_unfiltered_one_is_evicted() -> None:
    stage = HubStage(hard_limit_bytes=100_000)
    stuck, filtered = stage.join(), stage.join(P1)
    reader, position = Reader(), ZERO
    for _ in range(8):
        [entry] = a_chain(["p1"], after=position, payload=b'"%b"' % (b"x" * 60_000))
        stage.held.deliver([entry], now_ms=0)
        reader.take(filtered.transport.received_in_full())
        position = entry.position
    assert stuck.transport.is_aborted
    assert reader.seqs == list(range(1, 9))
    assert reader.position == stage.held.position


def test_leaving_all_leaves_the_topics_of_every_service() -> None:
    stage = HubStage()
    other = HeldTopic(Topic(ACME, USERS), Tier.HIGH, position=ZERO, epoch=0, now_ms=0)
    stage.hub.hold(other)
    client = stage.join()
    other.join(client.connection, None)
    stage.hub.leave_all(client.connection)
    assert client.connection.groups == ()
    assert not stage.held.audiences
    assert not other.audiences


def test_the_sockets_of_one_org_get_nothing_of_another() -> None:
    stage = HubStage()
    foreign = Client(stage.sessions, claims=some_claims(org="globex"))
    globex = HeldTopic(
        Topic(foreign.connection.claims.org, TASKS_OF_ACME.service),
        Tier.HIGH,
        position=ZERO,
        epoch=0,
        now_ms=0,
    )
    stage.hub.hold(globex)
    globex.join(foreign.connection, None)
    client = stage.join()
    stage.held.deliver(a_plain_chain(1), now_ms=0)
    assert (seqs(client), seqs(foreign)) == ([1], [])


def test_held_topics_are_found_until_they_are_released() -> None:
    hub = Hub()
    held = HeldTopic(TASKS_OF_ACME, Tier.HIGH, position=ZERO, epoch=0, now_ms=0)
    hub.hold(held)
    assert (hub.get(TASKS_OF_ACME), list(hub), len(hub)) == (held, [held], 1)
    hub.release(TASKS_OF_ACME)
    hub.release(TASKS_OF_ACME)
    assert (hub.get(TASKS_OF_ACME), len(hub)) == (None, 0)


class Server(asyncio.Protocol):
    """Hands each accepted transport to a connection, as the hand-over does."""

    def __init__(self, stage: HubStage, arrived: "asyncio.Queue[Connection]") -> None:
        self._stage = stage
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = Connection(self._stage.sessions, some_claims(), "gw~1")
        cast(asyncio.Transport, transport).set_protocol(connection)
        connection.connection_made(transport)
        self._arrived.put_nowait(connection)


async def _deliver_to_a_reader_that_stops_and_goes_on() -> None:
    stage = HubStage(hard_limit_bytes=50_000_000, send_buffer_bytes=65_536)
    arrived: asyncio.Queue[Connection] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(stage, arrived), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    connection = await arrived.get()
    stage.held.join(connection, None)
    chain = a_plain_chain(120, payload=b'"%b"' % (b"x" * 60_000))
    for first in range(0, 90, 30):  # in one tick, far more than every buffer on the way
        stage.held.deliver(chain[first : first + 30], now_ms=0)
    fell_behind = connection.writer.is_behind
    told = await _read_batches(reader, 90)
    await eventually(lambda: not connection.writer.is_behind, every_s=0.001)
    stage.held.deliver(chain[90:], now_ms=0)
    told += await _read_batches(reader, 30)
    assert fell_behind
    assert told == [entry.body for entry in chain]
    writer.close()
    await eventually(lambda: not stage.held.audiences, every_s=0.001)
    server.close()


async def _read_batches(reader: asyncio.StreamReader, count: int) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(20):
        for _ in range(count):
            head = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(head[2:], "big"))
            found += [payload for _, payload in split_frames(head + body)]
    return found


def test_F25_on_a_real_loop_a_reader_that_stalls_gets_every_byte_in_order() -> None:
    uvloop.run(_deliver_to_a_reader_that_stops_and_goes_on())
