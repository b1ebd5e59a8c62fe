"""Reports of health as the browser's SDK posts them, at a gateway as it is deployed.

`contract/client_report.json` is what frontend/tests/core/page/health.test.ts sees the SDK post.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest

from tests.integration.gateway.conftest import HASTY
from tests.support.tenant import Tenant

REPORT: Final = orjson.loads(
    (Path(__file__).parents[3] / "contract" / "client_report.json").read_bytes()
)
ERROR_FIELDS: Final = {"code", "name", "message", "retryable", "remedy"}
"""What the SDK makes its errors of."""


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        yield client


async def post(http: httpx.AsyncClient, tenant: Tenant, token: str, body: Any) -> httpx.Response:
    url = tenant.gateway(0).url + "/telemetry/client"
    return await http.post(url, json=body, headers={"Authorization": f"Bearer {token}"})


async def test_what_the_sdk_posts_is_taken(http: httpx.AsyncClient, hasty: Tenant) -> None:
    answer = await post(http, hasty, hasty.token(), REPORT)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    "change", [{"delivered": -1}, {"gaps": "1"}, {"p95LatencyMs": -5}, {"reconnects": 1.5}]
)
async def test_a_report_that_cannot_be_is_refused_for_good(
    http: httpx.AsyncClient, hasty: Tenant, change: dict[str, object]
) -> None:
    row = REPORT["services"]["tasks"] | change
    answer = await post(http, hasty, hasty.token(), {"services": {"tasks": row}})
    assert answer.status_code == 422
    assert answer.json().keys() >= ERROR_FIELDS
    assert answer.json()["retryable"] is False


async def test_too_many_reports_are_told_when_to_come_again(
    http: httpx.AsyncClient, hasty: Tenant
) -> None:
    token = hasty.token(sub="eager")
    for _ in range(int(HASTY["GATEWAY_REQUEST_BURST"]) + 5):
        answer = await post(http, hasty, token, REPORT)
        if answer.status_code != 204:
            break
    told = answer.json()
    assert (answer.status_code, told["code"], told["name"]) == (429, 4429, "rate_limited")
    assert told.keys() >= ERROR_FIELDS
    assert told["retryable"] is True
    assert 0 < told["retryAfterMs"] <= 1_000
    assert answer.headers["Retry-After"] == "1"
