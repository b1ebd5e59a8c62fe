"""What a whole process is told at its start, seen without starting it."""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from unittest.mock import MagicMock, patch

import fanout.__main__
import fanout.app
import gateway.__main__
import gateway.app
from fanout.settings import FanoutSettings
from gateway.settings import GatewaySettings
from shared.settings.loading import read_settings
from shared.settings.realtime import RealtimeSettings, TokenSettings
from shared.telemetry.settings import Exports, read_exports
from shared.telemetry.setup import Telemetry


class _Asked(Exception):
    """Ends a start where the internal server is asked for."""


def log_setting(name: str) -> tuple[Any, Any]:
    """Return what both programs are told of their logs."""
    return _logs_of(gateway.__main__, name), _logs_of(fanout.__main__, name)


def _logs_of(program: Any, name: str) -> Any:
    with (
        patch.object(program, "set_up_logs") as set_up,
        patch.object(program, "run"),
        patch.object(program, "serve", new_callable=MagicMock),
    ):
        program.main()
    return set_up.call_args.kwargs[name]


def public_address() -> tuple[str, int]:
    """Return where a gateway listens."""
    with gateway.app._listener(read_settings(GatewaySettings)) as listener:
        host, port = listener.getsockname()[:2]
        return host, port


async def gateways_internal(name: str) -> Any:
    """Return a setting of a gateway's internal server."""
    return await _internal(gateway.app, name, lambda: gateway.app.serve(
        read_settings(RealtimeSettings), read_settings(TokenSettings),
        read_settings(GatewaySettings), Exports(),
    ))  # fmt: skip


async def workers_internal(name: str) -> Any:
    """Return a setting of a worker's internal server."""
    return await _internal(fanout.app, name, lambda: fanout.app.serve(
        read_settings(RealtimeSettings), read_settings(FanoutSettings), Exports(),
    ))  # fmt: skip


async def _internal(app: Any, name: str, serve: Callable[[], Awaitable[None]]) -> Any:
    with patch.object(app, "internal_server", side_effect=_Asked) as asked, suppress(_Asked):
        await serve()
    return asked.call_args.kwargs[name]


def worker_name() -> str:
    """Return the name of a worker, without what tells its lives apart."""
    return fanout.app._worker_id(read_settings(FanoutSettings)).partition("~")[0]


async def exported() -> tuple[bool, bool]:
    """Tell whether spans and metrics go to a collector."""
    exports = read_exports(os.environ)
    telemetry = Telemetry.of_environment(exports, server="gateway", instance="gw")
    is_traced = telemetry.tracer is not None
    await telemetry.close()
    return is_traced, exports.metrics
