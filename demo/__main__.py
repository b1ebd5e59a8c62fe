"""`python -m demo`: the demo's story and page beside a running cluster.

`fanwire dev` runs it as one process more, docker-compose.yml as one container more.

It signs a token for anybody who asks. So it takes development secrets alone, which no gateway in
production accepts, and its page answers to the names of this machine only.
"""

import asyncio
import signal
import socket
from pathlib import Path
from typing import Annotated, Final

import typer

from demo.backend import Backend, DemoCluster, Site, TokenMaker

DEVELOPMENT_PREFIX: Final = "dev-"


def main(
    *,
    redis: Annotated[str, typer.Option(help="Where to publish.", envvar="REALTIME_REDIS_URL")],
    key_prefix: Annotated[str, typer.Option(envvar="REALTIME_KEY_PREFIX")] = "",
    gateway: Annotated[str, typer.Option(help="Gateway, like ws://haproxy:8000.")],
    public: Annotated[str | None, typer.Option(help="The same, as browsers reach it.")] = None,
    org: Annotated[str, typer.Option(help="Whose events it publishes.")] = "acme",
    secret: Annotated[str, typer.Option(envvar="REALTIME_JWT_SECRET", show_envvar=False)],
    issuer: Annotated[str, typer.Option(envvar="REALTIME_JWT_ISSUER")],
    audience: Annotated[str, typer.Option(envvar="REALTIME_JWT_AUDIENCE")],
    user: Annotated[str, typer.Option(help="The `sub` of its own socket.")] = "demo-backend",
    rate: Annotated[float, typer.Option(help="Events per second; 0 for none.", min=0)] = 5,
    page: Annotated[
        Path | None, typer.Option(help="Folder of the built page; without it none is served.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address of the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8001,
) -> None:
    """Publish the demo's events and serve its page until a signal ends it."""
    if not secret.startswith(DEVELOPMENT_PREFIX):
        raise typer.BadParameter(
            f"the demo signs tokens for anybody; it takes a secret that begins with "
            f"{DEVELOPMENT_PREFIX!r}, and no other",
            param_hint="REALTIME_JWT_SECRET",
        )
    cluster = DemoCluster(redis, key_prefix, gateway, public or gateway)
    backend = Backend(cluster, TokenMaker(org, secret, issuer, audience), user=user)
    site = None if page is None else Site(page, socket.create_server((host, port)))
    # There is nothing to put away, so a signal may end it where it stands, Ctrl-C as well.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(backend.run(site, per_s=rate))


if __name__ == "__main__":
    # Typer's own tracebacks would show the secret among the locals.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
