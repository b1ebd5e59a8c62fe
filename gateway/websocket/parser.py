"""Bytes from a client in, events out: the server's half of RFC 6455, without extensions.

Pure, so that every split of every stream can be tried. What is kept between two calls is
at most one unfinished frame and one unfinished message; both are bounded by the limits
before a byte of them is stored, and both are None while the client is quiet, because ten
thousand quiet connections are the normal case.

Nothing is parsed after a close or a violation: a client may still have frames under way,
and they must neither be acted upon nor be answered by a second close.

Rejected: the parser of the `websockets` package. It costs a generator, a stream reader and
a logger for each connection, and refuses a close between two fragments.
"""

from typing import Final

from gateway.websocket.events import (
    INVALID_TEXT,
    NO_STATUS,
    PROTOCOL_ERROR,
    TOO_BIG,
    UNSUPPORTED_PAYLOAD,
    BinaryMessage,
    Close,
    FrameEvent,
    FrameLimits,
    Ping,
    Pong,
    TextMessage,
    Violation,
)
from gateway.websocket.header import FrameHeader, Opcode, read_header
from gateway.websocket.partial_message import PartialMessage

_DEFAULT_LIMITS: Final = FrameLimits()


class FrameParser:
    """The inbound frames of one connection."""

    __slots__ = ("_is_over", "_limits", "_partial", "_unparsed")

    def __init__(self, limits: FrameLimits = _DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._unparsed: bytearray | None = None
        self._partial: PartialMessage | None = None
        self._is_over = False

    @property
    def held_bytes(self) -> int:
        """Bytes of a message that is not complete yet."""
        unparsed = 0 if self._unparsed is None else len(self._unparsed)
        return unparsed + (0 if self._partial is None else len(self._partial))

    def feed(self, received: bytes) -> list[FrameEvent]:
        """Return what `received` completes, in order.

        A Close or a Violation is the last event ever; what follows is ignored.
        """
        events: list[FrameEvent] = []
        stream = self._with_unparsed(received)
        parsed = 0
        while not self._is_over:
            header = self._admit(stream, parsed)
            if isinstance(header, Violation):
                events.append(self._last(header))
            elif header is None or header.end > len(stream):
                break
            else:
                events += self._accept(header, _payload(stream, header))
                parsed = header.end
        self._keep(stream, parsed)
        return events

    def _with_unparsed(self, received: bytes) -> bytes | bytearray:
        if self._unparsed is None:
            return received
        # In place: a copy for each of many tiny reads would cost the square of the frame.
        self._unparsed += received
        return self._unparsed

    def _keep(self, stream: bytes | bytearray, parsed: int) -> None:
        if self._is_over or parsed == len(stream):
            self._unparsed = None
        elif stream is self._unparsed:
            del self._unparsed[:parsed]
        else:
            self._unparsed = bytearray(stream[parsed:])

    def _admit(self, stream: bytes | bytearray, start: int) -> FrameHeader | Violation | None:
        """Read the next head and judge it, before its payload is waited for."""
        header = read_header(stream, start)
        if isinstance(header, FrameHeader) and not header.is_control:
            return self._refusal(header) or header
        return header

    def _refusal(self, header: FrameHeader) -> Violation | None:
        """Return why this data frame may not come now."""
        partial = self._partial
        if partial is None and header.opcode == Opcode.CONTINUATION:
            return Violation(PROTOCOL_ERROR, "continuation of no message")
        if partial is not None and header.opcode != Opcode.CONTINUATION:
            return Violation(PROTOCOL_ERROR, "new message inside a fragmented one")
        if header.opcode == Opcode.BINARY and not self._limits.accepts_binary:
            return Violation(UNSUPPORTED_PAYLOAD, "binary messages are not accepted")
        return self._excess(header, partial)

    def _excess(self, header: FrameHeader, partial: PartialMessage | None) -> Violation | None:
        limits = self._limits
        so_far_bytes = len(partial) if partial is not None else 0
        if so_far_bytes + header.payload_bytes > limits.max_message_bytes:
            return Violation(TOO_BIG, f"message is longer than {limits.max_message_bytes} bytes")
        # Empty fragments add no bytes and complete no message, so only their count ends them.
        if partial is not None and partial.fragment_count >= limits.max_fragments:
            return Violation(TOO_BIG, f"message has more than {limits.max_fragments} fragments")
        return None

    def _accept(self, header: FrameHeader, payload: bytes) -> list[FrameEvent]:
        match header.opcode:
            case Opcode.PING:
                return [Ping(payload)]
            case Opcode.PONG:
                return [Pong(payload)]
            case Opcode.CLOSE:
                return [self._last(_close(payload))]
            case _:
                return self._add_fragment(header, payload)

    def _add_fragment(self, header: FrameHeader, payload: bytes) -> list[FrameEvent]:
        partial = self._partial
        if partial is None:
            partial = PartialMessage(is_text=header.opcode == Opcode.TEXT)
        if not partial.add(payload, is_final=header.is_final):
            return [self._last(Violation(INVALID_TEXT, "text is not UTF-8"))]
        if not header.is_final:
            self._partial = partial
            return []
        self._partial = None
        return [(TextMessage if partial.is_text else BinaryMessage)(bytes(partial))]

    def _last(self, event: Close | Violation) -> Close | Violation:
        self._is_over = True
        self._partial = None
        return event


def _payload(stream: bytes | bytearray, header: FrameHeader) -> bytes:
    key = stream[header.key_start : header.payload_start]
    masked = stream[header.payload_start : header.end]
    size = len(masked)
    # One xor of two long integers: a loop over the bytes would be a hundred times slower.
    key_stream = (key * (size // len(key) + 1))[:size]
    plain = int.from_bytes(masked, "little") ^ int.from_bytes(key_stream, "little")
    return plain.to_bytes(size, "little")


def _close(payload: bytes) -> Close | Violation:
    if not payload:
        return Close(NO_STATUS, "")
    # Half a code, a single byte, reads as a number below 256: not allowed either.
    code = int.from_bytes(payload[:2], "big")
    if not _may_travel(code):
        return Violation(PROTOCOL_ERROR, f"close code {code} is not allowed")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        return Violation(INVALID_TEXT, "close reason is not UTF-8")


def _may_travel(code: int) -> bool:
    """Whether an endpoint may send the code (RFC 6455 §7.4 and the IANA registry)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
