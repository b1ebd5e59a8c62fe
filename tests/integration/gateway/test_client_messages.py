"""What a client may ask and say on a real socket, and how it ends when it may not."""

from collections.abc import Sequence

import httpx
import pytest

from tests.support.client_frames import client_frame
from tests.support.raw_request import RawConnection, handshake
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


async def refused(tenant: Tenant, *messages: bytes) -> tuple[int, list[str]]:
    """Say these and return the close code and the errors."""
    client = await tenant.connect()
    for message in messages:
        await client.say_text(message)
    code = await client.ended()
    return code, [error["name"] for error in client.of_type("error")]


async def test_a_client_that_does_all_right_stays(hasty: Tenant) -> None:
    client = await hasty.connect(services=["tasks", "users"])
    await hasty.publish_numbers("tasks", [1])
    await client.received(1)
    for message in (
        {"type": "ack", "positions": client.positions()},
        {"type": "visibility", "hidden": True},
        {"type": "visibility", "hidden": False, "of": "a newer client"},
        {"type": "ping"},
    ):
        await client.say(**message)
    await client.next("heartbeat")
    assert client.of_type("error") == []


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("B43", b""),
        ("B43", b" \n"),
        ("B44", b"[]"),
        ("B44", b'{"type":"ping","type":"ping"}'),
        ("B44", b'{"type":"ping","x":NaN}'),
        ("B44", b'{"type":"ping","x":1e400}'),
        ("B45", b'{"type":"ping","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        ("B46", b'{"type":"ping","x":' + b"9" * 5_000 + b"}"),
        ("B55", b'{"type":"ack","positions":{"{x}":"1-1"}}'),
        ("B56", b'{"type":"ack","positions":{"tasks":"1e3-1"}}'),
        ("B56", b'{"type":"ack","positions":{"tasks":-1}}'),
    ],
)
async def test_a_message_that_breaks_the_protocol_ends_the_socket(
    hasty: Tenant, case: str, message: bytes
) -> None:
    code, errors = await refused(hasty, message)
    assert code == 4400
    assert len(errors) == 1


async def test_B47_unknown_messages_are_answered_twice_and_end_it_then(hasty: Tenant) -> None:
    unknown = [b'{"type":"subscribe"}', b"{}", b'{"type":7}']
    client = await hasty.connect()
    for message in unknown[:2]:
        await client.say_text(message)
        await client.next("error", name="bad_message")
    assert client.is_open
    await client.say_text(unknown[2])
    assert await client.ended() == 4400


@pytest.mark.parametrize(
    ("case", "raw", "code"),
    [
        ("B26", client_frame(1, b"{}", is_masked=False), 1002),
        ("B27", client_frame(1, b"{}", reserved_bits=0x40), 1002),
        ("B33", client_frame(1, declared_bytes=2**62), 1009),
        ("B32", client_frame(1, b"x" * 65_537), 1009),
        ("B42", client_frame(2, b"{}"), 1003),
        ("B31", client_frame(1, b"\xff"), 1007),
    ],
)
async def test_a_frame_out_of_form_is_closed_with_its_code(
    hasty: Tenant, case: str, raw: bytes, code: int
) -> None:
    connection = await RawConnection.open(hasty.gateway(0))
    await connection.send(handshake("rt.v1", f"rt.token.{hasty.token()}"))
    assert (await connection.answer()).status == 101
    await connection.send(raw)
    told = await connection.until(code.to_bytes(2, "big"))
    assert told[-4] == 0x88, "a close frame"
    connection.close()


@pytest.mark.parametrize("case", ["B51", "B52"])
async def test_too_many_messages_end_the_socket(hasty: Tenant, case: str) -> None:
    client = await hasty.connect()
    ping = b'{"type":"ping"}' if case == "B51" else None
    for _ in range(60):
        if not client.is_open:
            break
        await (client.say_text(ping) if ping else client.socket.ping())
    assert await client.ended() == 4429
    assert [error["name"] for error in client.of_type("error")] == ["rate_limited"]


async def test_B50_a_flood_of_fresh_tokens_ends_the_socket(hasty: Tenant) -> None:
    client = await hasty.connect()
    token = hasty.token()
    for _ in range(60):
        await client.socket.send(b'{"type":"auth","token":"%b"}' % token.encode(), text=True)
    assert await client.ended() == 4429


async def test_B60_an_ack_ahead_of_what_was_sent_ends_the_socket(hasty: Tenant) -> None:
    client = await hasty.connect()
    await hasty.publish_numbers("tasks", range(3))
    await client.received(3)
    epoch, _, seq = client.positions()["tasks"].partition("-")
    await client.say(type="ack", positions={"tasks": f"{epoch}-{int(seq) + 1}"})
    assert await client.ended() == 4400


