"""Sockets that are open move to gateways that were added, and their clients miss nothing."""

from pathlib import Path

import pytest

from tests.cluster.conftest import ON_VALKEY, UNHINDERED, OpenTenant, StartBalancer
from tests.conftest import StartStack
from tests.support.balancer import Haproxy
from tests.support.flow import Flow
from tests.support.swarm import Swarm, SwarmReport

pytestmark = [pytest.mark.slow, ON_VALKEY]

SOCKETS = 600
FAIR = SOCKETS / 3
ENV = UNHINDERED | {
    "GATEWAY_REBALANCE_WINDOW_MS": "10000",
    "GATEWAY_REBALANCE_PER_S": "50",
}


@pytest.mark.timeout(150)
async def test_gateways_that_are_added_get_their_share_of_the_open_sockets(
    start_stack: StartStack,
    start_balancer: StartBalancer[Haproxy],
    tenant_of: OpenTenant,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = await start_stack(gateways=3, env=ENV)
    first, *added = stack.gateways
    for gateway in added:
        await gateway.stop()
    balancer = await start_balancer(Haproxy(stack.gateways, tmp_path))
    tenant = tenant_of(stack, door=balancer)
    tokens = [tenant.token(sub=f"user-{n}") for n in range(20)]
    async with Swarm(balancer.stream_url, tokens, clients=SOCKETS, service="tasks") as swarm:
        full = await swarm.all_connected(30)
        assert full.nodes == {first.name: SOCKETS}
        async with Flow(tenant, "tasks", per_s=10) as flow:
            for gateway in added:
                await gateway.start()
            level = await swarm.until(is_level, 90, what="a fair share for each")
        last = await swarm.all_have(flow.count, 20)
    assert set(last.ends) == {"1012"}, "each was told, and none was refused"
    moved_count = last.ends["1012"]
    assert moved_count <= 1.5 * (SOCKETS - FAIR), "no more moves than it takes"
    with capsys.disabled():
        print(f"\n{moved_count} of {SOCKETS} sockets moved: {level.nodes}", end=" ")


def is_level(report: SwarmReport) -> bool:
    """Whether all are connected, and no gateway is 20 % off the mean of three."""
    return report.connected_count == SOCKETS and all(
        abs(report.nodes.get(f"gw-{n}", 0) - FAIR) <= 0.2 * FAIR for n in range(3)
    )
