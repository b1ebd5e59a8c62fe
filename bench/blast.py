"""A WebSocket server that knows one frame: what the sink can count when nobody holds it up.

It answers every upgrade, then sends finished `batch` frames, many in one write. Only so can
one sender exceed what one reader counts; a sender of single frames is the slower side.
"""

import socket
import sys
from typing import Final

FRAMES_PER_WRITE: Final = 16
UPGRADED: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
BODY: Final = (
    b'{"type":"batch","service":"tasks","prev":"1795419516000-42","position":"1795419516000-43",'
    b'"sentAt":1795419516123,"events":[{"seq":43,"type":"task.updated","data":{"pad":"%b"}}]}'
)


def text_frame(size: int) -> bytes:
    """Return a batch frame of `size` bytes on the wire, 200 to 65 539."""
    body = BODY % (b"x" * (size - 4 - len(BODY) + 2))
    return b"\x81\x7e" + len(body).to_bytes(2, "big") + body


def main() -> None:
    """Take PORT CONNECTIONS ROUNDS FRAME_BYTES, as the write loops do."""
    port, connections, rounds, frame_bytes = map(int, sys.argv[1:])
    sockets = []
    with socket.create_server(("127.0.0.1", port), backlog=4_096) as listener:
        sys.stderr.write(f"listening {listener.getsockname()[1]}\n")
        sys.stderr.flush()
        for _ in range(connections):
            sockets.append(listener.accept()[0])
            sockets[-1].recv(8_192)
            sockets[-1].sendall(UPGRADED)
    burst = text_frame(frame_bytes) * FRAMES_PER_WRITE
    for _ in range(rounds):
        for connection in sockets:
            connection.sendall(burst)
    sys.stdout.write("{}\n")


if __name__ == "__main__":
    main()
