"""Who is let in, and what the door says to all others: over a raw socket, to a real gateway."""

import asyncio

import pytest

from tests.support.client_frames import close, text
from tests.support.raw_request import STREAM, Answer, RawConnection, ask, handshake
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


def good(tenant: Tenant, **changed: str) -> bytes:
    return handshake("rt.v1", f"rt.token.{tenant.token()}", **changed)


def bearer(tenant: Tenant, **claims: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {tenant.token(**claims)}"}


async def asked(tenant: Tenant, raw: bytes) -> Answer:
    return await ask(tenant.gateway(0), raw)


async def test_B20_the_answer_names_the_protocol_and_never_the_token(hasty: Tenant) -> None:
    for raw in (
        good(hasty),
        handshake(f"rt.token.{hasty.token()}", "rt.v1"),
        handshake("other", "rt.v1", f"rt.token.{hasty.token()}"),
    ):
        answer = await asked(hasty, raw)
        assert answer.status == 101
        assert answer.headers["sec-websocket-protocol"] == "rt.v1"
        assert "rt.token" not in str(answer.headers)
    assert "eyJ" not in hasty.stack.gateway.stderr, "no token in the log"


async def test_a_program_may_send_its_token_in_a_header_alone(hasty: Tenant) -> None:
    answer = await asked(hasty, handshake(without=["Origin"], **bearer(hasty)))
    assert answer.status == 101
    assert "sec-websocket-protocol" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com.evil.test",
        "https://evil.test/https://app.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com.",
        "null",
        "https://app.example.com https://evil.test",
    ],
)
@pytest.mark.parametrize("case", ["B17"])
async def test_a_page_from_elsewhere_is_forbidden(hasty: Tenant, origin: str, case: str) -> None:
    for raw in (good(hasty, Origin=origin), handshake(Origin=origin, **bearer(hasty))):
        answer = await asked(hasty, raw)
        assert (answer.status, answer.error["name"]) == (403, "forbidden")


async def test_B18_without_an_origin_the_token_must_be_in_the_header(hasty: Tenant) -> None:
    raw = handshake("rt.v1", f"rt.token.{hasty.token()}", without=["Origin"])
    assert (await asked(hasty, raw)).status == 403
    with_cookie = handshake("rt.v1", without=["Origin"], Cookie=f"token={hasty.token()}")
    assert (await asked(hasty, with_cookie)).status in {401, 403}


@pytest.mark.parametrize("offered", ["graphql-ws", "rt.v2", "RT.V1", "rt.v1.evil"])
async def test_B19_an_unknown_subprotocol_is_a_bad_request(hasty: Tenant, offered: str) -> None:
    answer = await asked(hasty, handshake(offered, f"rt.token.{hasty.token()}"))
    assert (answer.status, answer.error["name"]) == (400, "bad_message")
    assert (await asked(hasty, handshake(offered, **bearer(hasty)))).status == 400


@pytest.mark.parametrize("name", ["token", "access_token", "jwt", "Authorization"])
async def test_B85_a_token_in_the_url_is_refused_and_not_logged(hasty: Tenant, name: str) -> None:
    token = hasty.token()
    answer = await asked(hasty, handshake("rt.v1", path=f"{STREAM}?{name}={token}"))
    assert (answer.status, answer.error["name"]) == (400, "token_in_url")
    both = handshake("rt.v1", f"rt.token.{token}", path=f"{STREAM}?{name}={token}")
    assert (await asked(hasty, both)).status == 400
    assert token[:40] not in hasty.stack.gateway.stderr


async def test_B86_two_tokens_that_differ_are_a_bad_request(hasty: Tenant) -> None:
    mine, other = hasty.token(), hasty.token(sub="bob")
    answer = await asked(
        hasty, handshake("rt.v1", f"rt.token.{mine}", Authorization=f"Bearer {other}")
    )
    assert (answer.status, answer.error["name"]) == (400, "bad_message")
    same = handshake("rt.v1", f"rt.token.{mine}", Authorization=f"Bearer {mine}")
    assert (await asked(hasty, same)).status == 101


