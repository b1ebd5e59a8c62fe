"""Frames as a client sends them, and as a hostile client would."""

from gateway.websocket.header import Opcode

_KEY = bytes.fromhex("37fa213d")


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    is_final: bool = True,
    reserved_bits: int = 0,
    is_masked: bool = True,
    key: bytes = _KEY,
    declared_bytes: int | None = None,
    length_form: int | None = None,
) -> bytes:
    """Return the bytes of one frame.

    `reserved_bits` are given in place (0x40, 0x20, 0x10), `declared_bytes` lies about the
    length, and `length_form` (7, 16 or 64 bits) spells it longer than necessary.
    """
    head = (0x80 if is_final else 0) | reserved_bits | opcode
    length = len(payload) if declared_bytes is None else declared_bytes
    spelled = _spelled_length(length, length_form or _shortest_form(length))
    if not is_masked:
        return bytes([head]) + spelled + payload
    return bytes([head, spelled[0] | 0x80]) + spelled[1:] + key + _masked(payload, key)


def text(payload: bytes, *, is_final: bool = True) -> bytes:
    """Return a text frame, or the first fragment of a text message."""
    return client_frame(Opcode.TEXT, payload, is_final=is_final)


def continuation(payload: bytes, *, is_final: bool = False) -> bytes:
    """Return a further fragment."""
    return client_frame(Opcode.CONTINUATION, payload, is_final=is_final)


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a close frame; the reason may be any bytes."""
    return client_frame(Opcode.CLOSE, code.to_bytes(2, "big") + reason)


def _masked(payload: bytes, key: bytes) -> bytes:
    # Byte by byte, unlike the parser, so that the two cannot share a mistake.
    return bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


def _shortest_form(length: int) -> int:
    if length < 126:
        return 7
    return 16 if length < 65536 else 64


def _spelled_length(length: int, form: int) -> bytes:
    if form == 7:
        return bytes([length])
    if form == 16:
        return b"\x7e" + length.to_bytes(2, "big")
    return b"\x7f" + length.to_bytes(8, "big")
