"""The bytes of each outbound frame, and that two other parsers read them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from gateway.websocket.writer import (
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
    text_header,
)


def read_back(sent: bytes) -> Frame:
    """Return the frame as a client of the `websockets` package receives it."""
    client = Protocol(CLIENT, state=OPEN, max_size=None)
    client.receive_data(sent)
    (frame,) = client.events_received()
    assert isinstance(frame, Frame)
    assert client.parser_exc is None
    return frame


@pytest.mark.parametrize(
    ("payload_bytes", "header"),
    [
        (0, "8100"),
        (125, "817d"),
        (126, "817e007e"),
        (65535, "817effff"),
        (65536, "817f0000000000010000"),
    ],
)
def test_a_header_uses_the_shortest_form(payload_bytes: int, header: str) -> None:
    assert text_header(payload_bytes).hex() == header


@given(body=st.text().map(str.encode))
def test_a_client_reads_the_text_that_was_written(body: bytes) -> None:
    frame = read_back(text_frame(body))
    assert (frame.opcode, frame.fin, frame.data) == (Opcode.TEXT, True, body)


def test_a_client_reads_a_text_beyond_65535_bytes() -> None:
    assert read_back(text_frame(b"a" * 65536)).data == b"a" * 65536


def test_a_frame_is_exact_bytes() -> None:
    frames = [text_frame(b"a"), ping_frame(), pong_frame(b""), close_frame(1000)]
    assert [type(frame) for frame in frames] == [bytes] * 4


@given(payload=st.binary(max_size=125))
def test_a_client_reads_pings_and_pongs(payload: bytes) -> None:
    ping, pong = read_back(ping_frame(payload)), read_back(pong_frame(payload))
    assert (ping.opcode, ping.data) == (Opcode.PING, payload)
    assert (pong.opcode, pong.data) == (Opcode.PONG, payload)


def test_a_control_payload_beyond_125_bytes_is_a_misuse() -> None:
    assert len(ping_frame(b"a" * 125)) == 127
    with pytest.raises(ValueError, match="ping of 126 bytes exceeds 125"):
        ping_frame(b"a" * 126)


@pytest.mark.parametrize(
    ("reason", "kept"), [("a" * 124, "a" * 123), ("é" * 62, "é" * 61), ("€" * 42, "€" * 41)]
)
def test_a_long_close_reason_is_cut_between_characters(reason: str, kept: str) -> None:
    assert close_frame(4400, reason) == close_frame(4400, kept)
    assert Close.parse(read_back(close_frame(4400, kept)).data) == Close(4400, kept)


@given(code=st.sampled_from([1000, 1012, 4400, 4999]), reason=st.text(max_size=30))
def test_a_client_reads_the_close_that_was_written(code: int, reason: str) -> None:
    assert Close.parse(read_back(close_frame(code, reason)).data) == Close(code, reason)


def test_a_close_without_status_has_no_payload() -> None:
    assert close_frame(1005, "unsaid") == b"\x88\x00"
