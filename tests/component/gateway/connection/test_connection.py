"""What a connection does with what comes, and how it ends."""

from dataclasses import replace
from typing import Final

import pytest

from fanwire.core.position import ZERO
from fanwire.core.tiers import Tier
from fanwire.errors import Forbidden, RateLimited, SlowConsumer, Unauthorized
from gateway.connection.lanes import Queued, ReplayPoint
from gateway.connection.limits import CLOSE_GRACE_MS, TOLERATED_UNKNOWN_MESSAGES
from gateway.connection.messages import PingMessage, VisibilityMessage
from gateway.connection.phases import SessionInput, SessionPhase
from gateway.connection.rate_limit import RateLimit
from gateway.websocket.header import Opcode
from gateway.websocket.writer import pong_frame, text_frame
from tests.support import client_frames
from tests.support.gateway_values import TASKS
from tests.support.loopback import LIMITS, Client, RecordingSessions
from tests.support.server_frames import close_code, messages, split_frames

PING: Final = b'{"type":"ping"}'
DANCE: Final = b'{"type":"dance"}'
SPACES: Final = b" " * 500_000
"""More than the kernel takes."""


def a_client(**changed: object) -> tuple[Client, RecordingSessions]:
    sessions = RecordingSessions(limits=replace(LIMITS, **changed))  # type: ignore[arg-type]
    return Client(sessions), sessions


def test_a_message_is_passed_on_once_it_is_whole() -> None:
    client, sessions = a_client()
    frame = client_frames.text(b'{"type":"visibility","hidden":true}')
    client.connection.data_received(frame[:9])
    assert sessions.messages == []
    client.connection.data_received(frame[9:] + client_frames.text(PING))
    assert sessions.messages == [VisibilityMessage(hidden=True), PingMessage()]


def test_a_ping_is_answered_with_its_payload() -> None:
    client, _ = a_client()
    client.connection.data_received(client_frames.client_frame(Opcode.PING, b"hi"))
    assert client.transport.received() == pong_frame(b"hi")


def test_whatever_comes_is_a_sign_of_life() -> None:
    client, sessions = a_client()
    sessions.clock_ms = 5_000
    client.connection.data_received(client_frames.client_frame(Opcode.PONG))
    assert client.connection.heard_ms == 5_000


def test_B47_an_unknown_type_is_answered_twice_and_closed_the_third_time() -> None:
    client, sessions = a_client()
    for _ in range(TOLERATED_UNKNOWN_MESSAGES):
        client.says(DANCE)
        [error] = client.messages()
        assert (error["type"], error["code"]) == ("error", 4400)
        assert client.connection.is_open
    client.says(DANCE)
    written = client.transport.received()
    assert [message["type"] for message in messages(written)] == ["error"]
    assert close_code(written) == 4400
    assert sessions.ended_ids == [client.connection.id]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(client_frames.text(b""), 4400, id="B43"),
        pytest.param(client_frames.text(b"[]"), 4400, id="B44"),
        pytest.param(client_frames.text(b'{"type":"ack","positions":{"*":"0-0"}}'), 4400, id="B55"),
        pytest.param(client_frames.text(b'{"type":"ack","positions":{"a":"1"}}'), 4400, id="B56"),
        pytest.param(client_frames.client_frame(Opcode.BINARY, b"x"), 1003, id="B42"),
        pytest.param(
            client_frames.client_frame(Opcode.TEXT, PING, is_masked=False), 1002, id="B26"
        ),
        pytest.param(client_frames.text(b"\xff"), 1007, id="B31"),
        pytest.param(client_frames.client_frame(Opcode.TEXT, declared_bytes=2**62), 1009, id="B33"),
    ],
)
def test_what_may_not_be_sent_ends_the_connection_with_its_code(sent: bytes, code: int) -> None:
    client, sessions = a_client()
    client.connection.data_received(sent)
    assert close_code(client.transport.received()) == code
    assert not client.connection.is_open
    assert sessions.ended_ids == [client.connection.id]


def test_an_error_that_a_message_raises_ends_the_connection_with_it() -> None:
    client, sessions = a_client()
    sessions.refusal = Forbidden("another user's token")
    client.says(PING)
    written = client.transport.received()
    [error] = messages(written)
    assert (error["code"], error["name"], close_code(written)) == (4403, "forbidden", 4403)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(client_frames.text(PING), id="B51"),
        pytest.param(client_frames.client_frame(Opcode.PING), id="B52"),
        pytest.param(client_frames.client_frame(Opcode.PONG), id="B52-pongs"),
        pytest.param(client_frames.text(b'{"type":"auth","token":"x"}'), id="B50"),
    ],
)
def test_too_many_frames_are_told_and_closed(frame: bytes) -> None:
    client, sessions = a_client(rate=RateLimit(per_s=20, burst=40))
    for _ in range(40):
        client.connection.data_received(frame)
    assert client.connection.is_open
    sessions.clock_ms = 49
    client.connection.data_received(frame)
    written = client.transport.received_in_full()
    error = messages(written)[-1]
    assert (error["code"], error["name"], error["retryAfterMs"]) == (4429, "rate_limited", 1_000)
    assert close_code(written) == 4429


def test_B51_who_keeps_to_the_rate_is_never_closed() -> None:
    client, sessions = a_client(rate=RateLimit(per_s=20, burst=2))
    for number in range(200):
        sessions.clock_ms = number * 50
        client.says(PING)
    assert len(sessions.messages) == 200


