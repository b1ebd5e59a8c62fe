"""Any stream, however it is split: the same events, within the same bounds."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.websocket.events import (
    BinaryMessage,
    Close,
    FrameEvent,
    FrameLimits,
    TextMessage,
    Violation,
)
from gateway.websocket.header import Opcode
from gateway.websocket.parser import FrameParser
from tests.support.client_frames import client_frame, close, continuation, text

LIMITS = FrameLimits(max_message_bytes=200, max_fragments=4, accepts_binary=True)
LONGEST_HEAD_BYTES = 14

KEYS = st.binary(min_size=4, max_size=4)
ANY_TEXT = st.text(max_size=90).map(str.encode)
ANY_FRAMES = st.builds(
    client_frame,
    st.sampled_from([0, 0, 1, 1, 2, 8, 9, 10, 3]),
    st.one_of(st.binary(max_size=12), ANY_TEXT),
    is_final=st.booleans(),
    reserved_bits=st.sampled_from([0] * 9 + [0x40]),
    is_masked=st.sampled_from([True] * 9 + [False]),
    key=KEYS,
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Streams of frames, whole or cut short, now and then with a byte changed."""
    stream = bytearray(b"".join(draw(st.lists(ANY_FRAMES, max_size=6))))
    if stream and draw(st.booleans()):
        stream[draw(st.integers(0, len(stream) - 1))] ^= draw(st.integers(1, 255))
    return bytes(stream[: draw(st.integers(0, len(stream)))] if draw(st.booleans()) else stream)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


@given(stream=streams(), cuts=st.lists(st.integers(0, 80), max_size=8))
def test_the_events_do_not_depend_on_how_the_stream_is_split(
    stream: bytes, cuts: list[int]
) -> None:
    whole = FrameParser(LIMITS).feed(stream)
    parser = FrameParser(LIMITS)
    assert [event for piece in pieces(stream, cuts) for event in parser.feed(piece)] == whole
    parser = FrameParser(LIMITS)
    assert [event for byte in stream for event in parser.feed(bytes([byte]))] == whole


@given(stream=streams())
def test_what_is_kept_stays_within_the_limits(stream: bytes) -> None:
    parser = FrameParser(LIMITS)
    for byte in stream:
        parser.feed(bytes([byte]))
        kept_bytes = len(parser._unparsed or b"")
        partial_bytes = len(parser._partial) if parser._partial is not None else 0
        assert kept_bytes + partial_bytes < LIMITS.max_message_bytes + LONGEST_HEAD_BYTES


@given(stream=st.binary(max_size=300))
def test_no_bytes_raise_and_no_message_breaks_its_promise(stream: bytes) -> None:
    for event in FrameParser(LIMITS).feed(stream):
        if isinstance(event, TextMessage | BinaryMessage):
            assert len(event.payload) <= LIMITS.max_message_bytes
        if isinstance(event, TextMessage):
            event.payload.decode()


@given(payload=st.binary(max_size=400), key=KEYS)
def test_masking_is_undone(payload: bytes, key: bytes) -> None:
    parser = FrameParser(FrameLimits(accepts_binary=True))
    frame = client_frame(Opcode.BINARY, payload, key=key)
    assert parser.feed(frame) == [BinaryMessage(payload)]


@given(payload=st.one_of(st.binary(max_size=20), ANY_TEXT), cut=st.integers(0, 20))
def test_text_is_accepted_exactly_if_it_decodes(payload: bytes, cut: int) -> None:
    fragments = text(payload[:cut], is_final=False) + continuation(payload[cut:], is_final=True)
    for stream in (text(payload), fragments):
        assert FrameParser().feed(stream) == [expected_of(payload)]


def expected_of(payload: bytes) -> FrameEvent:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return Violation(1007, "text is not UTF-8")
    return TextMessage(payload)


@given(before=streams(), after=streams())
def test_a_close_ends_every_stream(before: bytes, after: bytes) -> None:
    parser = FrameParser(LIMITS)
    events = parser.feed(before + close(1000) + after)
    assert not any(isinstance(event, Close | Violation) for event in events[:-1])
