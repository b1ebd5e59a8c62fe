"""What a gateway has written to a socket, taken apart again."""

import json
from typing import Any

from fanwire.core.position import ZERO, Position, parse_position
from gateway.websocket.header import Opcode


def split_frames(written: bytes) -> list[tuple[int, bytes]]:
    """Return opcode and payload of each frame; fails on half a frame at the end."""
    frames: list[tuple[int, bytes]] = []
    while written:
        assert len(written) >= 2, "half a frame header was written"
        start, length = 2, written[1]
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(written[2:start], "big")
        assert len(written) >= start + length, "half a frame was written"
        frames.append((written[0] & 0x0F, written[start : start + length]))
        written = written[start + length :]
    return frames


def messages(written: bytes) -> list[dict[str, Any]]:
    """Return the text messages, in order."""
    return [
        json.loads(payload) for opcode, payload in split_frames(written) if opcode == Opcode.TEXT
    ]


def types(written: bytes) -> list[str]:
    """Return the types of the text messages, in order."""
    return [message["type"] for message in messages(written)]


def close_code(written: bytes) -> int | None:
    """Return the code of the close frame that ends `written`, None if there is none."""
    opcode, payload = split_frames(written)[-1] if written else (Opcode.TEXT, b"")
    return int.from_bytes(payload[:2], "big") if opcode == Opcode.CLOSE else None


class Reader:
    """A client that follows one service by the rules of the contract, and fails on a hole."""

    def __init__(self, position: Position = ZERO) -> None:
        self.position = position
        self.seqs: list[int] = []
        """Of each event that was handed over."""
        self.resets: list[str] = []

    def take(self, written: bytes) -> None:
        """Act on what was written to its socket."""
        for message in messages(written):
            self.take_message(message)

    def take_message(self, message: dict[str, Any]) -> None:
        """Act on one message of the service."""
        match message["type"]:
            case "batch":
                self._take_batch(message)
            case "reset":
                self.resets.append(message["reason"])
                self.position = parse_position(message["position"])
            case "heartbeat":
                for head in message["positions"].values():
                    self.position = max(self.position, parse_position(head))
            case _:
                pass

    def _take_batch(self, message: dict[str, Any]) -> None:
        position, prev = parse_position(message["position"]), parse_position(message["prev"])
        if position <= self.position:
            return
        assert prev <= self.position, f"a hole: {prev} follows {self.position}"
        self.seqs += [event["seq"] for event in message["events"]]
        self.position = position
