"""The write loop of write_loop.c in plain Python: what the language alone costs."""

import os
import select
import socket
import sys
import time

import orjson


def accepted(connections: int, port: int) -> list[socket.socket]:
    """Listen, say where on stderr, and return the first so many connections."""
    with socket.create_server(("127.0.0.1", port), backlog=4_096) as listener:
        sys.stderr.write(f"listening {listener.getsockname()[1]}\n")
        sys.stderr.flush()
        sockets = [listener.accept()[0] for _ in range(connections)]
    for connection in sockets:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sockets


def write_round(descriptors: list[int], frame: bytes) -> None:
    """Write the frame to every socket in turn."""
    for descriptor in descriptors:
        try:
            sent = os.write(descriptor, frame)
        except BlockingIOError:
            sent = 0
        if sent != len(frame):
            write_rest(descriptor, frame[sent:])


def write_rest(descriptor: int, rest: bytes) -> None:
    """Wait for room in the socket as often as it takes."""
    writable = select.poll()
    writable.register(descriptor, select.POLLOUT)
    while rest:
        writable.poll()
        rest = rest[os.write(descriptor, rest) :]


def main() -> None:
    """Take PORT CONNECTIONS ROUNDS FRAME_BYTES and print one JSON object, as write_loop.c does."""
    port, connections, rounds, frame_bytes = map(int, sys.argv[1:])
    sockets = accepted(connections, port)
    descriptors = [connection.fileno() for connection in sockets]
    frame = b"x" * frame_bytes
    time.sleep(0.2)  # lets the reader finish its connects before the clock starts
    cpu_before, begun = time.process_time(), time.perf_counter()
    for _ in range(rounds):
        write_round(descriptors, frame)
    wall_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu_before
    frames = connections * rounds
    sys.stdout.buffer.write(
        orjson.dumps(
            {
                "frames": frames,
                "wall_s": wall_s,
                "cpu_s": cpu_s,
                "frames_per_s": frames / wall_s,
                "frames_per_cpu_s": frames / cpu_s,
            }
        )
    )


if __name__ == "__main__":
    main()
