"""The golden frames hold on the Python side: made, read and refused as the files say."""

import json
from typing import Any

import pytest

from fanwire.core.position import Position
from fanwire.errors import BadMessage, RateLimited
from fanwire.wire.decode import (
    AuthFrame,
    BatchFrame,
    DisabledFrame,
    DrainFrame,
    ErrorFrame,
    HeartbeatFrame,
    HelloFrame,
    QuarantineFrame,
    ResetFrame,
    ServerFrame,
    SubscriptionsFrame,
    UnknownFrame,
    decode_server_frame,
)
from fanwire.wire.delivered_event import DeliveredEvent
from fanwire.wire.encode import ServiceState
from gateway.connection.messages import UnknownType, parse_message
from tests.contract import golden_frames as made
from tests.contract.golden_frames import EPOCH, HEAD, golden, names

SERVER_FRAMES = names("server", valid=True)
CLIENT_FRAMES = names("client", valid=True)
BAD_CLIENT_FRAMES = names("client", valid=False)


def _text(frame: str | dict[str, Any]) -> bytes:
    """Return a frame's text; a deep one is spelled as its pattern, or its file would be huge."""
    if isinstance(frame, str):
        return frame.encode()
    opened = frame["open"] * frame["times"]
    closed = frame["close"] * frame["times"]
    return f"{frame['before']}{opened}{closed}{frame['after']}".encode()


def test_every_server_frame_file_is_made_by_an_encoder_or_listed_as_decoded_only() -> None:
    assert set(SERVER_FRAMES) == {*made.SERVER, *made.SERVER_ONLY_DECODED}
    assert names("server", valid=False) == []


@pytest.mark.parametrize("name", made.SERVER)
def test_the_encoders_reproduce_the_server_frames_byte_for_byte(name: str) -> None:
    assert made.SERVER[name].decode() == golden(name)["frame"]


@pytest.mark.parametrize("name", made.CLIENT)
def test_the_encoders_reproduce_the_client_frames_byte_for_byte(name: str) -> None:
    assert made.CLIENT[name].decode() == golden(name)["frame"]


@pytest.mark.parametrize("name", [*SERVER_FRAMES, *CLIENT_FRAMES])
def test_a_valid_frame_decodes_to_what_its_file_says_with_type_first(name: str) -> None:
    frame = golden(name)["frame"]
    assert json.loads(frame) == golden(name)["decoded"]
    assert next(iter(json.loads(frame))) == "type"


@pytest.mark.parametrize("name", SERVER_FRAMES)
def test_a_client_reads_every_server_frame(name: str) -> None:
    decoded = decode_server_frame(golden(name)["frame"].encode())
    unknown = name == "server_of_a_newer_version"
    assert isinstance(decoded, UnknownFrame) == unknown


READ: dict[str, ServerFrame] = {
    "server_hello_resumed": HelloFrame(
        connection_id="k7Qm2vR8",
        node="gw-1",
        version=7,
        property_id="p9",
        heartbeat_ms=25000,
        token_expires_at_ms=1795420000000,
        services=(
            ServiceState("tasks", "high", HEAD, recovered=True, replayed=3),
            ServiceState("analytics", "low", Position(EPOCH, 57), recovered=False, replayed=0),
        ),
        limits=made.LIMITS,
    ),
    "server_batch_one_event": BatchFrame(
        service="tasks",
        prev=HEAD,
        position=Position(EPOCH, 43),
        sent_at_ms=EPOCH + 123,
        trace=None,
        events=(
            DeliveredEvent("tasks", Position(EPOCH, 43), "closed on Monday", ts_ms=EPOCH + 120),
        ),
    ),
    "server_batch_merged": BatchFrame(
        service="tasks",
        prev=HEAD,
        position=Position(EPOCH, 45),
        sent_at_ms=EPOCH + 123,
        trace=None,
        events=(
            DeliveredEvent("tasks", Position(EPOCH, 44), "closed on Monday", ts_ms=EPOCH + 120),
            DeliveredEvent(
                "tasks",
                Position(EPOCH, 45),
                {"title": "Sink fixed"},
                ts_ms=EPOCH + 130,
                type="task.updated",
                entity_type="task",
                entity_id="42",
                event_id="7f3d",
                property_id="p9",
            ),
        ),
        conflated=1,
    ),
    "server_subscriptions": SubscriptionsFrame(
        8, None, (ServiceState("users", "high", Position(EPOCH, 7)),)
    ),
    "server_subscriptions_under_way": SubscriptionsFrame(
        10, None, (ServiceState("analytics", "low"), ServiceState("users", "high", HEAD))
    ),
    "server_subscriptions_empty": SubscriptionsFrame(9, "p9", ()),
    "server_reset_expired": ResetFrame("tasks", "expired", Position(EPOCH, 57)),
    "server_heartbeat": HeartbeatFrame({"tasks": Position(EPOCH, 57)}),
    "server_heartbeat_quiet": HeartbeatFrame({}),
    "server_auth": AuthFrame(1795420000000),
    "server_drain": DrainFrame(1500),
    "server_quarantine_entered": QuarantineFrame(
        entered=True, services=("analytics", "dashboard"), until_ms=1795419546000
    ),
    "server_quarantine_cleared": QuarantineFrame(
        entered=False, services=("analytics", "dashboard"), until_ms=None
    ),
    "server_disabled": DisabledFrame(("analytics",), 30000),
    "server_of_a_newer_version": UnknownFrame("confetti"),
}


@pytest.mark.parametrize("name", READ)
def test_what_a_client_reads_in_a_server_frame(name: str) -> None:
    assert decode_server_frame(golden(name)["frame"].encode()) == READ[name]


def test_an_error_frame_becomes_the_servers_exception() -> None:
    notice = decode_server_frame(golden("server_error_retry")["frame"].encode())
    assert isinstance(notice, ErrorFrame)
    assert isinstance(notice.error, RateLimited)
    assert (str(notice.error), notice.error.retry_after_ms) == ("20 messages/s", 250)


def test_the_bytes_of_data_are_those_of_the_publisher() -> None:
    batch = decode_server_frame(golden("server_batch_bytes_kept")["frame"].encode())
    assert isinstance(batch, BatchFrame)
    written = made.ODD.tail.partition(b',"data":')[2][:-1]
    assert batch.events[0].data_bytes == written


@pytest.mark.parametrize("name", CLIENT_FRAMES)
def test_a_gateway_reads_every_valid_client_frame(name: str) -> None:
    message = parse_message(golden(name)["frame"].encode())
    assert type(message).__name__.removesuffix("Message").lower() == golden(name)["decoded"]["type"]


@pytest.mark.parametrize("name", BAD_CLIENT_FRAMES)
def test_a_gateway_refuses_the_bad_client_frames(name: str) -> None:
    content = golden(name)
    with pytest.raises(BadMessage) as caught:
        parse_message(_text(content["frame"]))
    error = caught.value
    assert (error.code, error.name) == (content["close"]["code"], content["close"]["name"])
    # An unknown type is forgiven twice; anything else ends the connection at once.
    assert isinstance(error, UnknownType) == (content["close"]["after"] == 3)


@pytest.mark.parametrize("text", [b"", b"[1]", b"null", b"7", b'{"type":"batch"}', b'{"type":'])
def test_a_broken_server_frame_is_a_bad_message(text: bytes) -> None:
    with pytest.raises(BadMessage):
        decode_server_frame(text)
