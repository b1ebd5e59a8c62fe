"""Every gateway is replaced in turn, under thousands of sockets, and nobody misses anything."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import ON_VALKEY, UNHINDERED, OpenTenant, StartBalancer
from tests.conftest import StartStack
from tests.support.balancer import Haproxy
from tests.support.flow import Flow
from tests.support.stack import GatewayProcess
from tests.support.swarm import Swarm, SwarmReport, busiest_second, room_for_descriptors
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.alone, ON_VALKEY]

SOCKETS = 5_000
USERS = 100
NOTICE_S = 2.0
WINDOW_S = 8.0
BUSIEST_OF_MEAN = 3.0
"""How far the busiest second may be above the mean of the departures; without slots, eight."""

ENV = UNHINDERED | {
    "GATEWAY_DRAIN_NOTICE_MS": str(int(NOTICE_S * 1000)),
    "GATEWAY_DRAIN_WINDOW_MS": str(int(WINDOW_S * 1000)),
}


@pytest.fixture
def _descriptors() -> Iterator[None]:
    # The balancer has two for each client.
    needed = 2 * SOCKETS + 2_000
    with room_for_descriptors(needed) as is_granted:
        if not is_granted:
            reason = f"the hard limit of descriptors (ulimit -Hn) is below {needed}"
            pytest.skip(reason)
        yield


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("_descriptors")
async def test_F23_a_rolling_restart_under_five_thousand_sockets(
    start_stack: StartStack,
    start_balancer: StartBalancer[Haproxy],
    tenant_of: OpenTenant,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = await start_stack(gateways=3, env=ENV)
    balancer = Haproxy(stack.gateways, tmp_path, max_connections=SOCKETS + 500)
    await start_balancer(balancer)
    tenant = tenant_of(stack, door=balancer)
    tokens = [tenant.token(sub=f"user-{n}") for n in range(USERS)]
    async with Swarm(balancer.stream_url, tokens, clients=SOCKETS, service="tasks") as swarm:
        before = await swarm.all_connected(60)
        async with Flow(tenant, "tasks", per_s=2) as flow:
            for gateway in stack.gateways:
                leaving_count = before.nodes[gateway.name]
                started_s = time.monotonic()
                await replace(gateway, balancer)
                after = await swarm.all_connected(15)
                told = check_departures(after, before, gateway.name, leaving_count)
                with capsys.disabled():
                    print(f"\n{told}, {time.monotonic() - started_s:.1f} s in all", end="")
                before = after
        last = await swarm.all_have(flow.count, 20)
    assert set(last.ends) == {"1012"}, "nobody was refused, cut off or closed otherwise"
    with capsys.disabled():
        print(f"\n{last.ends['1012']} moves, {flow.count} events to each of {SOCKETS}: none lost")


async def replace(gateway: GatewayProcess, balancer: Haproxy) -> None:
    """Let a gateway leave in order, and start it again, until the balancer uses it."""
    gateway.terminate()
    assert await gateway.wait(timeout_s=NOTICE_S + WINDOW_S + 10) == 0
    await gateway.start()

    async def are_all_up() -> bool:
        return len(await balancer.servers_up()) == 3

    await eventually(are_all_up, 10)


def check_departures(after: SwarmReport, before: SwarmReport, node: str, leaving_count: int) -> str:
    """Fail unless the sockets of a node left one by one; say how they arrived elsewhere."""
    drains = [at for at, left in after.drains[len(before.drains) :] if left == node]
    hellos = after.hellos[len(before.hellos) :]
    assert len(drains) == leaving_count == len(hellos), "each was told, and each once"
    assert drains[-1] - drains[0] > 0.8 * WINDOW_S, "over the whole window"
    peaks = {
        survivor: busiest_second(at for at, where in hellos if where == survivor)
        for survivor in sorted({where for _, where in hellos})
    }
    mean_per_s = leaving_count / WINDOW_S
    busiest = busiest_second(at for at, _ in hellos)
    assert busiest <= BUSIEST_OF_MEAN * mean_per_s, f"{busiest}/s of {mean_per_s:.0f}/s"
    shown = ", ".join(f"{survivor} {peak}/s" for survivor, peak in peaks.items())
    return (
        f"{node} left: {leaving_count} sockets over {WINDOW_S:g} s, "
        f"at most {busiest} connects/s ({shown})"
    )
