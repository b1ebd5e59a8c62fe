"""The head of a frame from a client, and the rules that need nothing else.

They are checked before the payload arrives, so a hostile length is refused at the cost of
its digits and nothing is set aside for it.

A data frame may spell its length longer than necessary. RFC 6455 §5.2 forbids that to the
sender, but the length stays unambiguous and under the same limits, so refusing would
protect no one. A control frame may not: past 125 in the short form it is too long.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from gateway.websocket.events import PROTOCOL_ERROR, Violation


class Opcode(IntEnum):
    """What a frame is. From CLOSE on they are control frames."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


MAX_CONTROL_BYTES: Final = 125
"""RFC 6455, 5.5."""

MASK_KEY_BYTES: Final = 4
"""RFC 6455, 5.3."""

_KNOWN_OPCODES: Final = frozenset(int(opcode) for opcode in Opcode)
_FINAL_BIT: Final = 0x80
_RESERVED_BITS: Final = 0x70
_MASK_BIT: Final = 0x80
# The short length that announces a longer one -> how many bytes that one has.
_EXTENDED_LENGTH_BYTES: Final = {126: 2, 127: 8}


class FrameHeader(NamedTuple):
    """A head that breaks no rule by itself. Its mask key and payload may be yet to come."""

    opcode: int
    is_final: bool
    key_start: int
    payload_bytes: int

    @property
    def is_control(self) -> bool:
        """Whether the frame may stand between the fragments of a message."""
        return self.opcode >= Opcode.CLOSE

    @property
    def payload_start(self) -> int:
        """Where the masked payload begins."""
        return self.key_start + MASK_KEY_BYTES

    @property
    def end(self) -> int:
        """Where the next frame begins."""
        return self.payload_start + self.payload_bytes


def read_header(stream: bytes | bytearray, start: int) -> FrameHeader | Violation | None:
    """Read the head at `start`; None until its length has arrived in full."""
    if len(stream) < start + 2:
        return None
    flaw = _flaw(stream[start], stream[start + 1])
    if flaw is not None:
        return Violation(PROTOCOL_ERROR, flaw)
    length = stream[start + 1] & ~_MASK_BIT
    key_start = start + 2
    if length in _EXTENDED_LENGTH_BYTES:
        key_start += _EXTENDED_LENGTH_BYTES[length]
        if len(stream) < key_start:
            return None
        length = int.from_bytes(stream[start + 2 : key_start], "big")
    return FrameHeader(
        opcode=stream[start] & 0x0F,
        is_final=bool(stream[start] & _FINAL_BIT),
        key_start=key_start,
        payload_bytes=length,
    )


def _flaw(first: int, second: int) -> str | None:
    """Return what is wrong with the two bytes that every frame begins with."""
    if first & _RESERVED_BITS:
        # They mean what an extension says, and we negotiate none.
        return "reserved bits are set"
    opcode = first & 0x0F
    if opcode not in _KNOWN_OPCODES:
        return f"unknown opcode {opcode}"
    if not second & _MASK_BIT:
        return "frame is not masked"
    if opcode >= Opcode.CLOSE:
        if not first & _FINAL_BIT:
            return "control frame is fragmented"
        if second & ~_MASK_BIT > MAX_CONTROL_BYTES:
            return f"control frame is longer than {MAX_CONTROL_BYTES} bytes"
    return None
