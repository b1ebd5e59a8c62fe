"""What `fanwire dev` runs, decided before anything is started."""

import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fanwire.cli.dev.defaults import AUDIENCE, ISSUER
from fanwire.errors import RealtimeError

CHECKOUT: Final = Path(__file__).parents[3]
_LOOPBACK: Final = "127.0.0.1"


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
    """Two, so that one can be killed and the other goes on."""
    port: int = 8000
    """Where the servers listen by default (GATEWAY_PORT), so that examples need no port."""
    redis_url: str | None = None
    """None starts the embedded Valkey."""
    demo: bool = True
    demo_per_s: float = 5.0
    """As fast as an eye can follow lines."""
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
class PlannedChild:
    """A process to start."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    ready_url: str | None
    """What answers 200 once it is ready; None if nothing has to wait for it."""


def check_plan(plan: DevPlan) -> None:
    """Refuse what could not work.

    Raises:
        NoCheckout, PortTaken: With what to do about it.
    """
    if not (CHECKOUT / "gateway").is_dir():
        raise NoCheckout("`fanwire dev` starts servers that only a checkout has")
    if not is_free(plan.port):
        raise PortTaken(f"port {plan.port} is in use")


def planned_servers(
    plan: DevPlan, redis_url: str, environment: Mapping[str, str]
) -> list[PlannedChild]:
    """Return the worker and the gateways."""
    env = stack_environment(plan, redis_url, environment)
    gateways = [_gateway(chr(ord("a") + number), env) for number in range(plan.gateways)]
    return [_worker("w1", env), *gateways]


def stack_environment(
    plan: DevPlan, redis_url: str, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return what all processes share; the user's own settings stay unless ours must win."""
    forced = {
        "REALTIME_ENV": "dev",
        "REALTIME_REDIS_URL": redis_url,
        "REALTIME_JWT_SECRET": plan.secret,
        "REALTIME_JWT_ISSUER": ISSUER,
        "REALTIME_JWT_AUDIENCE": AUDIENCE,
        "GATEWAY_HOST": _LOOPBACK,
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
    return env


def is_free(port: int) -> bool:
    """Tell whether nothing listens on a port of 127.0.0.1."""
    # Without SO_REUSEPORT on purpose: the gateways share the port with each other, and must
    # not come to share it with a stranger.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _origins(given: str, page_port: int | None) -> str:
    if page_port is None or given == "*":
        return given
    ours = [f"http://{host}:{page_port}" for host in (_LOOPBACK, "localhost")]
    return ",".join([*filter(None, [given]), *ours])


def _worker(name: str, env: Mapping[str, str]) -> PlannedChild:
    port = free_port()
    own = {"FANOUT_WORKER_ID": name, "FANOUT_INTERNAL_PORT": str(port)}
    return _server(f"fanout {name}", "fanout", {**env, **own}, port)


def _gateway(name: str, env: Mapping[str, str]) -> PlannedChild:
    port = free_port()
    own = {"GATEWAY_NODE_ID": name, "GATEWAY_INTERNAL_PORT": str(port)}
    return _server(f"gateway {name}", "gateway", {**env, **own}, port)


def _server(name: str, module: str, env: Mapping[str, str], port: int) -> PlannedChild:
    command = (sys.executable, "-m", module)
    return PlannedChild(name, command, env, f"http://{_LOOPBACK}:{port}/readyz")
