"""Sockets that get the same bytes, past their transports and through them."""

import os
import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.position import ZERO
from fanwire.core.tiers import Tier
from gateway.connection.lanes import ReplayPoint
from gateway.delivery.audience import Audience
from gateway.delivery.chain import ResetReason
from gateway.delivery.hub import HeldTopic, Hub
from gateway.delivery.log_entry import LogEntry
from gateway.websocket.writer import text_frame
from tests.support.gateway_values import EPOCH, TASKS, TASKS_OF_ACME, a_chain, a_plain_chain, at
from tests.support.loopback import LIMITS, Client, RecordingSessions
from tests.support.server_frames import Reader, split_frames

MORE_THAN_A_KERNEL_BUFFER = 300_000
ONE, TWO = text_frame(b"one"), text_frame(b"two")


class AudienceStage:
    """A held topic, and clients in its audience of everything."""

    def __init__(self, client_count: int = 1, *, hard_limit_bytes: int = 10_000_000) -> None:
        hub = Hub()
        self.held = HeldTopic(TASKS_OF_ACME, Tier.HIGH, position=ZERO, epoch=0, now_ms=0)
        hub.hold(self.held)
        limits = replace(LIMITS, hard_limit_bytes=hard_limit_bytes)
        self.sessions = RecordingSessions(hub, limits)
        self.clients = [Client(self.sessions, name=f"gw~{i}") for i in range(client_count)]
        for client in self.clients:
            self.held.join(client.connection, None)

    @property
    def audience(self) -> Audience:
        return self.held.audiences[None]

    def broadcast(self, *frames: bytes) -> None:
        for each in frames:
            self.audience.broadcast(each, at=ZERO)


def numbered(size: int, first: int = 0) -> bytes:
    """Return a frame of which every stretch is unlike every other near it."""
    return text_frame(b"".join(b"%07d " % n for n in range(first, first + size // 8)))


def is_behind(client: Client) -> bool:
    return client.connection.writer.is_behind


def test_every_socket_gets_the_same_bytes() -> None:
    stage = AudienceStage(3)
    stage.broadcast(ONE, TWO)
    assert [client.transport.received() for client in stage.clients] == [ONE + TWO] * 3


def test_a_full_socket_falls_behind_and_gets_every_byte_in_order() -> None:
    stage = AudienceStage()
    [client] = stage.clients
    parts = [numbered(MORE_THAN_A_KERNEL_BUFFER, first) for first in (0, 50_000, 100_000)]
    # In one tick: the second and the third find the first half written.
    stage.broadcast(*parts)
    assert is_behind(client)
    assert client.transport.received_in_full() == b"".join(parts)
    assert not is_behind(client)
    stage.broadcast(ONE)
    assert client.transport.received() == ONE


def test_a_frame_that_is_cut_short_by_the_kernel_goes_on_where_it_was_cut() -> None:
    stage = AudienceStage()
    [client] = stage.clients
    frame = numbered(MORE_THAN_A_KERNEL_BUFFER)
    stage.broadcast(frame)
    begun = client.transport.received()
    assert 0 < len(begun) < len(frame)
    assert begun + client.transport.received_in_full() == frame


def test_what_a_connection_is_told_in_between_keeps_its_place() -> None:
    stage = AudienceStage()
    [client] = stage.clients
    stage.broadcast(numbered(MORE_THAN_A_KERNEL_BUFFER))
    client.connection.write(b"own")
    stage.broadcast(ONE)
    assert client.transport.received_in_full().endswith(b"own" + ONE)


def test_a_socket_that_is_behind_when_it_joins_gets_its_frames_behind_what_is_unsent() -> None:
    stage = AudienceStage(0)
    client = Client(stage.sessions)
    client.connection.write(numbered(MORE_THAN_A_KERNEL_BUFFER))
    stage.held.join(client.connection, None)
    stage.broadcast(ONE)
    assert client.transport.received_in_full().endswith(ONE)


def test_B62_a_socket_beyond_the_hard_limit_is_aborted_and_the_others_are_not_affected() -> None:
    stage = AudienceStage(3, hard_limit_bytes=500_000)
    stuck, *others = stage.clients
    received = [b"", b""]
    for first in range(0, 200_000, 50_000):
        stage.broadcast(numbered(MORE_THAN_A_KERNEL_BUFFER, first))
        received = [
            so_far + client.transport.received_in_full()
            for so_far, client in zip(received, others, strict=True)
        ]
    assert stuck.transport.is_aborted
    assert stage.sessions.ended_ids == [stuck.connection.id]
    assert not stuck.connection.groups
    assert {len(each) for each in received} == {4 * len(numbered(MORE_THAN_A_KERNEL_BUFFER))}
    assert len(stage.audience) == 2


def test_a_socket_that_is_gone_takes_nothing_from_the_others() -> None:
    stage = AudienceStage(3)
    gone = stage.clients[1]
    gone.transport.peer.close()
    stage.broadcast(ONE, TWO)
    assert stage.clients[0].transport.received() == ONE + TWO
    assert stage.clients[2].transport.received() == ONE + TWO
    gone.transport.lose()
    assert len(stage.audience) == 2


def test_a_descriptor_is_never_written_to_once_its_connection_is_lost() -> None:
    stage = AudienceStage(2)
    lost, kept = stage.clients
    descriptor = lost.connection.writer.descriptor
    # Opened before the number is free, or one of the two could take it by itself.
    heir, far_end = socket.socketpair()
    with heir, far_end:
        lost.transport.lose()
        far_end.setblocking(False)
        os.dup2(heir.fileno(), descriptor)  # the next client gets the same number
        try:
            stage.broadcast(ONE)
            lost.connection.pause_writing()
            stage.broadcast(ONE)
        finally:
            os.close(descriptor)
        assert kept.transport.received() == ONE * 2
        with pytest.raises(BlockingIOError):
            far_end.recv(100)


def test_a_closed_connection_joins_no_audience() -> None:
    stage = AudienceStage(1)
    late = Client(stage.sessions)
    late.transport.lose()
    stage.held.join(late.connection, None)
    assert len(stage.audience) == 1
    assert late.connection.groups == ()


def test_leaving_twice_is_leaving_once() -> None:
    stage = AudienceStage(2)
    connection = stage.clients[0].connection
    stage.held.leave(connection)
    stage.audience.discard(connection)
    assert list(stage.audience) == [stage.clients[1].connection]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("broadcast"), st.integers(min_value=8, max_value=40_000)),
        st.tuples(st.just("own"), st.integers(min_value=8, max_value=40_000)),
        st.tuples(st.just("read"), st.just(0)),
        st.tuples(st.just("flush"), st.just(0)),
    ),
    max_size=25,
)


