"""The way of a client: token, HTTP, upgrade through the balancer, and one event there and back."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from secrets import token_hex
from typing import Any, Final

import httpx
import jwt
import orjson
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from fanwire.cli.doctor.findings import Finding, advice, bad, good, of_error
from fanwire.cli.doctor.redis_rules import SKEW_MS
from fanwire.cli.format import duration_text
from fanwire.errors import RealtimeError, Unauthorized
from fanwire.publish.publisher import Publisher
from fanwire.subscribe.addresses import GatewayAddress
from fanwire.subscribe.gateway import CONNECT_FAILURES, SUBPROTOCOL, error_of_connect

PROBE_SERVICE: Final = "fanwire-doctor"
_UPGRADE_FIX: Final = (
    "Let the balancer speak HTTP/1.1 and pass Upgrade, Connection and Sec-WebSocket-Protocol."
)

_CLOCK_STEP_MS: Final = 1_000
"""HTTP's Date has whole seconds (RFC 9110, 5.6.7)."""


@dataclass(frozen=True, slots=True)
class WayIn:
    """Where clients connect, and as whom the doctor does."""

    gateway: GatewayAddress
    token: str
    timeout_s: float

    @property
    def claims(self) -> dict[str, Any]:
        """What the token claims, unverified: the gateway is the one to judge it."""
        try:
            found: dict[str, Any] = jwt.decode(self.token, options={"verify_signature": False})
        except jwt.InvalidTokenError as mistake:
            error = Unauthorized(str(mistake))
            error.args = (f"this is no token: {mistake}",)
            raise error from None
        return found

    @property
    def may_probe(self) -> bool:
        """Whether the token opens the service on which a probe disturbs no user."""
        services = self.claims.get("services", ())
        return services == "*" or PROBE_SERVICE in services


def token_findings(way: WayIn) -> Iterator[Finding]:
    """Yield what the token tells by itself."""
    claims = way.claims
    missing = [name for name in ("exp", "iat", "sub", "org", "iss", "aud") if name not in claims]
    if missing:
        yield bad("token", f"has no {', '.join(missing)}", "See `fanwire token mint --help`.")
        return
    left_s = claims["exp"] - time.time()
    told = f"{claims['org']}/{claims['sub']}, services {claims.get('services', '-')}"
    if left_s <= 0:
        ago = duration_text(-left_s * 1000)
        yield bad("token", f"{told}, expired {ago} ago", "Fetch a fresh one.")
    else:
        yield good("token", f"{told}, for another {duration_text(left_s * 1000)}")


def http_findings(way: WayIn) -> Iterator[Finding]:
    """Yield whether a gateway answers HTTP there, and what its clock says."""
    url = way.gateway.http("positions")
    try:
        answer = httpx.get(url, timeout=way.timeout_s)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as failure:
        raise error_of_connect(failure, way.gateway) from failure
    if "remedy" not in _object(answer.content):
        told = f"{way.gateway.host} answers {answer.status_code}, and is no gateway of Fanwire"
        yield bad("http", told, "Let the URL lead to a gateway, or to the balancer before it.")
        return
    yield good("http", f"{way.gateway.host} answers in {answer.elapsed.total_seconds():.3f} s")
    if date := answer.headers.get("date"):
        skew_ms = (time.time() - parsedate_to_datetime(date).timestamp()) * 1000
        # The header has whole seconds.
        if not -SKEW_MS < skew_ms < SKEW_MS + _CLOCK_STEP_MS:
            told = f"this machine and the gateway differ by {abs(skew_ms) / 1000:.0f} s"
            yield bad("clock", told, "Run NTP on both: tokens are judged by the gateway's clock.")


def upgrade_findings(way: WayIn, *, redis_url: str | None, prefix: str) -> Iterator[Finding]:
    """Yield whether a WebSocket opens, and how long an event takes there and back."""
    services = [PROBE_SERVICE] if way.may_probe else None
    try:
        with _open(way, services) as socket:
            if socket.subprotocol != SUBPROTOCOL:
                yield bad("upgrade", "the subprotocol rt.v1 was lost on the way", _UPGRADE_FIX)
                return
            hello = _next(socket, "hello", way.timeout_s)
            yield good("upgrade", f"a WebSocket opens, on gateway {hello['node']}")
            yield _round_trip(way, socket, redis_url, prefix)
    except InvalidStatus as refusal:
        yield _refused(way, refusal)
    except CONNECT_FAILURES as failure:
        told = str(error_of_connect(failure, way.gateway))
        yield bad("upgrade", f"no WebSocket opens: {told}", _UPGRADE_FIX)
    except ConnectionClosed as end:
        yield bad("upgrade", f"the socket was closed: {end}", "`fanwire errors CODE` explains it.")


def _round_trip(
    way: WayIn, socket: ClientConnection, redis_url: str | None, prefix: str
) -> Finding:
    what = "round trip"
    if not way.may_probe or redis_url is None:
        why = "Redis is away" if redis_url is None else f"the token does not list {PROBE_SERVICE}"
        fix = f"Give a token for {PROBE_SERVICE}: an event of it disturbs no page."
        return advice(what, f"not tried: {why}", fix)
    event_id, start_s = token_hex(8), time.monotonic()
    with Publisher.from_url(redis_url, key_prefix=prefix) as publisher:
        publisher.publish(way.claims["org"], PROBE_SERVICE, {"probe": True}, event_id=event_id)
    try:
        while True:
            batch = _next(socket, "batch", way.timeout_s - (time.monotonic() - start_s))
            if any(event.get("eventId") == event_id for event in batch["events"]):
                spent_ms = (time.monotonic() - start_s) * 1000
                return good(what, f"published and received in {spent_ms:.1f} ms")
    except TimeoutError:
        fix = "Look at workers and leases above, and `fanwire topics`: does its lag grow?"
        return bad(what, f"published, and not received within {way.timeout_s:g} s", fix)


def _open(way: WayIn, services: list[str] | None) -> ClientConnection:
    return connect(
        way.gateway.stream(services, None, {}),
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        additional_headers={"Authorization": f"Bearer {way.token}"},
        compression=None,
        open_timeout=way.timeout_s,
        close_timeout=0.2,
    )


def _next(socket: ClientConnection, kind: str, timeout_s: float) -> dict[str, Any]:
    end_s = time.monotonic() + timeout_s
    while True:
        frame = _object(socket.recv(timeout=max(end_s - time.monotonic(), 0), decode=False))
        if frame.get("type") == kind:
            return frame


def _refused(way: WayIn, refusal: InvalidStatus) -> Finding:
    error: RealtimeError = error_of_connect(refusal, way.gateway)
    if isinstance(error, Unauthorized):
        fix = "Check issuer, audience and key: `fanwire token check TOKEN`, `fanwire config show`."
        return bad("upgrade", f"refused: {error}", fix)
    if refusal.response.status_code in (400, 404, 426):
        return bad("upgrade", f"refused with {refusal.response.status_code}: {error}", _UPGRADE_FIX)
    return of_error("upgrade", error)


def _object(text: bytes | str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
