"""What the servers register is what shared/telemetry/names.py lists: no more, and nothing less."""

from pydantic import SecretStr

from fanout.app import term_plan
from fanout.metrics import batch_sizes, observe_worker
from fanout.settings import FanoutSettings
from fanout.worker import FanoutWorker
from gateway.build import Gateway
from gateway.settings import GatewaySettings
from gateway.telemetry.telemetry import GatewayTelemetry
from shared.redis.presence import RedisPresence
from shared.redis.server_clock import ServerClock
from shared.settings.realtime import TokenSettings
from shared.telemetry.labels import ServiceLabels
from shared.telemetry.loop_lag import LoopLag
from shared.telemetry.metric import Kind, Metric, ToldBy
from shared.telemetry.names import METRICS
from shared.telemetry.runtime import observe_runtime
from tests.support.signing import SECRET
from tests.support.telemetry import families, some_settings, unheard

LABELS = ServiceLabels(["tasks"])


def listed(*servers: ToldBy) -> list[Metric]:
    return [metric for metric in METRICS if metric.server in servers]


def a_composed_gateway() -> GatewayTelemetry:
    signals = GatewayTelemetry.of(unheard(), some_settings())
    tokens = TokenSettings(jwt_secret=SecretStr(SECRET.decode()), jwt_issuer="i", jwt_audience="a")
    Gateway(some_settings(), tokens, GatewaySettings(env="dev"), signals)
    return signals


async def test_a_gateway_registers_what_is_listed() -> None:
    registered = a_composed_gateway().telemetry.instruments.registered
    assert sorted(registered, key=str) == sorted(listed(ToldBy.GATEWAY, ToldBy.BOTH), key=str)


async def test_a_worker_registers_what_is_listed() -> None:
    telemetry = unheard()
    batch_sizes(telemetry.instruments, LABELS)
    worker = FanoutWorker(term_plan(some_settings(), FanoutSettings(), worker="w~1"))
    observe_worker(telemetry.instruments, worker, LABELS)
    observe_runtime(telemetry.instruments, RedisPresence(), LoopLag(), ServerClock())
    registered = telemetry.instruments.registered
    assert sorted(registered, key=str) == sorted(listed(ToldBy.FANOUT, ToldBy.BOTH), key=str)


async def test_what_has_no_attributes_is_told_before_anything_happened() -> None:
    told = families(a_composed_gateway().telemetry.prometheus_text())
    missing = {
        metric.prometheus_name
        for metric in listed(ToldBy.GATEWAY, ToldBy.BOTH)
        if not metric.attributes and metric.kind is not Kind.HISTOGRAM
    } - told
    assert missing == set()
