"""GATEWAY_* settings: what a gateway says and does, and what its parts are given."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from fanwire.errors import RealtimeError
from gateway.app import public_api
from gateway.build import Gateway
from gateway.cluster.rebalance import RebalanceLimits
from gateway.connection.connection import Connection
from gateway.flow_control.quarantine import QuarantineLimits
from gateway.settings import GatewaySettings
from tests.support import client_frames
from tests.support.effects.effect import Effect, Elsewhere, a_gateway, complaint
from tests.support.effects.processes import gateways_internal, public_address
from tests.support.gateway_values import some_claims
from tests.support.loopback import Client
from tests.support.server_frames import close_code
from tests.support.waiting import free_port

PAGE: Final = "https://app.example.com"
ADDRESS: Final = "192.0.2.7"
OTHER_ADDRESS: Final = "192.0.2.8"
CLAIMS: Final = some_claims()
FIRST_PORT, OTHER_PORT = str(free_port()), str(free_port())


def refusal_of_a_second(check: Callable[[Gateway], None]) -> RealtimeError | None:
    """Return what somebody meets who comes when one socket is open and one connect is made."""
    gateway = a_gateway()
    gateway.sessions.registry.add(Connection(gateway.sessions.messages, CLAIMS, "gw~1", ADDRESS))
    try:
        gateway.edge.admission.arrive(some_claims(sub="eve"), OTHER_ADDRESS)
        gateway.edge.admission.check_request(some_claims(sub="eve"))
        check(gateway)
    except RealtimeError as refusal:
        return refusal
    return None


def name_of(check: Callable[[Gateway], None]) -> str | None:
    """Return the name of that refusal, None if there is none."""
    refusal = refusal_of_a_second(check)
    return None if refusal is None else refusal.name


def wait_ms(check: Callable[[Gateway], None]) -> int | None:
    """Return how long to wait after that refusal, roughly."""
    refusal = refusal_of_a_second(check)
    return None if refusal is None else round(refusal.retry_after_ms or 0, -2)


def connects(sub: str) -> Callable[[Gateway], None]:
    """Return the check of a connect of a user."""

    def check(gateway: Gateway) -> None:
        gateway.edge.admission.arrive(some_claims(sub=sub), OTHER_ADDRESS)

    return check


def asks(sub: str) -> Callable[[Gateway], None]:
    """Return the check of a request of a user."""
    return lambda gateway: gateway.edge.admission.check_request(some_claims(sub=sub))


def code_after(*frames: bytes) -> int | None:
    """Return the code with which a gateway closes a socket that says this."""
    client = Client(a_gateway().sessions.messages)
    for frame in frames:
        client.connection.data_received(frame)
    return close_code(client.transport.received_in_full())


async def origin_answered() -> tuple[bool, str | None]:
    """Tell whether a page may connect, and as whom it may call."""
    gateway = a_gateway()
    transport = httpx.ASGITransport(public_api(gateway))
    asked = {"origin": PAGE, "access-control-request-method": "POST"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gw") as client:
        answer = await client.options("/v2/realtime/update-services", headers=asked)
    allowed = gateway.edge.origins.allows(PAGE, token_in_header=False)
    return allowed, answer.headers.get("access-control-allow-origin")


def heartbeats_ms() -> tuple[float, float]:
    """Return what `hello` promises, and what the timers do."""
    gateway = a_gateway()
    return gateway.sessions.profile.heartbeat_ms, gateway.sessions.timers._limits.heartbeat_ms


def lagging() -> QuarantineLimits:
    """Return when a socket lags, and for how long that counts."""
    return a_gateway().flow.monitor._limits


def rebalancing() -> RebalanceLimits:
    """Return when and how fast sockets are given away."""
    rebalancer = a_gateway().cluster.rebalancer
    assert rebalancer is not None
    return rebalancer._policy._limits


def polls_ms() -> tuple[Any, Any]:
    """Return how often subscriptions and revocations are read unasked."""
    sessions = a_gateway().sessions
    return sessions.subscriptions._refresher._poll_ms, sessions.revocations._refresher._poll_ms


PINGS: Final = [client_frames.text(b'{"type":"ping"}')] * 4
LONG_TEXT: Final = client_frames.text(b'{"type":"ping","filler":"%b"}' % (b"x" * 2_000))
BODY_TESTS: Final = "tests/integration/gateway/test_update_body.py"

EFFECTS: Final[Mapping[str, Effect | Elsewhere]] = {
    "GATEWAY_HOST": Effect(
        "0.0.0.0", lambda: public_address()[0], "0.0.0.0", {"GATEWAY_PORT": FIRST_PORT}
    ),
    "GATEWAY_PORT": Effect(
        OTHER_PORT, lambda: public_address()[1], int(OTHER_PORT), {"GATEWAY_PORT": FIRST_PORT}
    ),
    "GATEWAY_INTERNAL_HOST": Effect(
        "0.0.0.0",
        lambda: gateways_internal("host"),
        "0.0.0.0",
        {"GATEWAY_PORT": FIRST_PORT, "GATEWAY_MAX_CONNECTIONS": "1"},
    ),
    "GATEWAY_INTERNAL_PORT": Effect(
        "9123",
        lambda: gateways_internal("port"),
        9123,
        {"GATEWAY_PORT": FIRST_PORT, "GATEWAY_MAX_CONNECTIONS": "1"},
    ),
    "GATEWAY_NODE_ID": Effect("gw-7", lambda: a_gateway().sessions.profile.node, "gw-7"),
    "GATEWAY_ALLOWED_ORIGINS": Effect(PAGE, origin_answered, (True, PAGE)),
    "GATEWAY_MAX_CONNECTIONS": Effect(
        "1", lambda: name_of(lambda gateway: gateway.edge.admission.check_node()), "overloaded"
    ),
    "GATEWAY_MAX_CONNECTIONS_PER_USER": Effect(
        "1", lambda: name_of(connects(CLAIMS.sub)), "rate_limited"
    ),
    "GATEWAY_MAX_CONNECTIONS_PER_ORG": Effect(
        "1", lambda: name_of(connects("bob")), "rate_limited"
    ),
    "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS": Effect(
        "1",
        lambda: name_of(lambda gateway: gateway.edge.admission.check_address(ADDRESS)),
        "rate_limited",
    ),
    "GATEWAY_TRUSTED_PROXIES": Effect(
        "10.0.0.0/8", lambda: a_gateway().edge.addresses.of("10.0.0.1", [ADDRESS]), ADDRESS
    ),
    "GATEWAY_FORWARDED_HEADER": Effect(
        "forwarded", lambda: a_gateway().edge.forwarded_header, "forwarded"
    ),
    "GATEWAY_MAX_SERVICES": Effect("7", lambda: a_gateway().sessions.profile.max_services, 7),
    "GATEWAY_HEARTBEAT_MS": Effect("777", heartbeats_ms, (777, 777)),
    "GATEWAY_PROXY_IDLE_TIMEOUT_MS": Effect(
        "20000",
        lambda: complaint(GatewaySettings),
        "GATEWAY_HEARTBEAT_MS (15000) must be at most half of "
        "GATEWAY_PROXY_IDLE_TIMEOUT_MS (20000)",
    ),
    "GATEWAY_MESSAGE_RATE_PER_S": Effect(
        "7", lambda: a_gateway().sessions.messages.limits.rate.per_s, 7
    ),
    "GATEWAY_MESSAGE_BURST": Effect(
        "3", lambda: code_after(*PINGS), 4429, {"GATEWAY_MESSAGE_RATE_PER_S": "1"}
    ),
    "GATEWAY_CONNECTS_PER_USER_PER_S": Effect(
        "0.5", lambda: wait_ms(connects("eve")), 2_000, {"GATEWAY_CONNECT_BURST": "1"}
    ),
    "GATEWAY_CONNECT_BURST": Effect("1", lambda: name_of(connects("eve")), "rate_limited"),
    "GATEWAY_REQUESTS_PER_USER_PER_S": Effect(
        "0.5", lambda: wait_ms(asks("eve")), 2_000, {"GATEWAY_REQUEST_BURST": "1"}
    ),
    "GATEWAY_REQUEST_BURST": Effect("1", lambda: name_of(asks("eve")), "rate_limited"),
    "GATEWAY_MAX_FRAME_BYTES": Effect("1024", lambda: code_after(LONG_TEXT), 1009),
    "GATEWAY_MAX_BODY_BYTES": Elsewhere(BODY_TESTS, "test_a_body_without_measure_is_cut_off"),
    "GATEWAY_BODY_TIMEOUT_MS": Elsewhere(
        BODY_TESTS, "test_B94_a_body_that_trickles_is_not_waited_for"
    ),
    "GATEWAY_SEND_BUFFER_BYTES": Effect(
        "7777", lambda: a_gateway().sessions.messages.limits.send_buffer_bytes, 7777
    ),
    "GATEWAY_LAGGING_BYTES": Effect("7777", lambda: lagging().backlog_bytes, 7777),
    "GATEWAY_LAGGING_MS": Effect(
        "777", lambda: (lagging().age_ms, lagging().ack_lag_ms), (777, 777)
    ),
    "GATEWAY_QUARANTINE_MS": Effect(
        "7777", lambda: (lagging().spell_ms, lagging().longest_spell_ms), (7777, 4 * 7777)
    ),
    "GATEWAY_HARD_LIMIT_BYTES": Effect(
        "77777", lambda: a_gateway().sessions.messages.limits.hard_limit_bytes, 77_777
    ),
    "GATEWAY_SWEEP_MS": Effect("777", lambda: a_gateway().delivery.feed._sweep_ms, 777),
    "GATEWAY_SUBSCRIPTION_POLL_MS": Effect("777", polls_ms, (777, 777)),
    "GATEWAY_CANARY_MS": Effect("777", lambda: a_gateway().cluster.canary._limits.period_ms, 777),
    "GATEWAY_DRAIN_NOTICE_MS": Effect(
        "777", lambda: a_gateway().cluster.drainer._times.notice_ms, 777
    ),
    "GATEWAY_DRAIN_WINDOW_MS": Effect(
        "777", lambda: a_gateway().cluster.drainer._times.window_ms, 777
    ),
    "GATEWAY_REBALANCE": Effect("false", lambda: a_gateway().cluster.rebalancer is None, True),
    "GATEWAY_REBALANCE_ABOVE_PERCENT": Effect("50", lambda: rebalancing().begin_above, 0.5),
    "GATEWAY_REBALANCE_WINDOW_MS": Effect("77777", lambda: rebalancing().window_ms, 77_777),
    "GATEWAY_REBALANCE_PER_S": Effect("7", lambda: rebalancing().per_s, 7),
}
