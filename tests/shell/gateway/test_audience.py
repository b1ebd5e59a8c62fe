"""Sockets that get the same bytes, past their transports and through them."""

import os
import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.position import ZERO
from gateway.audience import Audience
from gateway.hub import HeldTopic, Hub
from tests.support.gateway_values import TASKS_OF_ACME
from tests.support.loopback import LIMITS, Client, RecordingSessions

MORE_THAN_A_KERNEL_BUFFER = 300_000


class Stage:
    """A held topic, and clients in its audience of everything."""

    def __init__(self, client_count: int = 1, *, hard_limit_bytes: int = 10_000_000) -> None:
        hub = Hub()
        self.held = HeldTopic(TASKS_OF_ACME, position=ZERO, epoch=0, now_ms=0)
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
            self.audience.broadcast(each)


def numbered(size: int, first: int = 0) -> bytes:
    """Return bytes of which every stretch is unlike every other near it."""
    return b"".join(b"%07d " % number for number in range(first, first + size // 8))


def is_behind(client: Client) -> bool:
    return client.connection.is_behind


def test_every_socket_gets_the_same_bytes() -> None:
    stage = Stage(3)
    stage.broadcast(b"one", b"two")
    assert [client.transport.received() for client in stage.clients] == [b"onetwo"] * 3


def test_a_full_socket_falls_behind_and_gets_every_byte_in_order() -> None:
    stage = Stage()
    [client] = stage.clients
    parts = [numbered(MORE_THAN_A_KERNEL_BUFFER, first) for first in (0, 50_000, 100_000)]
    # In one tick: the second and the third find the first half written.
    stage.broadcast(*parts)
    assert is_behind(client)
    assert client.transport.received_in_full() == b"".join(parts)
    assert not is_behind(client)
    stage.broadcast(b"after")
    assert client.transport.received() == b"after"


def test_a_frame_that_is_cut_short_by_the_kernel_goes_on_where_it_was_cut() -> None:
    stage = Stage()
    [client] = stage.clients
    frame = numbered(MORE_THAN_A_KERNEL_BUFFER)
    stage.broadcast(frame)
    begun = client.transport.received()
    assert 0 < len(begun) < len(frame)
    assert begun + client.transport.received_in_full() == frame


def test_what_a_connection_is_told_in_between_keeps_its_place() -> None:
    stage = Stage()
    [client] = stage.clients
    stage.broadcast(numbered(MORE_THAN_A_KERNEL_BUFFER))
    client.connection.write(b"own")
    stage.broadcast(b"shared")
    assert client.transport.received_in_full().endswith(b"ownshared")


def test_a_socket_that_is_behind_when_it_joins_gets_its_frames_behind_what_is_unsent() -> None:
    stage = Stage(0)
    client = Client(stage.sessions)
    client.connection.write(numbered(MORE_THAN_A_KERNEL_BUFFER))
    stage.held.join(client.connection, None)
    stage.broadcast(b"live")
    assert client.transport.received_in_full().endswith(b"live")


def test_B62_a_socket_beyond_the_hard_limit_is_aborted_and_the_others_are_not_affected() -> None:
    stage = Stage(3, hard_limit_bytes=500_000)
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
    assert not stuck.connection.audiences
    assert {len(each) for each in received} == {4 * (MORE_THAN_A_KERNEL_BUFFER // 8 * 8)}
    assert len(stage.audience) == 2


def test_a_socket_that_is_gone_takes_nothing_from_the_others() -> None:
    stage = Stage(3)
    gone = stage.clients[1]
    gone.transport.peer.close()
    stage.broadcast(b"one", b"two")
    assert stage.clients[0].transport.received() == b"onetwo"
    assert stage.clients[2].transport.received() == b"onetwo"
    gone.transport.lose()
    assert len(stage.audience) == 2


def test_a_descriptor_is_never_written_to_once_its_connection_is_lost() -> None:
    stage = Stage(2)
    lost, kept = stage.clients
    descriptor = lost.connection.descriptor
    # Opened before the number is free, or one of the two could take it by itself.
    heir, far_end = socket.socketpair()
    with heir, far_end:
        lost.transport.lose()
        far_end.setblocking(False)
        os.dup2(heir.fileno(), descriptor)  # the next client gets the same number
        try:
            stage.broadcast(b"for the others")
            lost.connection.pause_writing()
            stage.broadcast(b"for the others")
        finally:
            os.close(descriptor)
        assert kept.transport.received() == b"for the others" * 2
        with pytest.raises(BlockingIOError):
            far_end.recv(100)


def test_a_closed_connection_joins_no_audience() -> None:
    stage = Stage(1)
    late = Client(stage.sessions)
    late.transport.lose()
    stage.held.join(late.connection, None)
    assert len(stage.audience) == 1
    assert late.connection.audiences == ()


def test_leaving_twice_is_leaving_once() -> None:
    stage = Stage(2)
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
def test_bytes_are_never_lost_doubled_or_overtaken(taken: list[tuple[str, int]]) -> None:
    stage = Stage()
    [client] = stage.clients
    sent, received = bytearray(), bytearray()
    for what, size in taken:
        match what:
            case "read":
                received += client.transport.received()
            case "flush":
                client.transport.flush()
            case _:
                frame = numbered(size, len(sent))
                sent += frame
                write = stage.audience.broadcast if what == "broadcast" else client.connection.write
                write(frame)
    received += client.transport.received_in_full()
    assert received == sent
