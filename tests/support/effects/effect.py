"""A setting, another value of it, and what is seen of it in what a server is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fanout.app import term_plan
from fanout.settings import FanoutSettings
from fanout.term import TermPlan
from gateway.build import Gateway
from gateway.settings import GatewaySettings
from gateway.telemetry.telemetry import GatewayTelemetry
from shared.settings.loading import EnvSettings, SettingsProblem, read_settings
from shared.settings.realtime import RealtimeSettings, TokenSettings
from tests.support.telemetry import unheard


@dataclass(frozen=True)
class Effect:
    """`seen` is called twice: without the setting, and with it at `value`."""

    value: str
    seen: Callable[[], Any]
    then: object
    """What is seen with `value`; without the setting it must be something else."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """What is set in both cases, and may be the setting itself."""


@dataclass(frozen=True)
class Elsewhere:
    """The effect shows in another test, in whose file or conftest the variable is set."""

    path: str
    name: str


def a_gateway() -> Gateway:
    """Return a gateway of the environment, none of which runs."""
    realtime = read_settings(RealtimeSettings)
    telemetry = GatewayTelemetry.of(unheard(), realtime)
    return Gateway(
        realtime, read_settings(TokenSettings), read_settings(GatewaySettings), telemetry
    )


def a_plan() -> TermPlan:
    """Return what a worker of the environment does."""
    return term_plan(read_settings(RealtimeSettings), read_settings(FanoutSettings), worker="w~1")


def complaint(cls: type[EnvSettings]) -> str | None:
    """Return what is said of the settings at the start, None if they are taken."""
    try:
        read_settings(cls)
    except SettingsProblem as problem:
        return str(problem)
    return None
