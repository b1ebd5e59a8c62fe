"""The balancers' configurations in `deploy/`, in front of three real gateways."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from gateway.settings import GatewaySettings
from tests.cluster.conftest import ON_VALKEY, UNHINDERED, OpenTenant, StartBalancer
from tests.conftest import StartStack
from tests.support.balancer import Balancer, Haproxy, Nginx
from tests.support.flow import Flow
from tests.support.stack import GatewayProcess
from tests.support.stream_client import PAGE
from tests.support.waiting import eventually
from tests.support.wanderer import Wanderer, check_all

pytestmark = [pytest.mark.slow, ON_VALKEY]
EACH_KIND = pytest.mark.parametrize("kind", [Haproxy, Nginx])
Kind = type[Haproxy] | type[Nginx]


def name_in_config(node: str) -> str:
    """Return the balancer's name of a gateway: the stack counts from 0, `deploy/` from 1."""
    return f"gateway-{int(node.removeprefix('gw-')) + 1}"


def servers_of(log: str, method: str, gateways: Sequence[GatewayProcess]) -> set[str]:
    """Return the nodes that the requests of a method went to, by the balancer's log."""
    lines = [line for line in log.splitlines() if f" {method} " in line]
    return {
        gateway.name
        for gateway in gateways
        if any(
            name_in_config(gateway.name) in line or gateway.url.removeprefix("http://") in line
            for line in lines
        )
    }


@EACH_KIND
async def test_the_configuration_is_accepted_without_a_warning(
    start_stack: StartStack, start_balancer: StartBalancer[Balancer], tmp_path: Path, kind: Kind
) -> None:
    stack = await start_stack(gateways=3, env=UNHINDERED)
    balancer = await start_balancer(kind(stack.gateways, tmp_path))
    said = balancer.check().lower()
    assert "warn" not in said
    assert "valid" in said or "successful" in said


@EACH_KIND
async def test_a_change_through_the_balancer_reaches_a_socket_on_another_node(
    start_stack: StartStack,
    start_balancer: StartBalancer[Balancer],
    tenant_of: OpenTenant,
    tmp_path: Path,
    kind: Kind,
) -> None:
    stack = await start_stack(gateways=3, env=UNHINDERED)
    balancer = await start_balancer(kind(stack.gateways, tmp_path))
    tenant = tenant_of(stack, door=balancer)
    client = await tenant.connect(services=["tasks"])
    await tenant.publish_numbers("tasks", [1])
    await client.received(1)
    services = ["tasks"]
    # Both balance by connections, so one of a few requests goes to a gateway without any.
    for service in ("finance", "users", "staff"):
        services.append(service)
        answer = await tenant.update(services=services)
        assert answer.status_code == 200
        await client.next("subscriptions", version=answer.json()["version"])
    await tenant.publish_numbers("finance", [2])
    await client.received(2)
    served = servers_of(balancer.log, "POST", stack.gateways)
    assert served - {client.hello["node"]}, balancer.log


@EACH_KIND
async def test_both_ways_to_bring_a_token_pass_and_neither_is_logged(
    start_stack: StartStack,
    start_balancer: StartBalancer[Balancer],
    tenant_of: OpenTenant,
    tmp_path: Path,
    kind: Kind,
) -> None:
    stack = await start_stack(gateways=3, env=UNHINDERED)
    balancer = await start_balancer(kind(stack.gateways, tmp_path))
    tenant = tenant_of(stack, door=balancer)
    token = tenant.token()
    browser = await tenant.connect(token=token)
    assert browser.socket.subprotocol == "rt.v1"
    async with connect(
        f"{balancer.stream_url}?services=tasks",
        subprotocols=[Subprotocol("rt.v1")],
        additional_headers={"Authorization": f"Bearer {token}"},
        proxy=None,
    ) as service:
        assert b'"type":"hello"' in await service.recv(decode=False)
    await browser.close()
    with pytest.raises(InvalidStatus):
        await connect(f"{balancer.stream_url}?token={token}", proxy=None)
    assert (await tenant.get("/v2/realtime/positions?services=tasks", token=token)).is_success
    await eventually(lambda: balancer.log.count("/v2/realtime/stream") == 3)
    for log in (balancer.log, *(gateway.stderr for gateway in stack.gateways)):
        assert token not in log
        assert "services=" not in log


@EACH_KIND
async def test_only_the_routes_of_clients_lead_to_the_gateways(
    start_stack: StartStack, start_balancer: StartBalancer[Balancer], tmp_path: Path, kind: Kind
) -> None:
    stack = await start_stack(gateways=3, env=UNHINDERED)
    balancer = await start_balancer(kind(stack.gateways, tmp_path))
    async with httpx.AsyncClient(base_url=balancer.url, trust_env=False) as http:
        for path in ("/", "/readyz", "/metrics", "/drain", "/openapi.json", "/v2/realtime"):
            assert (await http.get(path)).status_code == 404
        assert (await http.post("/drain")).status_code == 404
        assert (await http.get("/v2/realtime/positions")).status_code == 401
        assert (await http.get("/v2/realtime/stream")).status_code == 426
        assert (await http.post("/telemetry/client", content=b"no")).status_code in {400, 401, 422}


async def is_leaving(gateway: GatewayProcess) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"{gateway.internal_url}/readyz")).status_code == 503


