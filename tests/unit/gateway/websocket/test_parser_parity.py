"""The parser against that of the `websockets` package, on valid, forged and damaged frames.

Theirs leaves it to its caller to join fragments and decode text; `Reference` does so. Where
the two may differ is said in `is_known_difference`, and each case is a promise of ours.
"""

import logging
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Close as TheirClose
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import OPEN, SERVER, Protocol

from gateway.websocket.events import (
    BinaryMessage,
    Close,
    FrameEvent,
    FrameLimits,
    Ping,
    Pong,
    TextMessage,
    Violation,
)
from gateway.websocket.parser import FrameParser
from tests.support.client_frames import client_frame, close

# Out of reach for what is drawn below, except by a forged length: near the limit, theirs
# counts a ping between two fragments to the message.
MAX_MESSAGE_BYTES = 2000
LIMITS = FrameLimits(max_message_bytes=MAX_MESSAGE_BYTES, max_fragments=1000, accepts_binary=True)

QUIET = logging.getLogger("tests.parity")
QUIET.disabled = True

TEXTS = st.text(max_size=40).map(str.encode)
KEYS = st.binary(min_size=4, max_size=4)
CONTROL_FRAMES = st.builds(
    client_frame, st.sampled_from([9, 10]), st.binary(max_size=125), key=KEYS
)
CLOSES = st.builds(close, st.one_of(st.integers(990, 1020), st.integers(2990, 5010)), TEXTS)
FORGED_FRAMES = st.builds(
    client_frame,
    st.sampled_from([0, 1, 2, 8, 9, 10] * 3 + [3, 11]),
    st.one_of(st.binary(max_size=130), TEXTS),
    is_final=st.booleans(),
    reserved_bits=st.sampled_from([0] * 20 + [0x40, 0x20, 0x10]),
    is_masked=st.sampled_from([True] * 20 + [False]),
    key=KEYS,
    declared_bytes=st.sampled_from([None] * 20 + [MAX_MESSAGE_BYTES + 1, 2**16, 2**63]),
)


@st.composite
def valid_messages(draw: st.DrawFn) -> bytes:
    """One message in up to four fragments, with control frames in between."""
    opcode = draw(st.sampled_from([1, 2]))
    payload = draw(TEXTS if opcode == 1 else st.binary(max_size=160))
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3))), len(payload)]
    stream = b""
    for index, start in enumerate(edges[:-1]):
        stream += b"".join(draw(st.lists(CONTROL_FRAMES, max_size=1)))
        stream += client_frame(
            opcode if index == 0 else 0,
            payload[start : edges[index + 1]],
            is_final=index == len(edges) - 2,
            key=draw(KEYS),
        )
    return stream


@st.composite
def damaged_streams(draw: st.DrawFn) -> bytes:
    """Frames good and bad in a row, with up to two bytes changed."""
    frames = st.one_of(valid_messages(), FORGED_FRAMES, CLOSES)
    stream = bytearray(b"".join(draw(st.lists(frames, min_size=1, max_size=5))))
    for _ in range(draw(st.integers(0, 2))):
        stream[draw(st.integers(0, len(stream) - 1))] ^= draw(st.integers(1, 255))
    return bytes(stream)


@given(stream=st.lists(valid_messages() | CONTROL_FRAMES, max_size=6).map(b"".join), ending=CLOSES)
def test_valid_streams_give_the_same_events(stream: bytes, ending: bytes) -> None:
    for sent in (stream, stream + ending):
        assert without_reasons(FrameParser(LIMITS).feed(sent)) == Reference().feed(sent)


@settings(max_examples=500)
@given(stream=damaged_streams())
def test_damaged_streams_fail_at_the_same_place_for_the_same_reason(stream: bytes) -> None:
    ours, theirs = FrameParser(LIMITS).feed(stream), Reference().feed(stream)
    if without_reasons(ours) != theirs:
        same_count = len(ours) - 1
        assert without_reasons(ours[:same_count]) == theirs[:same_count]
        assert is_known_difference(ours[same_count], theirs[same_count:])


def is_known_difference(our_last: FrameEvent, theirs: list[FrameEvent]) -> bool:
    """Whether ours may end with this where theirs goes on with that."""
    match our_last:
        case Close():
            # Between two fragments: a client may leave whenever it likes.
            return theirs == [Violation(1002, "")]
        case Violation(1007, _):
            # Ours judges a text by its fragments, theirs when it is whole.
            return all(isinstance(event, Ping | Pong | Violation) for event in theirs)
        case Violation(1002, "control frame is longer than 125 bytes"):
            # Ours wants the short form of the length, theirs a short length.
            return True
        case Violation(1002, reason) if reason.startswith("close code"):
            # Ours judges the code before the reason, theirs after it.
            return theirs == [Violation(1007, "")]
        case Violation():
            # Ours judges the head alone, theirs after the size, or when the frame is whole.
            return theirs in ([], [Violation(1009, "")])
        case _:
            return False


def without_reasons(events: list[FrameEvent]) -> list[FrameEvent]:
    return [
        Violation(event.close_code, "") if isinstance(event, Violation) else event
        for event in events
    ]


@dataclass
class Reference:
    """What a server on the other parser would hear."""

    message: bytes | None = None
    is_text: bool = False
    events: list[FrameEvent] = field(default_factory=list)

    def feed(self, stream: bytes) -> list[FrameEvent]:
        protocol = Protocol(SERVER, state=OPEN, max_size=MAX_MESSAGE_BYTES, logger=QUIET)
        protocol.receive_data(stream)
        for frame in protocol.events_received():
            assert isinstance(frame, Frame)
            self._take(frame.opcode, bytes(frame.data), is_final=frame.fin)
            if self.events[-1:] == [Violation(1007, "")]:
                return self.events
        if protocol.parser_exc is not None:
            self.events.append(Violation(_code_of(protocol.parser_exc), ""))
        return self.events

    def _take(self, opcode: TheirOpcode, payload: bytes, *, is_final: bool) -> None:
        match opcode:
            case TheirOpcode.PING:
                self.events.append(Ping(payload))
            case TheirOpcode.PONG:
                self.events.append(Pong(payload))
            case TheirOpcode.CLOSE:
                closed = TheirClose.parse(payload)
                self.events.append(Close(closed.code, closed.reason))
            case _:
                self._take_fragment(opcode, payload, is_final=is_final)

    def _take_fragment(self, opcode: TheirOpcode, payload: bytes, *, is_final: bool) -> None:
        if self.message is None:
            self.message = b""
            self.is_text = opcode is TheirOpcode.TEXT
        self.message += payload
        if is_final:
            self.events.append(_message(self.message, is_text=self.is_text))
            self.message = None


def _message(payload: bytes, *, is_text: bool) -> FrameEvent:
    if not is_text:
        return BinaryMessage(payload)
    try:
        payload.decode()
    except UnicodeDecodeError:
        return Violation(1007, "")
    return TextMessage(payload)


def _code_of(error: Exception) -> int:
    if isinstance(error, PayloadTooBig):
        return 1009
    return 1002 if isinstance(error, ProtocolError) else 1007
