"""Who of the cluster lives, as Redis tells it."""

from collections.abc import Iterator
from typing import Any, Final

from fanwire.cli.doctor.findings import Finding, advice, bad, good
from fanwire.cli.format import duration_text
from fanwire.cli.inspect.nodes import Node, read_gateways, server_ms
from fanwire.core.heartbeats import GatewayHeartbeat
from fanwire.core.keys import PARTITION_COUNT, Keys

SPARE_DESCRIPTORS: Final = 1_000
"""Besides its sockets a gateway needs files, listeners and connections to Redis."""

NEAR_THE_LIMIT: Final = 0.8
"""Time to act: a fifth of the files is left."""


def cluster_findings(client: Any, keys: Keys) -> Iterator[Finding]:
    """Yield what the heartbeats and the leases tell."""
    now_ms = server_ms(client)
    workers = client.zrangebyscore(keys.workers(), now_ms, "+inf")
    yield _workers([name.decode() for name in workers])
    with client.pipeline(transaction=False) as pipe:
        for partition in range(PARTITION_COUNT):
            pipe.hget(keys.lease(partition), "deadline")
        deadlines = pipe.execute()
    yield lease_finding([int(each or 0) for each in deadlines], now_ms=now_ms)
    yield from gateway_findings(read_gateways(client, keys))


def lease_finding(deadlines_ms: list[int], *, now_ms: int) -> Finding:
    """Return whether every partition of orgs has an owner."""
    held = sum(deadline_ms > now_ms for deadline_ms in deadlines_ms)
    told = f"{held} of {PARTITION_COUNT} partitions have an owner"
    if held == PARTITION_COUNT:
        return good("leases", told)
    return bad("leases", told, "Start a worker; after one has died, look again in 4 s.")


def gateway_findings(nodes: list[Node[GatewayHeartbeat]]) -> Iterator[Finding]:
    """Yield what is to be said of the gateways."""
    alive = [node for node in nodes if node.is_beating]
    if not alive:
        fix = "Start one: python -m gateway, with the same Redis and key prefix."
        yield bad("gateways", "none beats", fix)
    else:
        sockets = sum(node.beat.connections for node in alive)
        names = ", ".join(node.name for node in alive)
        yield good("gateways", f"{len(alive)} alive ({names}) with {sockets} sockets")
    for node in nodes:
        if not node.is_beating:
            told = f"{node.name} has been silent for {duration_text(node.silent_ms)}"
            yield advice("gateways", told, "It was killed or is cut off; see its log.")
    yield from filter(None, map(_descriptors, alive))


def _workers(names: list[str]) -> Finding:
    if not names:
        fix = "Start one: python -m fanout, with the same Redis and key prefix."
        return bad("workers", "none is alive: what is published is not delivered", fix)
    return good("workers", f"{len(names)} alive ({', '.join(sorted(names))})")


def _descriptors(node: Node[GatewayHeartbeat]) -> Finding | None:
    limit, most = node.beat.fd_limit, node.beat.max_connections
    if limit is None or most is None:
        return None
    told = f"{node.name} may open {limit} files for at most {most} sockets"
    if limit >= most + SPARE_DESCRIPTORS:
        return good("files", told)
    fix = f"ulimit -n {most + SPARE_DESCRIPTORS} (LimitNOFILE), or lower GATEWAY_MAX_CONNECTIONS"
    is_near = node.beat.connections > NEAR_THE_LIMIT * limit
    return bad("files", told, fix) if is_near else advice("files", told, fix)