async def test_B60_an_ack_that_goes_back_or_names_a_stranger_is_ignored(hasty: Tenant) -> None:
    client = await hasty.connect()
    await hasty.publish_numbers("tasks", range(3))
    await client.received(3)
    for positions in (client.positions(), {"tasks": "0-0"}, {"finance": "9-9"}, {}):
        await client.say(type="ack", positions=positions)
    await client.say(type="ping")
    await client.next("heartbeat")
    assert client.is_open


async def test_hello_comes_first_whatever_the_client_says(hasty: Tenant) -> None:
    connection = await RawConnection.open(hasty.gateway(0))
    early = client_frame(1, b'{"type":"ping"}') * 3
    await connection.send(handshake("rt.v1", f"rt.token.{hasty.token()}") + early)
    assert (await connection.answer()).status == 101
    header_bytes = 4
    assert (await connection.received(header_bytes + 15))[header_bytes:] == b'{"type":"hello"'
    connection.close()


REFUSED_QUERIES: Sequence[tuple[str, dict[str, object], str]] = (
    ("B55", {"services": ["{tasks}"]}, "invalid_id"),
    ("B55", {"services": ["*"]}, "invalid_id"),
    ("B55", {"services": ["a:b"]}, "invalid_id"),
    ("B55", {"services": [".."]}, "invalid_id"),
    ("B55", {"services": ["tâches"]}, "invalid_id"),
    ("B55", {"services": ["x" * 5_000]}, "invalid_id"),
    ("B54", {"services": [f"s{n}" for n in range(33)]}, "too_many_services"),
    ("B56", {"services": ["tasks"], "resume": {"tasks": "abc"}}, "invalid_position"),
    ("B56", {"services": ["tasks"], "resume": {"tasks": "-1-0"}}, "invalid_position"),
    ("B56", {"services": ["tasks"], "resume": {"tasks": "1e3-1"}}, "invalid_position"),
    ("B56", {"services": ["tasks"], "resume": {"tasks": "01-1"}}, "invalid_position"),
    ("B56", {"services": ["tasks"], "resume": {"tasks": str(2**64)}}, "invalid_position"),
    ("B56", {"services": ["tasks"], "resume": {"tasks": "1.5-1"}}, "invalid_position"),
    ("B56", {"services": ["tasks"], "resume": {"tasks": "{}"}}, "invalid_position"),
)


@pytest.mark.parametrize(("case", "asked", "name"), REFUSED_QUERIES)
async def test_a_stream_that_cannot_be_read_is_closed_for_good(
    hasty: Tenant, case: str, asked: dict[str, object], name: str
) -> None:
    client = await StreamClient.open(hasty.gateway(0).stream_url, hasty.token(), **asked)  # type: ignore[arg-type]
    code = await client.ended()
    assert code == (4413 if name == "too_many_services" else 4400)
    (error,) = client.of_type("error")
    assert (error["name"], error["retryable"]) == (name, False)
    assert client.frames[0].type == "error", "no hello before it"


async def test_B53_unknown_and_forbidden_services_are_told_apart_by_nothing(hasty: Tenant) -> None:
    await hasty.publish_numbers("finance", [1])
    token = hasty.token(services=["tasks"])
    answers = []
    for service in ("finance", "no-such-service"):
        status, error = await hasty.refused(token=token, services=["tasks", service])
        body = await hasty.update(token=token, services=["tasks", service])
        assert (status, body.status_code) == (403, 403)
        answers.append(str((error, body.json())).replace(service, "X"))
    assert answers[0] == answers[1]


async def test_B63_a_client_that_answers_nothing_is_given_up(hasty: Tenant) -> None:
    mute = await hasty.connect(is_paused=True)

    async def is_gone() -> bool:
        return await connection_count(hasty) == 0

    assert await connection_count(hasty) == 1
    await eventually(is_gone, 10)
    mute.unpause()
    await mute.ended()


async def test_B62_a_client_that_never_reads_is_cut_off_and_others_are_not_held_up(
    hasty: Tenant,
) -> None:
    witness = await hasty.connect()
    stalled = await hasty.connect(is_paused=True)
    filler = b'"%b"' % (b"x" * 20_000)

    async def is_alone() -> bool:
        return await connection_count(hasty) == 1

    for published in range(10, 1_000, 10):
        await hasty.publish("tasks", *[filler] * 10)
        await witness.received(published)
        if await is_alone():
            break
    assert await is_alone(), "20 MB that nobody reads, and it is still here"
    stalled.unpause()
    assert await stalled.ended() in {1006, 4410}


async def connection_count(tenant: Tenant) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{tenant.gateway(0).internal_url}/readyz")
    count: int = answer.json()["connections"]
    return count
