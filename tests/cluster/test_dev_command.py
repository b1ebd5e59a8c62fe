"""`fanwire dev` as a new user meets it: one command, then pub and sub beside it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.role import inherited_environment
from tests.support.waiting import free_port

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

COMMAND: Final = (sys.executable, "-m", "fanwire.cli")


@dataclass(frozen=True)
class Dev:
    """A running `fanwire dev`."""

    process: subprocess.Popen[str]
    env: dict[str, str]
    ready: dict[str, Any]

    def children(self) -> list[int]:
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split()]

    def fanwire(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments, "--json"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    env = inherited_environment() | {"XDG_RUNTIME_DIR": str(tmp_path)}
    command = [*COMMAND, "dev", "--no-demo", "--json", "--port", str(free_port())]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Dev(process, env, json.loads(process.stdout.readline()))
        process.kill()


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


def eventually_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not are_gone(pids):
        time.sleep(0.02)
    return are_gone(pids)


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
    _, _, *gateways = dev.children()
    for number, pid in enumerate(gateways):
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_a_second_and_takes_everything_with_it(dev: Dev, number: int) -> None:
    children = dev.children()
    assert len(children) == 4
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
    assert eventually_gone(children)


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
