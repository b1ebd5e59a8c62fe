"""Programs that start in a tenth of a second: forked from a process that has imported them.

A gateway, a worker or a verb of the command costs a second of a core before its first line runs,
all of it imports, and the tests start hundreds. `start` has one process for each program, which
imports it once and forks for each start. What a fresh interpreter does is tested where the
programs are started as an operator does: test_start_and_stop.py, test_dev_command.py and
test_topology.py of tests/cluster.

Rejected: multiprocessing's forkserver, whose children import pytest, as their parent's main
program, before anything else.
"""

import atexit
import gc
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

FORKS = sys.platform == "linux"
"""A Mac's own libraries do not bear to be forked."""

START_S = 60.0
"""How long the imports may take on a busy machine."""


@dataclass(frozen=True)
class Request:
    """How to start a program."""

    environment: Mapping[str, str]
    out: str
    """The file that it writes into."""
    err: str
    arguments: Sequence[str] = ()


class Forked:
    """A process as subprocess.Popen has it, as far as the tests need that."""

    def __init__(self, address: str, request: Request) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(address)
        self._connection.sendall(json.dumps(asdict(request)).encode() + b"\n")
        self._lines = self._connection.makefile("rb", buffering=0)
        self.pid = int(self._lines.readline())
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float) -> int:
        """Return the exit code once it has ended.

        Raises:
            subprocess.TimeoutExpired: If it has not ended by then.
        """
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return code

    def _ended(self, timeout_s: float) -> int | None:
        if self._code is None and select.select([self._connection], [], [], timeout_s)[0]:
            self._code = int(self._lines.readline())
            self._lines.close()
            self._connection.close()
        return self._code


def start(entry: str, request: Request) -> Forked | subprocess.Popen[bytes]:
    """Start a program by its entry point, such as `gateway.__main__:main`."""
    return Forked(_parent_of(entry), request) if FORKS else _spawned(entry, request)


def _spawned(entry: str, request: Request) -> subprocess.Popen[bytes]:
    module = entry.partition(":")[0].removesuffix(".__main__")
    with Path(request.out).open("ab") as out, Path(request.err).open("ab") as err:
        return subprocess.Popen(
            [sys.executable, "-m", module, *request.arguments],
            cwd=Path(__file__).parents[2],
            env=request.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )


@cache
def _parent_of(entry: str) -> str:
    """Start the process that forks for this one, and ends with it; return its address."""
    folder = tempfile.mkdtemp(prefix="fanwire-fork-")
    address = f"{folder}/socket"
    # Its input is never written to: that it ends tells that this process has ended.
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.support.prefork", entry, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(_end, parent, folder)
    assert parent.stdout is not None
    assert select.select([parent.stdout], [], [], START_S)[0], f"{entry} was not imported in time"
    assert parent.stdout.readline() == b"ready\n", f"{entry} could not be imported"
    return address


def _end(parent: subprocess.Popen[bytes], folder: str) -> None:
    parent.communicate()
    shutil.rmtree(folder)


def _serve(entry: str, address: str) -> None:
    program = _imported(entry)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    _watch(connection, program)


def _imported(entry: str) -> Callable[[], object]:
    """Return the program, with every module of its package imported."""
    module, _, function = entry.partition(":")
    package = module.removesuffix(".__main__")
    for found in walk_packages(import_module(package).__path__, f"{package}."):
        if not found.name.endswith("__main__"):
            import_module(found.name)
    program: Callable[[], object] = getattr(import_module(module), function)
    return program


def _watch(connection: socket.socket, program: Callable[[], object]) -> None:
    """Fork once more, and tell the process id now and the exit code when it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request = Request(**json.loads(connection.makefile("rb").readline()))
    child = os.fork()
    if child == 0:
        connection.close()
        _become(request)
        program()
        sys.exit()
    connection.sendall(b"%d\n" % child)
    _, status = os.waitpid(child, 0)
    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(request: Request) -> None:
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv[1:] = request.arguments
    writing = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    files = (os.devnull, os.O_RDONLY), (request.out, writing), (request.err, writing)
    for number, (path, flags) in enumerate(files):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, number)
        os.close(opened)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
