"""`POST /telemetry/client`: who may report, and what is taken from a report."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.routes import telemetry
from gateway.routes.telemetry import ClientTelemetry
from gateway.telemetry.client_health import ClientHealth
from tests.support.gateway_values import some_claims
from tests.support.one_token import callers_with
from tests.support.telemetry import a_gateways_signals

GOOD = {"p95LatencyMs": 12.5, "delivered": 3, "suppressed": 1, "reconnects": 0, "gaps": 0}


class TelemetryEndpoint:
    """The route behind as much of a gateway as it asks for."""

    def __init__(self, services: Sequence[str] | None = None, *, burst: int = 100) -> None:
        signals = a_gateways_signals()
        self.health = ClientHealth()
        callers = callers_with(some_claims(services=services), signals, burst=burst)
        route = ClientTelemetry(callers, self.health, signals.histograms, body_timeout_ms=1_000)
        api = FastAPI()
        api.add_api_route(telemetry.PATH, route.answer, methods=["POST"])
        self._api = api

    async def post(self, token: str | None = "good", **request: Any) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self._api)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post("/telemetry/client", headers=headers, **request)


async def test_a_report_is_added_to_the_sums() -> None:
    endpoint = TelemetryEndpoint()
    for _ in range(2):
        answer = await endpoint.post(json={"state": "connected", "services": {"tasks": GOOD}})
        assert (answer.status_code, answer.content) == (204, b"")
    tasks = endpoint.health.services["tasks"]
    assert (tasks.delivered_count, tasks.suppressed_count) == (6, 2)


async def test_services_that_the_token_does_not_list_are_ignored() -> None:
    endpoint = TelemetryEndpoint(["tasks"])
    answer = await endpoint.post(json={"services": {"tasks": GOOD, "finance": GOOD}})
    assert answer.status_code == 204
    assert list(endpoint.health.services) == ["tasks"]


async def test_names_that_no_service_can_have_are_ignored_whatever_the_token_lists() -> None:
    endpoint = TelemetryEndpoint()
    await endpoint.post(json={"services": {"a{b}": GOOD, "": GOOD, "tasks": GOOD}})
    assert list(endpoint.health.services) == ["tasks"]


async def test_fields_of_a_newer_client_are_ignored() -> None:
    endpoint = TelemetryEndpoint()
    answer = await endpoint.post(json={"battery": 7, "services": {"tasks": GOOD | {"colour": 1}}})
    assert answer.status_code == 204


@pytest.mark.parametrize("token", [None, "bad"])
async def test_nobody_reports_without_a_good_token(token: str | None) -> None:
    endpoint = TelemetryEndpoint()
    answer = await endpoint.post(token, json={"services": {"tasks": GOOD}})
    assert (answer.status_code, answer.json()["name"]) == (401, "unauthorized")
    assert endpoint.health.report_count == 0


async def test_a_user_reports_no_more_often_than_its_rate() -> None:
    endpoint = TelemetryEndpoint(burst=2)
    statuses = [(await endpoint.post(json={"services": {}})).status_code for _ in range(3)]
    assert statuses == [204, 204, 429]


@pytest.mark.parametrize(
    "services",
    [
        None,
        [],
        {"tasks": None},
        {"tasks": GOOD | {"delivered": -1}},
        {"tasks": GOOD | {"delivered": 1.5}},
        {"tasks": GOOD | {"delivered": 10**9}},
        {"tasks": GOOD | {"delivered": "3"}},
        {"tasks": GOOD | {"p95LatencyMs": -0.1}},
        {"tasks": GOOD | {"p95LatencyMs": 1e300}},
        {f"s{number}": GOOD for number in range(33)},
    ],
)
async def test_a_report_of_another_shape_is_refused_and_leaves_nothing(services: object) -> None:
    endpoint = TelemetryEndpoint()
    answer = await endpoint.post(json={"services": services})
    assert (answer.status_code, answer.json()["name"]) == (422, "invalid_body")
    assert endpoint.health.report_count == 0


async def test_a_body_beyond_the_bound_is_refused() -> None:
    answer = await TelemetryEndpoint().post(
        content=b'{"services":{}}' + b" " * telemetry.MAX_BODY_BYTES
    )
    assert (answer.status_code, answer.json()["name"]) == (413, "body_too_large")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"services":{"a":{"p95LatencyMs":NaN}}}'])
async def test_what_is_no_strict_json_object_is_refused(body: bytes) -> None:
    assert (await TelemetryEndpoint().post(content=body)).status_code == 400
