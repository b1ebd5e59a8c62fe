"""Reads the JSON body of a request within bounds of size and time."""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from fanwire.errors import (
    BadMessage,
    BodyTooLarge,
    InvalidBody,
    RequestTimeout,
    UnsupportedMediaType,
)
from fanwire.wire.strict_json import NotStrictJson, parse_object

Body = TypeVar("Body", bound=BaseModel)

_JSON_TYPES = frozenset({"application/json", "application/json;charset=utf-8"})


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a caller may send, and how long it may take."""

    max_bytes: int
    timeout_ms: int


async def read_body(request: Request, model: type[Body], limits: BodyLimits) -> Body:
    """Return the body as `model`.

    Raises:
        UnsupportedMediaType, BodyTooLarge, RequestTimeout: If it is not read to its end.
        BadMessage, InvalidBody: If it is no strict JSON object, or not such a one.
    """
    return as_model(json_object(await read_raw(request, limits)), model)


async def read_raw(request: Request, limits: BodyLimits) -> bytes:
    """Return a body that is declared as JSON, as it was sent.

    Raises:
        UnsupportedMediaType, BodyTooLarge, RequestTimeout, BadMessage: If there is none to its end.
    """
    _check_headers(request)
    try:
        async with asyncio.timeout(limits.timeout_ms / 1000):
            return await _read(request, limits.max_bytes)
    except TimeoutError:
        raise RequestTimeout(f"no whole body within {limits.timeout_ms} ms") from None


def json_object(raw: bytes) -> dict[str, object]:
    """Return the object that a body spells; raises BadMessage."""
    try:
        return parse_object(raw)
    except NotStrictJson as error:
        raise BadMessage(str(error)) from None


def as_model(fields: dict[str, object], model: type[Body]) -> Body:
    """Return the fields of a body as `model`; raises InvalidBody."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidBody(_faults(error)) from None


def _check_headers(request: Request) -> None:
    content_type = request.headers.get("content-type", "").lower().replace(" ", "")
    if content_type not in _JSON_TYPES:
        raise UnsupportedMediaType(f"Content-Type is {content_type[:64]!r}, not application/json")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("a compressed body is not accepted")


async def _read(request: Request, max_bytes: int) -> bytes:
    raw = bytearray()
    try:
        async for piece in request.stream():
            raw += piece
            if len(raw) > max_bytes:
                raise BodyTooLarge(f"the body is larger than {max_bytes} bytes")
    except ClientDisconnect:
        raise BadMessage("the body ended before its end") from None
    return bytes(raw)


def _faults(error: ValidationError) -> str:
    # Never the input: it may hold anything, and the answer may be logged by the caller.
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)[:5]
    )
