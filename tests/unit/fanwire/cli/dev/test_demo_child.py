"""The demo's process: what it is told, and when there is none."""

import socket
from pathlib import Path

import pytest

from demo import world
from demo.__main__ import main
from fanwire.cli.dev.defaults import SERVICES
from fanwire.cli.dev.demo_child import planned_demo, port_for_page, why_no_page
from fanwire.cli.dev.plan import DevPlan, PlannedChild


def planned(plan: DevPlan) -> PlannedChild:
    (demo,) = planned_demo(plan, "unix:///r", {"FANOUT_BATCH_LONGEST_MS": "99"})
    return demo


def option(demo: PlannedChild, name: str) -> str:
    return demo.command[demo.command.index(name) + 1]


def test_it_is_told_where_the_stack_is_and_how_to_sign_for_it() -> None:
    plan = DevPlan(port=8100, page_port=8101)
    demo = planned(plan)
    assert demo.command[1:3] == ("-m", "demo")
    assert option(demo, "--gateway") == plan.url
    assert option(demo, "--port") == "8101"
    assert demo.env["REALTIME_REDIS_URL"] == "unix:///r"
    assert demo.env["REALTIME_JWT_SECRET"] == plan.secret


def test_every_option_it_is_told_is_one_it_has() -> None:
    told = {word for word in planned(DevPlan(page_port=8101)).command if word.startswith("--")}
    assert told <= {f"--{name}" for name in main.__annotations__}


def test_with_no_demo_the_page_is_served_and_nothing_is_published() -> None:
    demo = planned(DevPlan(demo=False, page_port=8101))
    assert option(demo, "--rate") == "0"
    assert demo.ready_url == "http://127.0.0.1:8101/dev/token"


def test_without_a_page_it_publishes_and_nothing_waits_for_it() -> None:
    demo = planned(DevPlan())
    assert option(demo, "--rate") == "5"
    assert "--page" not in demo.command
    assert demo.ready_url is None


def test_with_neither_there_is_no_process() -> None:
    assert planned_demo(DevPlan(demo=False), "unix:///r", {}) == []


def test_the_services_of_a_stack_are_those_of_the_demo() -> None:
    assert SERVICES == world.SERVICES


def test_a_page_that_is_not_built_is_left_out_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert "npm" in (why_no_page(tmp_path) or "")
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/npm")
    assert "make demo" in (why_no_page(tmp_path) or "")
    (tmp_path / "index.html").touch()
    assert why_no_page(tmp_path) is None


def test_the_page_is_behind_the_stacks_port_and_elsewhere_if_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port_for_page(port - 1) not in (port, port - 1)
    assert port_for_page(port - 1) == port


def test_a_stack_on_the_last_port_has_its_page_elsewhere() -> None:
    assert 0 < port_for_page(65_535) < 65_536
