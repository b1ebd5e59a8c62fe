"""Results and errors as HTTP answers."""

from collections.abc import Mapping

import orjson
from fastapi import Response

from fanwire.errors import BodyTooLarge, RealtimeError, RequestTimeout, Unauthorized


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
