"""Reading a JSON body within bounds of size and time."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterable

import pytest
from fastapi import Request
from pydantic import BaseModel, ConfigDict

from fanwire.errors import (
    BadMessage,
    BodyTooLarge,
    InvalidBody,
    RequestTimeout,
    UnsupportedMediaType,
)
from gateway.edge.request_body import BodyLimits, read_body


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    services: list[str]
    version: int | None = None


def a_request(
    pieces: Iterable[bytes | None],
    *,
    content_type: str | None = "application/json",
    encoding: str | None = None,
) -> Request:
    """Return a request whose body comes in pieces; None stands for a client that leaves."""

    async def messages() -> AsyncIterator[dict[str, object]]:
        for piece in pieces:
            if piece is None:
                yield {"type": "http.disconnect"}
            yield {"type": "http.request", "body": piece, "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}

    headers = {"content-type": content_type, "content-encoding": encoding}
    raw = [(name.encode(), value.encode()) for name, value in headers.items() if value is not None]
    return Request({"type": "http", "headers": raw}, messages().__anext__)


async def read(
    *pieces: bytes | None,
    content_type: str | None = "application/json",
    encoding: str | None = None,
) -> Wish:
    request = a_request(pieces, content_type=content_type, encoding=encoding)
    return await read_body(request, Wish, BodyLimits(1_000, 1_000))


BODY = b'{"services":["tasks"]}'


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"],
)
async def test_a_body_is_read_in_however_many_pieces_it_comes(content_type: str) -> None:
    expected = Wish(services=["tasks"])
    assert await read(BODY, content_type=content_type) == expected
    assert await read(*(bytes([byte]) for byte in BODY), content_type=content_type) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"services=tasks",
        b"[]",
        b"null",
        b'"tasks"',
        b"\xef\xbb\xbf" + BODY,
        BODY.decode().encode("utf-16"),
        b'{"services":["\xff"]}',
        b'{"services":["a"],"services":["b"]}',
        b'{"services":[NaN]}',
        b'{"services":' + b"[" * 400 + b"]" * 400,
    ],
    ids=[
        "empty",
        "form",
        "array",
        "null",
        "text",
        "bom",
        "utf16",
        "not-utf8",
        "twice",
        "nan",
        "deep",
    ],
)
async def test_B91_what_is_no_strict_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        await read(body)
    assert caught.value.http_status == 400


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        (None, None),
        ("", None),
        ("text/plain", None),
        ("application/x-www-form-urlencoded", None),
        ("application/json; charset=latin-1", None),
        ("application/jsonp", None),
        ("application/json", "gzip"),
    ],
)
async def test_B92_another_kind_of_body_is_refused_unread(
    content_type: str | None, encoding: str | None
) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        await read(gzip.compress(b"0" * 1_000_000), content_type=content_type, encoding=encoding)
    assert caught.value.http_status == 415


async def test_B93_a_body_is_read_no_further_than_its_limit() -> None:
    read_count = 0

    def endless() -> Iterable[bytes]:
        nonlocal read_count
        while True:
            read_count += 1
            yield b" " * 100

    with pytest.raises(BodyTooLarge) as caught:
        await read_body(a_request(endless()), Wish, BodyLimits(1_000, 1_000))
    assert caught.value.http_status == 413
    assert read_count == 11


async def test_B93_a_body_of_just_the_limit_is_read() -> None:
    assert (await read(BODY + b" " * (1_000 - len(BODY)))).services == ["tasks"]


async def test_B94_a_body_that_does_not_come_to_its_end_in_time_is_given_up() -> None:
    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    headers = [(b"content-type", b"application/json")]
    request = Request({"type": "http", "headers": headers}, never)
    with pytest.raises(RequestTimeout) as caught:
        await read_body(request, Wish, BodyLimits(1_000, 1))
    assert caught.value.http_status == 408


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"services":null}',
        b'{"services":"tasks"}',
        b'{"services":[1]}',
        b'{"services":[],"version":"1"}',
        b'{"services":[],"version":1.0}',
        b'{"services":[],"callback":"http://169.254.169.254/"}',
    ],
    ids=["missing", "null", "text", "number", "version-text", "version-float", "B108-url"],
)
async def test_B95_a_wrong_field_is_named_and_its_value_is_not_repeated(body: bytes) -> None:
    with pytest.raises(InvalidBody) as caught:
        await read(body)
    assert caught.value.http_status == 422
    assert (
        "services" in str(caught.value)
        or "version" in str(caught.value)
        or ("callback" in str(caught.value))
    )
    assert "169.254" not in str(caught.value)


async def test_a_thousand_faults_make_no_long_answer() -> None:
    body = b'{"services":[' + b",".join([b"1"] * 300) + b"]}"
    with pytest.raises(InvalidBody) as caught:
        await read(body)
    assert str(caught.value).count(";") == 4


async def test_a_client_that_leaves_in_the_middle_is_no_mistake_of_ours() -> None:
    with pytest.raises(BadMessage):
        await read(BODY[:5], None)
