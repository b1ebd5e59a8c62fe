"""REALTIME_* settings that both servers read, and OTEL_*."""

from typing import Any, Final

from shared.settings.realtime import RealtimeSettings
from tests.support.effects.effect import Effect, a_gateway, a_plan, complaint
from tests.support.effects.processes import exported, log_setting
from tests.support.gateway_values import ACME, TASKS, TASKS_OF_ACME

PLAIN_REDIS: Final = {"REALTIME_REDIS_URL": "redis://redis.example.com:6379"}
COLLECTOR: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


def _connection(name: str) -> Any:
    return a_gateway().links.redis.connection_pool.connection_kwargs[name]


def _topic_keys() -> list[str]:
    # Of what a gateway writes, what it reads, and what a worker reads.
    store, log = a_gateway().sessions.store, a_gateway().delivery.replay_log
    return [
        store._keys.subs(ACME),
        log._keys.batches(TASKS_OF_ACME),
        a_plan().keys.events(TASKS_OF_ACME),
    ]


def _tiers(service: str) -> list[str]:
    gateway, plan = a_gateway(), a_plan()
    return [
        gateway.sessions.profile.tiers.of(service),
        gateway.flow.monitor._tiers.of(service),
        plan.limits.topic.tiers.of(service),
    ]


EFFECTS: Final = {
    "REALTIME_ENV": Effect("dev", lambda: complaint(RealtimeSettings), None, PLAIN_REDIS),
    "REALTIME_REDIS_URL": Effect(
        "unix:///run/other.sock",
        lambda: (_connection("path"), a_plan().redis.url),
        ("/run/other.sock", "unix:///run/other.sock"),
    ),
    "REALTIME_REDIS_INSECURE": Effect(
        "true", lambda: complaint(RealtimeSettings), None, PLAIN_REDIS
    ),
    "REALTIME_REDIS_CONNECT_TIMEOUT_MS": Effect(
        "1234",
        lambda: (_connection("socket_connect_timeout"), a_plan().redis.connect_timeout_ms),
        (1.234, 1234),
    ),
    "REALTIME_REDIS_TIMEOUT_MS": Effect(
        "1234", lambda: (_connection("socket_timeout"), a_plan().redis.timeout_ms), (1.234, 1234)
    ),
    "REALTIME_KEY_PREFIX": Effect(
        "blue:",
        _topic_keys,
        ["blue:subs:{acme}", "blue:batches:{acme}:tasks", "blue:events:{acme}:tasks"],
    ),
    "REALTIME_EMERGENCY_DISABLE": Effect(
        "true", lambda: a_gateway().flow.switches.of(ACME).emergency, True
    ),
    "REALTIME_DISABLE_TASKS": Effect(
        "true", lambda: a_gateway().flow.switches.is_off(ACME, TASKS), True
    ),
    "REALTIME_TIERS": Effect("chat:low", lambda: _tiers("chat"), ["low"] * 3),
    "REALTIME_METRIC_SERVICES": Effect(
        "chat,mail", lambda: a_gateway().telemetry.labels.of("chat"), "chat"
    ),
    "REALTIME_LOG_LEVEL": Effect("warning", lambda: log_setting("level"), ("warning",) * 2),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Effect(
        COLLECTOR["OTEL_EXPORTER_OTLP_ENDPOINT"], exported, (True, True)
    ),
    "OTEL_TRACES_EXPORTER": Effect("none", exported, (False, True), COLLECTOR),
    "OTEL_METRICS_EXPORTER": Effect("none", exported, (True, False), COLLECTOR),
    "OTEL_SDK_DISABLED": Effect("true", exported, (False, False), COLLECTOR),
}