@given(steps)
def test_frames_are_never_lost_doubled_torn_or_overtaken_by_their_kind(
    taken: list[tuple[str, int]],
) -> None:
    stage = AudienceStage()
    [client] = stage.clients
    batches: list[bytes] = []
    notices: list[bytes] = []
    received = bytearray()
    for what, size in taken:
        match what:
            case "read":
                received += client.transport.received()
            case "flush":
                client.transport.flush()
            case "broadcast":
                batches.append(b"batch %d " % len(batches) + b"b" * size)
                stage.broadcast(text_frame(batches[-1]))
            case _:
                notices.append(b"notice %d " % len(notices) + b"n" * size)
                client.connection.write(text_frame(notices[-1]))
    received += client.transport.received_in_full()
    payloads = [payload for _, payload in split_frames(bytes(received))]
    assert [each for each in payloads if each.startswith(b"batch")] == batches
    assert [each for each in payloads if each.startswith(b"notice")] == notices


def a_run(count: int, payload_bytes: int) -> list[LogEntry]:
    return a_plain_chain(count, payload=b'"%b"' % (b"x" * payload_bytes))


def test_of_a_run_that_is_cut_short_the_transport_holds_one_frame_and_the_lanes_the_rest() -> None:
    stage = AudienceStage()
    [client] = stage.clients
    run = a_run(10, 60_000)
    stage.held.deliver(run, now_ms=0)
    assert client.transport.get_write_buffer_size() <= len(run[0].body) + 10
    assert client.connection.writer.waits(TASKS)
    reader = Reader()
    reader.take(client.transport.received_in_full())
    assert reader.seqs == list(range(1, 11))


def test_what_waits_of_a_run_can_be_replayed_from_the_first_frame_that_is_not_begun() -> None:
    stage = AudienceStage()
    [client] = stage.clients
    stage.held.deliver(a_run(10, 60_000), now_ms=0)
    place = client.connection.writer.drop(TASKS)
    assert place is not None
    reader = Reader()
    reader.take(client.transport.received_in_full())
    assert reader.position == place.at == place.served
    assert reader.seqs == list(range(1, place.at.seq + 1))


def test_a_reset_takes_the_place_of_what_waits_and_cannot_be_dropped() -> None:
    stage = AudienceStage()
    [client] = stage.clients
    stage.held.deliver(a_run(10, 60_000), now_ms=0)
    stage.held.reset(ResetReason.ROLLED_BACK, at(3))
    stage.held.deliver(a_plain_chain(1, after=at(3), epoch=EPOCH + 1), now_ms=0)
    assert client.connection.writer.drop(TASKS) == ReplayPoint(at(3), at(3)), (
        "the batch behind the reset"
    )
    reader = Reader()
    reader.take(client.transport.received_in_full())
    assert (reader.resets, reader.position) == ([ResetReason.ROLLED_BACK], at(3))


def test_what_a_socket_has_not_acked_is_reckoned_from_when_it_was_sent() -> None:
    stage = AudienceStage()
    for number, entry in enumerate(a_run(3, 10)):
        stage.held.deliver([entry], now_ms=1_000 * number)
    since_ms = [stage.audience.unacked_since_ms(at(seq)) for seq in range(4)]
    assert since_ms == [0, 1_000, 2_000, None]


def test_what_the_filter_holds_back_needs_no_ack() -> None:
    stage = AudienceStage()
    client = Client(stage.sessions)
    stage.held.join(client.connection, frozenset(["p1"]))
    stage.held.deliver(a_chain(["p1"], ["p2"]), now_ms=0)
    stage.held.deliver(a_chain(["p2"], after=at(2)), now_ms=60_000)
    assert stage.held.audiences[frozenset(["p1"])].unacked_since_ms(at(1)) is None