@pytest.mark.parametrize(
    ("case", "token"),
    [
        ("B66", "x.y.z"),
        ("B67", "x"),
        ("B67", "a.b.c.d.e"),
        ("B64", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."),
        ("B82", "x" * 4_097),
    ],
)
async def test_every_bad_token_gets_the_same_answer(hasty: Tenant, case: str, token: str) -> None:
    generic = (await asked(hasty, handshake("rt.v1"))).error
    answer = await asked(hasty, handshake("rt.v1", f"rt.token.{token}"))
    assert (answer.status, answer.error) == (401, generic)
    assert answer.headers["www-authenticate"] == "Bearer"
    over_http = await hasty.update(token=token, services=[])
    assert (over_http.status_code, over_http.json()) == (401, generic)


async def test_B87_one_user_has_so_many_sockets_and_no_more(hasty: Tenant) -> None:
    clients = [await hasty.connect() for _ in range(3)]
    status, error = await hasty.refused()
    assert (status, error["name"], error["retryable"]) == (429, "rate_limited", True)
    assert error["retryAfterMs"] > 0
    await hasty.connect(token=hasty.token(sub="bob"))
    await clients[0].close()

    async def is_let_in() -> bool:
        return (await asked(hasty, good(hasty))).status == 101

    await eventually(is_let_in)


@pytest.mark.parametrize("case", ["B23"])
async def test_a_refusal_says_when_to_come_back(hasty: Tenant, case: str) -> None:
    for _ in range(3):
        await hasty.connect()
    answer = await asked(hasty, good(hasty))
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) >= 1


async def test_B16_what_follows_the_upgrade_is_frames(hasty: Tenant) -> None:
    connection = await RawConnection.open(hasty.gateway(0))
    await connection.send(good(hasty) + good(hasty))
    assert (await connection.answer()).status == 101
    told = await connection.until((1002).to_bytes(2, "big"))
    assert told[-4] == 0x88, "a close frame"
    assert b"HTTP/1.1" not in told
    connection.close()


async def test_frames_right_behind_the_handshake_are_not_lost(hasty: Tenant) -> None:
    connection = await RawConnection.open(hasty.gateway(0))
    await connection.send(good(hasty) + text(b'{"type":"ping"}') + close(1000))
    assert (await connection.answer()).status == 101
    rest = await connection.rest()
    assert rest.endswith(b"\x88\x02\x03\xe8"), "the close was answered"
    connection.close()


@pytest.mark.parametrize(
    ("case", "raw", "status"),
    [
        ("B1", b"GET /v2/realtime/stream HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        ("B4", handshake("rt.v1").replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
        ("B7", handshake("rt.v1", without=["Host"]), 400),
        ("B8", handshake("rt.v1", path="/v2/realtime/stream/"), 404),
        ("B8", handshake("rt.v1", path="/v2/realtime%2Fstream"), 404),
        ("B10", handshake("rt.v1", path=f"{STREAM}?x={'x' * 20_000}"), 414),
        ("B11", handshake("rt.v1", X="x" * 70_000), 431),
        ("B13", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 400),
        ("B25", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
async def test_a_head_out_of_form_is_answered(
    hasty: Tenant, case: str, raw: bytes, status: int
) -> None:
    assert (await asked(hasty, raw)).status == status


async def test_a_client_that_vanishes_during_the_handshake_leaves_nothing(hasty: Tenant) -> None:
    for cut in range(1, 400, 40):
        connection = await RawConnection.open(hasty.gateway(0))
        await connection.send(good(hasty)[:cut])
        connection.close()
    for _ in range(10):
        connection = await RawConnection.open(hasty.gateway(0))
        await connection.send(good(hasty))
        connection.close()
        await asyncio.sleep(0)

    async def is_let_in() -> bool:
        return (await asked(hasty, good(hasty))).status == 101

    await eventually(is_let_in)
