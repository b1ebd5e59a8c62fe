"""What `fanwire dev` runs, decided before anything is started."""

import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fanwire.errors import RealtimeError

CHECKOUT: Final = Path(__file__).parents[3]
ORG: Final = "acme"
ISSUER: Final = "fanwire-dev"
AUDIENCE: Final = "fanwire"


class NoCheckout(RealtimeError):
    """The servers are not part of the wheel."""

    name = "no_checkout"
    retryable = False
    remedy = "Clone the repository and run `make dev` there."


class PortTaken(RealtimeError):
    """Something else listens where the gateways should."""

    name = "port_taken"
    retryable = False
    remedy = "Stop what listens there, or choose another port: fanwire dev --port 8100"


@dataclass(frozen=True, slots=True)
class DevPlan:
    """Options of the stack."""

    gateways: int = 2
    port: int = 8000
    redis_url: str | None = None
    """None starts the embedded Valkey."""
    demo: bool = True
    demo_per_s: float = 5.0
    page_port: int | None = None
    """Where the demo page is; its origin may then connect, whatever else may."""
    # Production refuses a secret that begins so; and a new one for each run means that no
    # token of an old run is worth anything.
    secret: str = field(default_factory=lambda: f"dev-{secrets.token_hex(24)}", repr=False)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.port}/v2/realtime/stream"


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """A server process to start."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    ready_url: str


def check_plan(plan: DevPlan) -> None:
    """Refuse what could not work.

    Raises:
        NoCheckout, PortTaken: With what to do about it.
    """
    if not (CHECKOUT / "gateway").is_dir():
        raise NoCheckout("`fanwire dev` starts servers that only a checkout has")
    # Without SO_REUSEPORT on purpose: the gateways share the port with each other, and must
    # not come to share it with a stranger.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", plan.port))
        except OSError:
            raise PortTaken(f"port {plan.port} is in use") from None


def planned_servers(
    plan: DevPlan, redis_url: str, environment: Mapping[str, str]
) -> list[ServerCommand]:
    """Return the worker and the gateways; the user's own settings stay unless ours must win."""
    forced = {
        "REALTIME_ENV": "dev",
        "REALTIME_REDIS_URL": redis_url,
        "REALTIME_JWT_SECRET": plan.secret,
        "REALTIME_JWT_ISSUER": ISSUER,
        "REALTIME_JWT_AUDIENCE": AUDIENCE,
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(plan.port),
    }
    # Ctrl-C ends the stack within a second: there is no balancer to wait for.
    preset = {
        "GATEWAY_ALLOWED_ORIGINS": "*",
        "GATEWAY_DRAIN_NOTICE_MS": "0",
        "GATEWAY_DRAIN_WINDOW_MS": "0",
        "PYTHONUNBUFFERED": "1",
    }
    env = preset | dict(environment) | forced
    env["GATEWAY_ALLOWED_ORIGINS"] = _origins(env["GATEWAY_ALLOWED_ORIGINS"], plan.page_port)
    gateways = [_gateway(chr(ord("a") + number), env) for number in range(plan.gateways)]
    return [_worker("w1", env), *gateways]


def _origins(given: str, page_port: int | None) -> str:
    if page_port is None or given == "*":
        return given
    ours = [f"http://{host}:{page_port}" for host in ("127.0.0.1", "localhost")]
    return ",".join([*filter(None, [given]), *ours])


def _worker(name: str, env: Mapping[str, str]) -> ServerCommand:
    port = free_port()
    own = {"FANOUT_WORKER_ID": name, "FANOUT_INTERNAL_PORT": str(port)}
    return _server(f"fanout {name}", "fanout", {**env, **own}, port)


def _gateway(name: str, env: Mapping[str, str]) -> ServerCommand:
    port = free_port()
    own = {"GATEWAY_NODE_ID": name, "GATEWAY_INTERNAL_PORT": str(port)}
    return _server(f"gateway {name}", "gateway", {**env, **own}, port)


def _server(name: str, module: str, env: Mapping[str, str], port: int) -> ServerCommand:
    command = (sys.executable, "-m", module)
    return ServerCommand(name, command, env, f"http://127.0.0.1:{port}/readyz")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