def test_B52_a_flood_in_one_read_is_acted_on_no_further_than_the_limit() -> None:
    client, sessions = a_client(rate=RateLimit(per_s=20, burst=40))
    client.connection.data_received(client_frames.text(PING) * 1_000)
    assert len(sessions.messages) == 40
    assert close_code(client.transport.received()) == 4429


def test_B38_after_our_close_only_the_clients_own_close_counts() -> None:
    client, sessions = a_client()
    client.connection.close(Unauthorized("expired"))
    client.transport.received()
    client.says(PING)
    client.connection.data_received(client_frames.client_frame(Opcode.PING))
    assert sessions.messages == []
    assert client.transport.received() == b""
    assert not client.transport.is_closing()
    client.connection.data_received(client_frames.close(4401))
    assert client.transport.is_closing()


def test_a_close_without_an_answer_is_looked_at_again_after_a_grace() -> None:
    client, sessions = a_client()
    sessions.clock_ms = 1_000
    client.connection.close(Unauthorized("expired"))
    assert sessions.due == [(client.connection.id, 1_000 + CLOSE_GRACE_MS)]


@pytest.mark.parametrize(
    ("frame", "answer"),
    [(client_frames.close(1000, b"bye"), 1000), (client_frames.client_frame(Opcode.CLOSE), None)],
)
def test_a_close_of_the_client_is_echoed_and_ends_the_connection(
    frame: bytes, answer: int | None
) -> None:
    client, sessions = a_client()
    client.connection.data_received(frame)
    [(opcode, payload)] = split_frames(client.transport.received())
    assert opcode == Opcode.CLOSE
    assert payload == (b"" if answer is None else answer.to_bytes(2, "big"))
    assert client.transport.is_closing()
    assert sessions.ended_ids == [client.connection.id]


def test_closing_twice_says_one_close() -> None:
    client, sessions = a_client()
    client.connection.close(RateLimited("once"))
    client.connection.close(Forbidden("twice"))
    client.connection.abort()
    client.transport.lose()
    assert close_code(client.transport.received()) == 4429
    assert sessions.ended_ids == [client.connection.id]


def test_after_the_end_nothing_is_sent() -> None:
    client, _ = a_client()
    client.connection.close(Forbidden("revoked"))
    client.transport.received()
    client.connection.send(b"{}")
    assert client.transport.received() == b""


def test_a_lost_connection_ends_once() -> None:
    client, sessions = a_client()
    client.transport.lose()
    client.connection.connection_lost(None)
    assert sessions.ended_ids == [client.connection.id]
    assert client.connection.phase is SessionPhase.CLOSED


def test_B62_more_unsent_than_the_hard_limit_aborts() -> None:
    client, sessions = a_client(hard_limit_bytes=100_000)
    client.connection.write(b"x" * 1_000_000)
    client.connection.write(b"x" * 100_000)
    assert client.connection.is_open
    client.connection.write(b"x")
    assert client.transport.is_aborted
    assert sessions.ended_ids == [client.connection.id]
    assert client.connection.writer.lanes is None, (
        "the timer wheel holds an ended connection for a while"
    )
    client.connection.send(b"{}")


def test_a_close_that_overruns_the_limit_still_ends_the_connection_once() -> None:
    client, sessions = a_client(hard_limit_bytes=400_000)
    client.connection.write(b"x" * 400_000)
    client.connection.write(b"x" * 400_000)
    assert client.connection.is_open
    client.connection.close(Forbidden("revoked"))
    assert client.transport.is_aborted
    assert sessions.ended_ids == [client.connection.id]


def test_a_close_goes_before_what_waits_and_nothing_but_control_is_sent_with_it() -> None:
    client, _ = a_client()
    client.connection.write(SPACES)
    place = ReplayPoint(ZERO, ZERO)
    client.connection.queue(Queued(text_frame(b'{"type":"batch"}'), 0, Tier.HIGH, TASKS, place))
    client.connection.close(Forbidden("revoked"))
    written = client.transport.received_in_full().removeprefix(SPACES)
    assert [message["type"] for message in messages(written)] == ["error"]
    assert close_code(written) == 4403


def test_B62_a_close_makes_room_for_itself() -> None:
    client, _ = a_client(hard_limit_bytes=600_000)
    client.connection.write(SPACES)
    place = ReplayPoint(ZERO, ZERO)
    client.connection.queue(Queued(text_frame(b"x" * 599_900), 0, Tier.HIGH, TASKS, place))
    client.connection.close(SlowConsumer("too slow"))
    assert not client.transport.is_aborted
    assert client.connection.writer.lanes is not None
    assert client.connection.writer.lanes.used_bytes < 1_000
    written = client.transport.received_in_full().removeprefix(SPACES)
    assert close_code(written) == 4410


def test_falling_behind_is_reported_once_until_all_is_written() -> None:
    client, sessions = a_client()
    client.connection.write(SPACES)
    client.connection.write(SPACES)
    assert sessions.behind_ids == [client.connection.id]
    client.transport.received_in_full()
    client.connection.write(SPACES)
    assert sessions.behind_ids == [client.connection.id] * 2


def test_being_behind_follows_the_transport() -> None:
    client, _ = a_client()
    seen = [client.connection.writer.is_behind]
    client.connection.write(b"x" * 500_000)
    seen.append(client.connection.writer.is_behind)
    client.transport.received_in_full()
    seen.append(client.connection.writer.is_behind)
    assert seen == [False, True, False]


def test_a_client_that_answers_before_hello_is_heard() -> None:
    client, sessions = a_client()
    assert client.connection.phase is SessionPhase.JOINING
    client.says(PING)
    client.connection.advance(SessionInput.HELLO)
    client.says(PING)
    assert len(sessions.messages) == 2
