"""`python -m deploy.topology`: run docker-compose.yml without a container engine."""

import asyncio
import sys
from contextlib import suppress
from typing import Annotated

import orjson
import typer

from deploy.topology.running import Topology, running_topology
from fanwire.cli.dev.child import ChildDied
from fanwire.cli.dev.stop_signals import cancel_on_stop_signal
from fanwire.errors import RealtimeError


def main(
    *,
    without: Annotated[list[str] | None, typer.Option(help="A service to leave out.")] = None,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Publish on free ports, not on the file's.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object when it is ready.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every log line.")] = False,
) -> None:
    """Run the services of docker-compose.yml as processes until Ctrl-C."""
    work = _run(without or [], free_ports=free_ports, as_json=json, verbose=verbose)
    try:
        asyncio.run(work)
    except RealtimeError as error:
        sys.exit(f"fanwire: {error}\n  fix: {error.remedy}")


async def _run(without: list[str], *, free_ports: bool, as_json: bool, verbose: bool) -> None:
    task = asyncio.current_task()
    assert task is not None
    cancel_on_stop_signal(task)

    def on_line(name: str, line: str) -> None:
        if verbose:
            typer.echo(f"{name:<10} {line}", err=True)

    with suppress(asyncio.CancelledError):
        async with running_topology(
            without=without, keep_ports=not free_ports, on_line=on_line, on_death=_report_death
        ) as topology:
            typer.echo(_as_json(topology) if as_json else _as_text(topology))
            await asyncio.Event().wait()


def _report_death(death: ChildDied) -> None:
    typer.echo(f"{death}\nstarting it again", err=True)


def _as_text(topology: Topology) -> str:
    lines = [
        f"  {name:<10} {' '.join(topology.address(name, port) for port in service.ports)}"
        for name, service in topology.services.items()
    ]
    clients = f"ws://{topology.address('haproxy', 8000)}/v2/realtime/stream"
    page = f"http://{topology.address('demo', 8090)}/" if "demo" in topology.services else "none"
    return "\n".join([*lines, "", f"  clients    {clients}", f"  demo page  {page}"])


def _as_json(topology: Topology) -> str:
    told = {
        name: {
            "pid": topology.children[name].pid,
            "ports": {str(port): topology.address(name, port) for port in service.ports},
        }
        for name, service in topology.services.items()
    }
    return orjson.dumps({"ready": True, "services": told}).decode()


if __name__ == "__main__":
    typer.run(main)
