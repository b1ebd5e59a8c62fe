"""`fanwire dev` as a new user meets it: one command, then pub and sub beside it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.role import inherited_environment
from tests.support.waiting import free_port

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.valkey]

COMMAND: Final = (sys.executable, "-m", "fanwire.cli")
NOTES: Final = "notes"
"""The file that takes what a stack writes on stderr."""


@dataclass(frozen=True)
class Dev:
    """A running `fanwire dev`."""

    process: subprocess.Popen[str]
    env: dict[str, str]
    ready: dict[str, Any]

    def children(self) -> list[int]:
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split()]

    def running(self, program: str) -> list[int]:
        """Return its processes that run `python -m program`."""
        words = f"-m\0{program}\0"
        return [pid for pid in self.children() if words in command_of(pid)]

    def fanwire(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments, "--json"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Dev]:
    env = inherited_environment() | {"XDG_RUNTIME_DIR": str(folder)}
    command = [*COMMAND, "dev", *arguments, "--json", "--port", str(free_port())]
    with (
        (folder / NOTES).open("w") as notes,
        subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=notes, text=True
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / NOTES).read_text()
        yield Dev(process, env, json.loads(line))
        process.kill()


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    with started(tmp_path, "--no-demo") as stack:
        yield stack


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def outcome(process: subprocess.Popen[str]) -> tuple[int, list[Any], list[Any]]:
    out, err = process.communicate(timeout=30)
    lines = [[json.loads(line) for line in text.splitlines()] for text in (out, err)]
    return process.returncode, lines[0], lines[1]


def connected(dev: Dev, *arguments: str) -> subprocess.Popen[str]:
    """Start a subscriber and wait until it is connected."""
    sub = dev.fanwire("sub", *arguments)
    assert sub.stderr is not None
    while json.loads(sub.stderr.readline()).get("state") != "connected":
        pass
    return sub


def are_gone(pids: list[int]) -> bool:
    def is_gone(pid: int) -> bool:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] == "Z"

    return all(map(is_gone, pids))


def eventually(holds: Callable[[], bool], patience_s: float = 5) -> bool:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and not holds():
        time.sleep(0.02)
    return holds()


def test_what_pub_publishes_sub_prints_if_it_is_of_its_property(dev: Dev) -> None:
    sub = connected(dev, "tasks", "--property", "p9", "--count", "2")
    for data, of in (("1", "p1"), ("2", "p9")):
        assert outcome(dev.fanwire("pub", "acme", "tasks", data, "--property", of))[0] == 0
    assert outcome(dev.fanwire("pub", "acme", "tasks", "3", "--wait"))[0] == 0
    code, events, _ = outcome(sub)
    assert (code, [event["data"] for event in events]) == (0, [2, 3])


def test_it_tells_how_many_sockets_an_event_goes_to(dev: Dev) -> None:
    subs = [connected(dev, "tasks", "--property", of, "--count", "2") for of in ("p1", "p2")]
    for of, expected in (("p1", (1, 1)), ("p3", (0, 2))):
        assert outcome(dev.fanwire("pub", "acme", "tasks", "1", "--property", of))[0] == 0
        assert dev.process.stdout is not None
        told = json.loads(dev.process.stdout.readline())
        assert (told["sockets"], told["filtered"]) == expected
    for sub in subs:
        sub.kill()
        sub.communicate()


def test_a_killed_gateway_is_started_again_and_its_subscribers_lose_nothing(dev: Dev) -> None:
    sub = connected(dev, "tasks", "--count", "3")
    # Old enough to be started again: what dies young would only die again.
    time.sleep(5)
    for number, pid in enumerate(dev.running("gateway")):
        os.kill(pid, signal.SIGKILL)
        assert outcome(dev.fanwire("pub", "acme", "tasks", str(number)))[0] == 0
    assert outcome(dev.fanwire("pub", "acme", "tasks", "9"))[0] == 0
    code, events, _ = outcome(sub)
    assert (code, [event["data"] for event in events]) == (0, [0, 1, 9])
    assert dev.process.poll() is None


def test_a_benchmark_on_it_finds_nothing_lost(dev: Dev) -> None:
    arguments = ("--count", "200", "--rate", "400", "--subscribers", "3", "--slo", "max=5s")
    code, (report,), _ = outcome(dev.fanwire("bench", *arguments))
    assert (code, report["ok"], report["delivered"]) == (0, True, 600)


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_a_second_and_takes_everything_with_it(dev: Dev, number: int) -> None:
    children = dev.children()
    assert [len(dev.running(program)) for program in ("fanout", "gateway")] == [1, 2]
    started_at = time.monotonic()
    dev.process.send_signal(number)
    assert dev.process.wait(10) == 0
    assert time.monotonic() - started_at < 1.5
    assert are_gone(children)
    assert not Path(dev.ready["redis"].removeprefix("unix://")).parent.exists()
    assert outcome(dev.fanwire("sub"))[0] == 1


def test_killed_itself_it_leaves_no_process_behind(dev: Dev) -> None:
    children = dev.children()
    dev.process.kill()
    assert eventually(lambda: are_gone(children))


def test_a_killed_demo_is_named_and_started_again(tmp_path: Path) -> None:
    with started(tmp_path) as dev:
        (demo,) = dev.running("demo")
        started_at = time.monotonic()
        # Old enough to be started again, as its own events tell.
        assert dev.process.stdout is not None
        while time.monotonic() - started_at < 5:
            assert dev.process.stdout.readline()
        os.kill(demo, signal.SIGKILL)
        assert eventually(lambda: dev.running("demo") not in ([], [demo]), 10)
        assert outcome(connected(dev, "--count", "3"))[0] == 0
        died, again = map(json.loads, (tmp_path / NOTES).read_text().splitlines())
        assert died["error"]["name"] == "child_died"
        assert died["error"]["message"].startswith("demo ended with SIGKILL")
        assert again["note"]


def test_the_demos_own_socket_is_not_among_those_an_event_goes_to(tmp_path: Path) -> None:
    with started(tmp_path) as dev:
        assert dev.process.stdout is not None
        told = [json.loads(dev.process.stdout.readline()) for _ in range(5)]
        assert {(event["sockets"], event["filtered"]) for event in told} == {(0, 0)}


def test_with_no_demo_nothing_is_published(dev: Dev) -> None:
    sub = connected(dev, "--duration", "1.5")
    assert outcome(sub)[:2] == (0, [])


def test_a_second_one_on_the_same_port_says_what_to_do(dev: Dev) -> None:
    port = dev.ready["url"].rpartition(":")[2].partition("/")[0]
    code, _, (told,) = outcome(dev.fanwire("dev", "--port", port))
    assert (code, told["error"]["name"]) == (1, "port_taken")
    assert "--port" in told["error"]["remedy"]


def test_a_wrong_setting_is_named_and_nothing_is_left_running(tmp_path: Path) -> None:
    env = inherited_environment() | {
        "XDG_RUNTIME_DIR": str(tmp_path),
        "FANOUT_BATCH_LONGEST_MS": "soon",
    }
    command = [*COMMAND, "dev", "--no-demo", "--port", str(free_port())]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 1
    assert "FANOUT_BATCH_LONGEST_MS" in ran.stderr
    assert "Traceback" not in ran.stderr
