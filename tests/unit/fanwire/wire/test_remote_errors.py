"""Errors told by a server come back as the exceptions they were."""

import orjson
import pytest

from fanwire.errors import (
    ALL_ERRORS,
    BadMessage,
    Forbidden,
    NotFound,
    Overloaded,
    RateLimited,
    RealtimeError,
    SlowConsumer,
    StaleVersion,
    Unauthorized,
)
from fanwire.wire.remote_errors import error_from_dict, error_of_close, error_of_response


@pytest.mark.parametrize("kind", ALL_ERRORS, ids=lambda kind: kind.name)
def test_every_error_survives_the_wire(kind: type[RealtimeError]) -> None:
    told = {"code": kind.code, "name": kind.name, "message": "why", "retryAfterMs": 9, "version": 3}
    error = error_from_dict(told)
    assert type(error) is kind
    assert (
        error.as_dict().items() >= {"name": kind.name, "message": "why", "retryAfterMs": 9}.items()
    )


def test_a_stale_version_brings_the_current_one() -> None:
    sent = StaleVersion(expected=2, current=5)
    received = error_from_dict(sent.as_dict())
    assert isinstance(received, StaleVersion)
    assert received.current == 5


@pytest.mark.parametrize("fields", [{"name": "from_the_future", "message": "x"}, {}, {"name": 7}])
def test_an_unknown_error_keeps_the_servers_words(fields: dict[str, object]) -> None:
    error = error_from_dict(fields)
    assert type(error) is RealtimeError
    assert error.retryable


def test_a_close_code_becomes_its_error_with_the_reason() -> None:
    error = error_of_close(4410, "2 MiB unsent")
    assert isinstance(error, SlowConsumer)
    assert str(error) == "2 MiB unsent"


@pytest.mark.parametrize("code", [1000, 1006, 1011, 4999])
def test_a_foreign_close_code_is_worth_another_try(code: int) -> None:
    error = error_of_close(code, "")
    assert error.retryable
    assert str(code) in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadMessage),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (429, RateLimited),
        (502, Overloaded),
    ],
)
def test_an_answer_of_something_in_between_is_read_by_its_status(
    status: int, kind: type[RealtimeError]
) -> None:
    for body in (b"", b"<html>", b"[1]", b'{"detail":"Not Found"}'):
        assert type(error_of_response(status, body, None)) is kind


def test_the_servers_own_answer_and_its_wait_are_kept() -> None:
    body = orjson.dumps(Overloaded("full", retry_after_ms=700).as_dict())
    assert error_of_response(503, body, "9").retry_after_ms == 700
    assert error_of_response(503, b"", "9").retry_after_ms == 9000
    assert error_of_response(503, b"", "soon").retry_after_ms is None
