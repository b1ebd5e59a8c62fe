"""The calls of a subscriber to its gateway: the upgrade, and update-services over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Final

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from fanwire.errors import RealtimeError, Unreachable
from fanwire.subscribe.addresses import GatewayAddress
from fanwire.wire.remote_errors import error_of_response

SUBPROTOCOL: Final = Subprotocol("rt.v1")

OPEN_TIMEOUT_S: Final = 10
"""The default of websockets: DNS, TCP, TLS and the gateway's answer."""

CLOSE_TIMEOUT_S: Final = 1


@dataclass(frozen=True, slots=True)
class Applied:
    """What a change of subscription came to."""

    version: int
    services: tuple[str, ...]
    property_id: str | None


def open_socket(url: str, token: str, *, max_frame_bytes: int) -> connect:
    """Return the context manager of a socket.

    No pings of our own: a full inbox stops the reading of pongs, too, and a slow app is no
    dead connection. The gateway's heartbeats are the sign of life.
    """
    return connect(
        url,
        subprotocols=[SUBPROTOCOL],
        additional_headers={"Authorization": f"Bearer {token}"},
        max_size=max_frame_bytes,
        compression=None,
        ping_interval=None,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
    )


CONNECT_FAILURES: Final = (OSError, TimeoutError, InvalidHandshake, InvalidURI)


def error_of_connect(failure: Exception, gateway: GatewayAddress) -> RealtimeError:
    """Return what a failed attempt to open a socket means."""
    if isinstance(failure, InvalidStatus):
        response = failure.response
        retry_after = response.headers.get("Retry-After")
        return error_of_response(response.status_code, bytes(response.body or b""), retry_after)
    reason = str(failure) or type(failure).__name__
    return Unreachable(f"gateway {gateway.host}: {reason}")


async def update_services(
    client: httpx.AsyncClient,
    gateway: GatewayAddress,
    token: str,
    *,
    services: Sequence[str],
    property_id: str | EllipsisType | None,
    connection_id: str,
) -> Applied:
    """Change the services of one open socket. Raises RealtimeError."""
    body: dict[str, object] = {"services": list(services), "connectionId": connection_id}
    # Left out it stays as it is; null clears it.
    if not isinstance(property_id, EllipsisType):
        body["propertyId"] = property_id
    try:
        response = await client.post(
            gateway.http("update-services"),
            json=body,
            headers={"Authorization": f"Bearer {token}"},
        )
    except httpx.HTTPError as failure:
        raise error_of_connect(failure, gateway) from failure
    if not response.is_success:
        retry_after = response.headers.get("Retry-After")
        raise error_of_response(response.status_code, response.content, retry_after)
    answer = response.json()
    return Applied(answer["version"], tuple(answer["services"]), answer["propertyId"])
