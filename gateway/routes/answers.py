"""Errors as HTTP answers, and the caller's token from a request."""

import time
from collections.abc import Mapping

import orjson
from fastapi import Request, Response

from fanwire.errors import BodyTooLarge, RealtimeError, RequestTimeout, Unauthorized
from gateway.auth.claims import Claims
from gateway.auth.tokens import bearer_token
from gateway.gateway import Gateway


def error_response(error: RealtimeError) -> Response:
    """Return an error with its status, and how long to wait where that is known."""
    headers = {}
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, BodyTooLarge | RequestTimeout):
        # The rest of the body would have to be read first, which is what was refused.
        headers["Connection"] = "close"
    return json_response(error.as_dict(), status=error.http_status, headers=headers)


def json_response(
    fields: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an object as JSON."""
    return Response(orjson.dumps(fields), status, headers=headers, media_type="application/json")


async def caller(request: Request, gateway: Gateway) -> Claims:
    """Return who calls; raises Unauthorized, RateLimited, RedisUnavailable."""
    try:
        claims = _claims(request, gateway)
    except Unauthorized as error:
        gateway.signals.counters.judge(error)
        raise
    await gateway.revocations.open(claims.org)
    gateway.revocations.check(claims)
    gateway.admission.check_request(claims)
    return claims


def _claims(request: Request, gateway: Gateway) -> Claims:
    token = bearer_token(request.headers.get("authorization"))
    if token is None:
        raise Unauthorized("no Bearer token")
    now_s = time.time()  # noqa: TID251 (tokens know no other clock)
    return gateway.verifier.verify(token, now_s=now_s)
