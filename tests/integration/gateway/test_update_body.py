"""Bodies of update-services that are not as they should be: refused, and nothing is changed."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator

import pytest

from tests.support.raw_request import RawConnection
from tests.support.redis_reads import read_hash
from tests.support.tenant import Tenant

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def untouched(hasty: Tenant) -> AsyncIterator[Tenant]:
    """A tenant whose subscriptions must be as they were when the test ends."""
    yield hasty
    assert await read_hash(hasty.redis, hasty.keys.subs(hasty.org)) == {}


@pytest.mark.parametrize(
    ("case", "content", "status"),
    [
        ("B91", b"", 400),
        ("B91", b"{", 400),
        ("B91", b"services=tasks", 400),
        ("B91", b"\xef\xbb\xbf" + b'{"services":[]}', 400),
        ("B91", '{"services":[]}'.encode("utf-16"), 400),
        ("B91", b'{"services":["\xff"]}', 400),
        ("B91", gzip.compress(b'{"services":[]}', mtime=0), 400),
        ("B91", b'{"services":[],"services":["tasks"]}', 400),
        ("B91", b'{"services":[],"ifVersion":NaN}', 400),
        ("B91", b"[" * 10_000, 400),
        ("B95", b"[]", 400),
    ],
)
async def test_what_is_no_strict_json_object_is_a_bad_request(
    untouched: Tenant, case: str, content: bytes, status: int
) -> None:
    answer = await untouched.post(headers=JSON, content=content)
    assert (answer.status_code, answer.json()["name"]) == (status, "bad_message")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"services": None},
        {"services": "tasks"},
        {"services": {"tasks": True}},
        {"services": [1]},
        {"services": [None]},
        {"services": ["tasks"], "propertyId": 7},
        {"services": ["tasks"], "propertyId": ""},
        {"services": ["tasks"], "propertyId": "x" * 129},
        {"services": ["tasks"], "connectionId": []},
        {"services": ["tasks"], "ifVersion": "1"},
        {"services": ["tasks"], "ifVersion": -1},
        {"services": ["tasks"], "ifVersion": True},
        {"services": ["tasks"], "requestId": 1},
        {"services": ["tasks"], "org": "other"},
        {"services": ["tasks"], "userId": "bob"},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("case", ["B95", "B100"])
async def test_wrong_fields_are_named(
    untouched: Tenant, body: dict[str, object], case: str
) -> None:
    answer = await untouched.update(body=body)
    assert (answer.status_code, answer.json()["name"]) == (422, "invalid_body")
    wrong = next(iter(body.keys() - {"services"}), "services")
    assert wrong in answer.json()["message"]


@pytest.mark.parametrize("case", ["B108"])
async def test_there_is_no_field_for_an_address(untouched: Tenant, case: str) -> None:
    for address in ("http://169.254.169.254/", "file:///etc/passwd", "http://localhost:1"):
        answer = await untouched.update(body={"services": ["tasks"], "callback": address})
        assert answer.status_code == 422
        assert address not in answer.text


@pytest.mark.parametrize(
    ("case", "services"),
    [
        ("B98", [f"s{n}" for n in range(33)]),
        ("B98", [f"s{n}" for n in range(1_001)]),
        ("B99", ["{tasks}"]),
        ("B99", ["tasks:x"]),
        ("B99", ["*"]),
        ("B99", [".."]),
        ("B99", ["tâches"]),
        ("B99", [""]),
        ("B99", ["x" * 64]),
        ("B99", ["tasks\u0000"]),
        ("B99", ["tasks\n"]),
    ],
)
async def test_services_that_cannot_be_are_invalid(
    untouched: Tenant, case: str, services: list[str]
) -> None:
    answer = await untouched.update(services=services)
    assert (answer.status_code, answer.json()["name"]) == (422, "invalid_body")


async def test_B97_repeated_services_count_once(hasty: Tenant) -> None:
    answer = await hasty.update(services=["tasks", "users", "tasks"])
    assert (answer.status_code, answer.json()["services"]) == (200, ["tasks", "users"])


async def test_B99_service_names_differ_by_case(hasty: Tenant) -> None:
    answer = await hasty.update(services=["Tasks", "tasks"])
    assert answer.json()["services"] == ["Tasks", "tasks"]
    token = hasty.token(services=["tasks"])
    assert (await hasty.update(token=token, services=["Tasks"])).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json5"},
        {"Content-Type": ""},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("case", ["B91", "B92"])
async def test_another_media_type_is_not_supported(
    untouched: Tenant, headers: dict[str, str], case: str
) -> None:
    answer = await untouched.post(headers=headers, content=b'{"services":[]}')
    assert (answer.status_code, answer.json()["name"]) == (415, "unsupported_media_type")


async def test_json_may_say_that_it_is_utf_8(hasty: Tenant) -> None:
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    answer = await hasty.post(headers=headers, content=b'{"services":[]}')
    assert answer.status_code == 200


def request(tenant: Tenant, *headers: str) -> bytes:
    """Return the head of a request whose body is sent by hand."""
    lines = (
        "POST /v2/realtime/update-services HTTP/1.1",
        "Host: gateway.test",
        f"Authorization: Bearer {tenant.token()}",
        "Content-Type: application/json",
        *headers,
    )
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "endless"])
@pytest.mark.parametrize("case", ["B93"])
async def test_a_body_without_measure_is_cut_off(
    untouched: Tenant, is_declared: bool, case: str
) -> None:
    connection = await RawConnection.open(untouched.gateway(0))
    length = "Content-Length: 100000000" if is_declared else "Transfer-Encoding: chunked"
    await connection.send(request(untouched, length))
    piece = b"x" * 4_096 if is_declared else b"1000\r\n" + b"x" * 4_096 + b"\r\n"
    for _ in range(6):
        await connection.send(piece)
    answer = await connection.answer()
    assert (answer.status, answer.error["name"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"
    assert await connection.rest(timeout_s=2) == b""
    connection.close()


async def test_B94_a_body_that_trickles_is_not_waited_for(untouched: Tenant) -> None:
    connection = await RawConnection.open(untouched.gateway(0))
    await connection.send(request(untouched, "Content-Length: 15"))
    started = time.monotonic()
    trickle = asyncio.create_task(_trickle(connection, b'{"services":[]}'))
    answer = await connection.answer()
    trickle.cancel()
    await asyncio.gather(trickle, return_exceptions=True)
    assert (answer.status, answer.error["name"]) == (408, "request_timeout")
    assert 0.5 < time.monotonic() - started < 2
    connection.close()


async def _trickle(connection: RawConnection, body: bytes) -> None:
    for byte in body:
        await connection.send(bytes([byte]))
        await asyncio.sleep(0.1)


async def test_a_body_that_ends_early_changes_nothing(untouched: Tenant) -> None:
    connection = await RawConnection.open(untouched.gateway(0))
    await connection.send(request(untouched, "Content-Length: 1000") + b'{"services":[]}')
    connection.close()
    # One more request in order, so that the one before has been dealt with.
    assert (await untouched.get("/v2/realtime/positions?services=tasks")).status_code == 200


async def test_B105_without_a_good_token_nothing_is_read(untouched: Tenant) -> None:
    expired = untouched.token(ttl_s=1)
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic YTpi"}):
        answer = await untouched.post(headers={"Authorization": ""} | headers, content=b"x")
        assert (answer.status_code, answer.json()["name"]) == (401, "unauthorized")
    none_listed = untouched.token(services=[])
    assert (await untouched.update(token=none_listed, services=[])).status_code == 403
    await asyncio.sleep(1.1)
    assert (await untouched.update(token=expired, services=["tasks"])).status_code == 401


async def test_B107_a_user_asks_only_so_often(hasty: Tenant) -> None:
    statuses = [
        (await hasty.get("/v2/realtime/positions?services=tasks")).status_code for _ in range(32)
    ]
    assert statuses[:30] == [200] * 30
    answer = await hasty.update(services=["tasks"])
    assert (answer.status_code, answer.json()["name"]) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) >= 1
    other = await hasty.update(token=hasty.token(sub="bob"), services=["tasks"])
    assert other.status_code == 200, "the limit is each user's own"
