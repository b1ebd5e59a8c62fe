"""The swarm's books notice what a real client would mend in silence."""

from collections.abc import Callable

import orjson
import pytest

from tests.support.swarm import busiest_second
from tests.support.swarm_session import Books, SwarmSession


def hello(position: str, **fields: object) -> bytes:
    row = {"name": "tasks", "position": position} | fields
    return orjson.dumps({"type": "hello", "node": "gw-0", "services": [row]})


def batch(prev: str, position: str, *numbers: int) -> bytes:
    events = [{"data": {"n": n}} for n in numbers]
    return orjson.dumps(
        {"type": "batch", "service": "tasks", "prev": prev, "position": position, "events": events}
    )


def heartbeat(position: str) -> bytes:
    return orjson.dumps({"type": "heartbeat", "positions": {"tasks": position}})


@pytest.fixture
def session() -> SwarmSession:
    session = SwarmSession(0, Books())
    for frame in (hello("1-0"), batch("1-0", "1-2", 0, 1), heartbeat("1-2")):
        session.take(frame, 0.0)
    assert session.books.faults == []
    return session


@pytest.mark.parametrize(
    "frame",
    [
        batch("1-3", "1-4", 2),
        batch("1-0", "1-2", 0, 1),
        batch("1-2", "1-3", 3),
        batch("1-2", "1-3", 1),
        heartbeat("1-3"),
        hello("1-3", recovered=True),
        hello("1-2", recovered=False),
        b'{"type":"reset","service":"tasks","reason":"expired","position":"1-9"}',
    ],
)
def test_a_hole_a_repeat_and_a_reset_are_faults(session: SwarmSession, frame: bytes) -> None:
    session.take(frame, 0.0)
    assert session.books.faults


@pytest.mark.parametrize(
    ("tell", "fault_count"),
    [
        (lambda session: session.take(b'{"type":"drain","reconnectAfterMs":5}', 0.0), 0),
        (lambda session: None, 1),
    ],
)
def test_a_close_as_draining_must_be_announced(
    session: SwarmSession, tell: Callable[[SwarmSession], None], fault_count: int
) -> None:
    tell(session)
    session.closed(1012)
    assert session.books.fault_count == fault_count
    assert session.books.ends == {"1012": 1}


def test_the_busiest_second_may_begin_anywhere() -> None:
    assert busiest_second([0.0, 0.9, 1.1, 1.8, 3.0]) == 3
    assert busiest_second([]) == 0
