"""The frames that the gateway sends: unmasked, never fragmented, without extensions.

Every frame is exact `bytes`: one frame is written to thousands of transports, and they
keep `bytes` by reference where they would copy anything else.
"""

from collections.abc import Iterator
from typing import Final

from gateway.websocket.events import NO_STATUS
from gateway.websocket.header import MAX_CONTROL_BYTES, Opcode

_FINAL_BIT: Final = 0x80
"""RFC 6455, 5.2."""

_FINAL_TEXT: Final = bytes([_FINAL_BIT | Opcode.TEXT])

_CLOSE_CODE_BYTES: Final = 2
"""RFC 6455, 5.5.1."""

_MAX_REASON_BYTES: Final = MAX_CONTROL_BYTES - _CLOSE_CODE_BYTES


def text_header(payload_bytes: int) -> bytes:
    """Return the 2, 4 or 10 bytes that go before a text payload of this length."""
    if payload_bytes < 126:
        return _FINAL_TEXT + payload_bytes.to_bytes(1, "big")
    if payload_bytes < 65536:
        return _FINAL_TEXT + b"\x7e" + payload_bytes.to_bytes(2, "big")
    return _FINAL_TEXT + b"\x7f" + payload_bytes.to_bytes(8, "big")


def text_frame(body: bytes) -> bytes:
    """Return the frame of a text message; `body` is UTF-8."""
    return text_header(len(body)) + body


def payload_spans(frames: bytes) -> Iterator[tuple[int, int]]:
    """Return where the payload of each of these own frames begins and ends."""
    end = 0
    while end < len(frames):
        length, start = frames[end + 1], end + 2
        if length >= 126:
            width = 2 if length == 126 else 8
            length = int.from_bytes(frames[start : start + width], "big")
            start += width
        end = start + length
        yield start, end


def ping_frame(payload: bytes = b"") -> bytes:
    """Return a ping; its pong will bear the same payload."""
    return _control_frame(Opcode.PING, payload)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping with this payload."""
    return _control_frame(Opcode.PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """Return a close; a long reason is cut between two characters.

    NO_STATUS gives the frame without code or reason, which is how it travels, so the code
    of a `Close` can be echoed as it is.
    """
    if code == NO_STATUS:
        return _control_frame(Opcode.CLOSE, b"")
    # Cutting may halve the last character; decoding leaves the half out.
    shown = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
    return _control_frame(Opcode.CLOSE, code.to_bytes(_CLOSE_CODE_BYTES, "big") + shown.encode())


def _control_frame(opcode: Opcode, payload: bytes) -> bytes:
    if len(payload) > MAX_CONTROL_BYTES:
        raise ValueError(
            f"{opcode.name.lower()} of {len(payload)} bytes exceeds {MAX_CONTROL_BYTES}"
        )
    return bytes([_FINAL_BIT | opcode, len(payload)]) + payload
