"""Puts a worker together and serves its internal port."""

import asyncio
import secrets
import socket

from fanout.commit.spans import CommitSpans
from fanout.commit.telemetry import UNRECORDED, CommitTelemetry
from fanout.internal_api import internal_api
from fanout.metrics import batch_sizes, observe_worker
from fanout.settings import FanoutSettings
from fanout.term import RedisAccess, TermPlan
from fanout.worker import FanoutWorker
from fanwire.core.keys import Keys
from shared.http_server import internal_server
from shared.logs import logger
from shared.redis.client import connect
from shared.redis.requirements import warn_unless_safe
from shared.runtime import stop_event
from shared.settings.realtime import RealtimeSettings
from shared.telemetry.labels import ServiceLabels
from shared.telemetry.loop_lag import LoopLag
from shared.telemetry.runtime import observe_runtime
from shared.telemetry.settings import Exports
from shared.telemetry.setup import Telemetry

log = logger()


async def serve(realtime: RealtimeSettings, settings: FanoutSettings, exports: Exports) -> None:
    """Run a worker and its internal port until SIGTERM or SIGINT.

    Raises:
        UnsuitableServer: If Redis answers and is not fit for use.
    """
    stop = stop_event()
    await _check_redis(realtime)
    name = _worker_id(settings)
    telemetry = Telemetry.of_environment(exports, server="fanout", instance=name)
    labels = ServiceLabels(realtime.metric_service_names)
    record_size = batch_sizes(telemetry.instruments, labels)
    spans = None if telemetry.tracer is None else CommitSpans(telemetry.tracer)
    plan = term_plan(realtime, settings, name, CommitTelemetry(record_size, spans))
    worker, loop_lag = FanoutWorker(plan), LoopLag()
    observe_worker(telemetry.instruments, worker, labels)
    observe_runtime(telemetry.instruments, worker.presence, loop_lag, worker.clock)
    server = internal_server(
        internal_api(worker, telemetry), host=settings.internal_host, port=settings.internal_port
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        measuring = tasks.create_task(loop_lag.run())
        log.info("fanout.started", worker=worker.name, port=settings.internal_port)
        try:
            await worker.run(stop)
        finally:
            measuring.cancel()
            server.should_exit = True
    await telemetry.close()
    log.info("fanout.stopped", worker=worker.name)


def term_plan(
    realtime: RealtimeSettings,
    settings: FanoutSettings,
    worker: str,
    telemetry: CommitTelemetry = UNRECORDED,
) -> TermPlan:
    """Return what the settings mean for every term of `worker`."""
    return TermPlan(
        worker,
        _redis_access(realtime),
        Keys(realtime.key_prefix),
        settings.worker_limits(realtime.tier_table),
        telemetry,
    )


def _redis_access(realtime: RealtimeSettings) -> RedisAccess:
    return RedisAccess(
        realtime.redis_url.get_secret_value(),
        connect_timeout_ms=realtime.redis_connect_timeout_ms,
        timeout_ms=realtime.redis_timeout_ms,
    )


def _worker_id(settings: FanoutSettings) -> str:
    # A copied pod has the same name; the suffix keeps it from sharing its twin's leases.
    return f"{settings.worker_id or socket.gethostname()}~{secrets.token_hex(4)}"


async def _check_redis(realtime: RealtimeSettings) -> None:
    redis = connect(
        realtime.redis_url.get_secret_value(),
        connect_timeout_ms=realtime.redis_connect_timeout_ms,
        timeout_ms=realtime.redis_timeout_ms,
    )
    try:
        await warn_unless_safe(redis)
    finally:
        await redis.aclose()