@EACH_KIND
async def test_nobody_is_refused_while_one_gateway_leaves(
    start_stack: StartStack,
    start_balancer: StartBalancer[Balancer],
    tenant_of: OpenTenant,
    tmp_path: Path,
    kind: Kind,
) -> None:
    patient = UNHINDERED | {"GATEWAY_DRAIN_NOTICE_MS": "300", "GATEWAY_DRAIN_WINDOW_MS": "1500"}
    stack = await start_stack(gateways=3, env=patient)
    balancer = await start_balancer(kind(stack.gateways, tmp_path))
    tenant = tenant_of(stack, door=balancer)
    for _ in range(3):
        await tenant.connect()
    leaving = stack.gateways[0]
    leaving.terminate()
    await eventually(partial(is_leaving, leaving))
    # From the first moment on, long before a health check fails: the 503 is not the client's.
    clients = [await tenant.connect() for _ in range(12)]
    assert leaving.name not in {client.hello["node"] for client in clients}
    assert leaving.is_running, "it refused them, and was not just gone"


@EACH_KIND
async def test_when_all_are_full_the_client_is_told_so_by_a_gateway(
    start_stack: StartStack,
    start_balancer: StartBalancer[Balancer],
    tenant_of: OpenTenant,
    tmp_path: Path,
    kind: Kind,
) -> None:
    stack = await start_stack(gateways=3, env=UNHINDERED | {"GATEWAY_MAX_CONNECTIONS": "1"})
    balancer = await start_balancer(kind(stack.gateways, tmp_path))
    tenant = tenant_of(stack, door=balancer)
    nodes = {(await tenant.connect()).hello["node"] for _ in range(3)}
    assert nodes == {"gw-0", "gw-1", "gw-2"}, "a full one passes the client on"
    status, error = await tenant.refused()
    assert (status, error["name"]) == (503, "overloaded")
    assert error["retryAfterMs"] > 0


@EACH_KIND
async def test_F21_clients_of_a_killed_gateway_resume_at_the_others(
    start_stack: StartStack,
    start_balancer: StartBalancer[Balancer],
    tenant_of: OpenTenant,
    tmp_path: Path,
    kind: Kind,
) -> None:
    stack = await start_stack(gateways=3, env=UNHINDERED)
    balancer = await start_balancer(kind(stack.gateways, tmp_path))
    tenant = tenant_of(stack, door=balancer)
    async with AsyncExitStack() as exits:
        wanderers = await asyncio.gather(
            *(exits.enter_async_context(Wanderer(tenant)) for _ in range(60))
        )
        nodes = [each.node for each in wanderers]
        assert all(nodes.count(gateway.name) >= 10 for gateway in stack.gateways), "a fair share"
        async with Flow(tenant, "tasks", per_s=200) as flow:
            await flow.more(50)
            stack.gateways[1].kill()
            await flow.more(200)
        await check_all(wanderers, flow.count)
        assert {each.node for each in wanderers} == {"gw-0", "gw-2"}
        moved = [each for each, node in zip(wanderers, nodes, strict=True) if node == "gw-1"]
        stayed = [each for each in wanderers if each not in moved]
        assert all(len(each.sockets) > 1 for each in moved)
        assert all(each.close_codes == [] for each in stayed)


async def test_haproxy_asks_readyz_and_leaves_open_sockets_alone(
    start_stack: StartStack,
    start_balancer: StartBalancer[Haproxy],
    tenant_of: OpenTenant,
    tmp_path: Path,
) -> None:
    patient = UNHINDERED | {"GATEWAY_DRAIN_NOTICE_MS": "5000"}
    stack = await start_stack(gateways=3, env=patient)
    balancer = await start_balancer(Haproxy(stack.gateways, tmp_path))
    tenant = tenant_of(stack, door=balancer)
    clients = [await tenant.connect() for _ in range(3)]
    assert await balancer.servers_up() == {"gateway-1", "gateway-2", "gateway-3"}
    stack.gateways[2].terminate()

    async def is_noticed() -> bool:
        return await balancer.servers_up() == {"gateway-1", "gateway-2"}

    default_notice_s = GatewaySettings.model_fields["drain_notice_ms"].default / 1000
    await eventually(is_noticed, default_notice_s, what="what the drain's notice is for")
    await tenant.publish_numbers("tasks", [1])
    for client in clients:
        await client.received(1)


@EACH_KIND
@pytest.mark.parametrize("case", ["B22"])
async def test_the_gateways_learn_the_clients_address_and_not_what_it_claims(
    start_stack: StartStack,
    start_balancer: StartBalancer[Balancer],
    tenant_of: OpenTenant,
    tmp_path: Path,
    kind: Kind,
    case: str,
) -> None:
    env = {
        "GATEWAY_TRUSTED_PROXIES": "127.0.0.1/32",
        "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS": "1",
    }
    stack = await start_stack(gateways=3, env=UNHINDERED | env)
    balancer = await start_balancer(kind(stack.gateways, tmp_path))
    token = tenant_of(stack).token()

    async def come_from(address: str, *, claiming: str) -> ClientConnection:
        return await connect(
            f"{balancer.stream_url}?services=tasks",
            subprotocols=[Subprotocol("rt.v1"), Subprotocol(f"rt.token.{token}")],
            origin=PAGE,
            additional_headers={"X-Forwarded-For": claiming},
            local_addr=(address, 0),
            proxy=None,
        )

    async with AsyncExitStack() as exits:
        for number in range(3):  # one on each gateway
            claimed = f"198.51.100.{number}"
            await exits.enter_async_context(await come_from("127.0.0.2", claiming=claimed))
        with pytest.raises(InvalidStatus) as refused:
            await come_from("127.0.0.2", claiming="198.51.100.9")
        assert refused.value.response.status_code == 429
        await exits.enter_async_context(await come_from("127.0.0.3", claiming="198.51.100.0"))
