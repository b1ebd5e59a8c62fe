"""The settings that both servers read: REALTIME_* variables.

`REALTIME_ENV` is production unless it says dev: who forgets it gets the strict checks, not
the lenient ones. Token settings are a class of their own, so that a fanout worker runs
without ever being given the key that signs tokens.

docs/settings.md is generated from here and from the servers' own settings.
"""

import os
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from fanwire.core.ids import is_valid_id
from fanwire.core.switches import Switches
from fanwire.core.tiers import DEFAULT_TIERS, Tiers
from shared.settings.loading import EnvSettings, SettingsProblem, load_settings
from shared.settings.switches import disabled_services
from shared.settings.tiers import tier_changes
from shared.settings.tokens import TokenSettings
from shared.settings.types import CommaSeparated, Environment
from shared.settings.url_rules import redis_url_problem

MAX_METRIC_SERVICES: Final = 200
"""Each is a label: every metric by service has as many series in each process."""

__all__ = [
    "CommaSeparated",
    "EnvSettings",
    "Environment",
    "RealtimeSettings",
    "SettingsProblem",
    "TokenSettings",
    "load_settings",
]


class RealtimeSettings(EnvSettings):
    """Read from REALTIME_* variables by every process."""

    model_config = SettingsConfigDict(env_prefix="REALTIME_")

    env: Environment = Field("production", description="`production` refuses lax settings.")
    redis_url: SecretStr = Field(
        description="`redis://`, `rediss://`, `unix://`, or `redis+sentinel://host,host/service`."
    )
    redis_insecure: bool = Field(
        False, description="Allow Redis without TLS or password in production."
    )
    redis_connect_timeout_ms: int = Field(
        2_000, ge=50, le=60_000, description="Longest wait for a connection to Redis."
    )
    redis_timeout_ms: int = Field(
        5_000, ge=50, le=60_000, description="Longest wait for an answer of Redis."
    )
    key_prefix: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._:-]{0,64}$",
        description="Goes in front of every key, so that deployments can share a server.",
    )
    emergency_disable: bool = Field(
        False, description="Switch the whole realtime service off; clients are told."
    )
    tiers: CommaSeparated = Field(
        (), description="Tiers other than the built-in ones: `billing:critical,chat:normal`."
    )
    metric_services: CommaSeparated = Field(
        (),
        max_length=MAX_METRIC_SERVICES,
        description="Services that metrics tell apart, besides those with a tier; else `_other`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe events that are logged."
    )

    @property
    def tier_table(self) -> Tiers:
        """The tier of every service."""
        return Tiers.with_changes(tier_changes(self.tiers))

    @property
    def metric_service_names(self) -> frozenset[str]:
        """The services that metrics tell apart."""
        return frozenset({*DEFAULT_TIERS, *tier_changes(self.tiers), *self.metric_services})

    @property
    def deployed_switches(self) -> Switches:
        """What the environment switches off."""
        return Switches(self.emergency_disable, self.disabled_services)

    @property
    def disabled_services(self) -> frozenset[str]:
        """Services switched off by REALTIME_DISABLE_<SERVICE>, spelled as in the variables."""
        return disabled_services(os.environ)

    @model_validator(mode="after")
    def _redis_url_is_safe(self) -> Self:
        problem = redis_url_problem(
            self.redis_url.get_secret_value(),
            production=self.env == "production",
            insecure=self.redis_insecure,
        )
        if problem:
            raise ValueError(f"REALTIME_REDIS_URL {problem}")
        return self

    @model_validator(mode="after")
    def _tiers_exist(self) -> Self:
        tier_changes(self.tiers)
        return self

    @model_validator(mode="after")
    def _metric_services_are_services(self) -> Self:
        for service in self.metric_services:
            if not is_valid_id(service):
                raise ValueError(f"REALTIME_METRIC_SERVICES names {service!r}, which is no service")
        return self

    @model_validator(mode="after")
    def _switches_are_legible(self) -> Self:
        # Read now, so that a misspelt switch ends the start and not the first broadcast.
        _ = self.disabled_services
        return self
