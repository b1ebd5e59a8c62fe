"""Telemetry of one process, and what Prometheus would read of it."""

from collections.abc import Mapping

from opentelemetry.sdk.resources import Resource
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from gateway.telemetry.telemetry import GatewayTelemetry
from shared.settings.realtime import RealtimeSettings
from shared.telemetry.setup import Telemetry


def some_settings() -> RealtimeSettings:
    """Return the settings that both servers share, for a Redis that nobody connects to."""
    return RealtimeSettings(env="dev", redis_url=SecretStr("unix:///nowhere/redis.sock"))


def unheard() -> Telemetry:
    """Return telemetry that goes nowhere but `/metrics`."""
    return Telemetry(Resource.get_empty())


def a_gateways_signals() -> GatewayTelemetry:
    """Return signals that nobody listens to."""
    return GatewayTelemetry.of(unheard(), some_settings())


def samples(text: bytes, *, prefix: str = "realtime_") -> dict[str, float]:
    """Return every sample of a page for Prometheus, as `name{label=value,…}`."""
    return {
        spelled(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name.startswith(prefix)
    }


def families(text: bytes) -> set[str]:
    """Return the names of all metrics of a page, by their `# TYPE` lines."""
    lines = text.decode().splitlines()
    return {line.split()[2] for line in lines if line.startswith("# TYPE ")}


def spelled(name: str, labels: Mapping[str, str]) -> str:
    """Return a sample's name with its labels in order."""
    inner = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name
