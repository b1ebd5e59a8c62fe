"""Puts a worker together: settings become limits, limits become parts."""

import asyncio
import secrets
import socket
from collections.abc import Callable

from fanout.commit.committer import unrecorded
from fanout.commit.spans import CommitSpans
from fanout.internal_api import internal_api
from fanout.metrics import batch_sizes, observe_worker
from fanout.ownership.leases import LeaseTimes
from fanout.ownership.opener import TopicLimits
from fanout.settings import FanoutSettings
from fanout.term import TermPlan
from fanout.topic.batch_window import WindowLimits
from fanout.topic.batches import BatchLimits
from fanout.topic.retention import RetentionLimits
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
    plan = term_plan(realtime, settings, worker=name, record_size=record_size, spans=spans)
    worker, loop_lag = FanoutWorker(plan), LoopLag()
    observe_worker(telemetry.instruments, worker, labels)
    observe_runtime(telemetry.instruments, worker.presence, loop_lag)
    server = internal_server(
        internal_api(worker, telemetry), host=settings.internal_host, port=settings.internal_port
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        measuring = tasks.create_task(loop_lag.run())
        logger().info("fanout.started", worker=worker.name, port=settings.internal_port)
        try:
            await worker.run(stop)
        finally:
            measuring.cancel()
            server.should_exit = True
    await telemetry.close()
    logger().info("fanout.stopped", worker=worker.name)


def term_plan(
    realtime: RealtimeSettings,
    settings: FanoutSettings,
    *,
    worker: str,
    record_size: Callable[[int, str], None] = unrecorded,
    spans: CommitSpans | None = None,
) -> TermPlan:
    """Return what the settings mean for every term of `worker`."""
    return TermPlan(
        redis_url=realtime.redis_url.get_secret_value(),
        connect_timeout_ms=realtime.redis_connect_timeout_ms,
        timeout_ms=realtime.redis_timeout_ms,
        keys=Keys(realtime.key_prefix),
        lease=LeaseTimes(worker, settings.lease_ms, settings.lease_renew_ms),
        sweep_ms=settings.sweep_ms,
        limits=_topic_limits(realtime, settings),
        record_size=record_size,
        spans=spans,
    )


def _topic_limits(realtime: RealtimeSettings, settings: FanoutSettings) -> TopicLimits:
    return TopicLimits(
        tiers=realtime.tier_table,
        batches=BatchLimits(
            max_events=settings.batch_max_events,
            max_bytes=settings.batch_max_bytes,
            window=WindowLimits(settings.batch_shortest_ms, settings.batch_longest_ms),
        ),
        retention=RetentionLimits(
            age_ms=settings.retention_s * 1000,
            event_count=settings.retention_events,
            size_bytes=settings.retention_bytes,
        ),
        replay_budget_bytes=settings.replay_budget_bytes,
        dedup_max_ids=settings.dedup_max_ids,
        dedup_window_ms=settings.dedup_window_s * 1000,
        dead_letters_max=settings.dead_letters_max,
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
