"""What the stack runs."""

import socket

import pytest

from fanwire.cli.dev.plan import DevPlan, PortTaken, check_plan, planned_servers


def test_the_gateways_share_one_port_and_nothing_else() -> None:
    worker, *gateways = planned_servers(DevPlan(gateways=3, port=8100), "unix:///r", {})
    assert worker.name == "fanout w1"
    assert [gateway.env["GATEWAY_NODE_ID"] for gateway in gateways] == ["a", "b", "c"]
    assert {gateway.env["GATEWAY_PORT"] for gateway in gateways} == {"8100"}
    assert len({gateway.env["GATEWAY_INTERNAL_PORT"] for gateway in gateways}) == 3


def test_all_run_in_development_on_the_same_redis_with_the_same_secret() -> None:
    plan = DevPlan()
    for process in planned_servers(plan, "unix:///r", {"REALTIME_ENV": "production"}):
        assert process.env["REALTIME_ENV"] == "dev"
        assert process.env["REALTIME_REDIS_URL"] == "unix:///r"
        assert process.env["REALTIME_JWT_SECRET"] == plan.secret


def test_the_users_own_settings_reach_the_servers() -> None:
    mine = {"FANOUT_BATCH_LONGEST_MS": "99", "GATEWAY_ALLOWED_ORIGINS": "http://localhost:5173"}
    for process in planned_servers(DevPlan(), "unix:///r", mine):
        assert process.env.items() >= mine.items()


def test_each_run_has_a_secret_of_its_own_that_production_would_refuse() -> None:
    secrets = {DevPlan().secret for _ in range(3)}
    assert len(secrets) == 3
    assert all(secret.startswith("dev-") and len(secret) >= 32 for secret in secrets)


def test_the_secret_is_not_shown_with_the_plan() -> None:
    plan = DevPlan()
    assert plan.secret not in repr(plan)


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            check_plan(DevPlan(port=port))


def test_the_demo_page_may_connect_whatever_else_may() -> None:
    mine = {"GATEWAY_ALLOWED_ORIGINS": "http://localhost:5173"}
    _, gateway, _ = planned_servers(DevPlan(page_port=8001), "unix:///r", mine)
    allowed = gateway.env["GATEWAY_ALLOWED_ORIGINS"].split(",")
    assert {*allowed} == {
        "http://localhost:5173",
        "http://127.0.0.1:8001",
        "http://localhost:8001",
    }
    _, gateway, _ = planned_servers(DevPlan(page_port=8001), "unix:///r", {})
    assert gateway.env["GATEWAY_ALLOWED_ORIGINS"] == "*"
