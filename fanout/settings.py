"""The settings of a fanout worker: FANOUT_* variables."""

from typing import Final, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from fanout.commit.limits import CommitLimits
from fanout.ownership.leases import LeaseTimes
from fanout.term import WorkerLimits
from fanout.topic.batch_window import WindowLimits
from fanout.topic.batches import BatchLimits
from fanout.topic.limits import TopicLimits
from fanout.topic.retention import RetentionLimits
from fanwire.core.tiers import Tiers
from shared.settings.realtime import EnvSettings

CLIENT_MAX_FRAME_BYTES: Final = 1_048_576
"""What WebSocket clients accept by default; a larger frame would make them reconnect forever."""

FRAME_OVERHEAD_BYTES: Final = 65_536
"""Room for the envelopes of a batch's events around their `data`."""

PUBLISHER_RETRY_HORIZON_S: Final = 60
"""How long a publisher may repeat an event with the same id after a lost reply."""


class FanoutSettings(EnvSettings):
    """Read from FANOUT_* variables."""

    model_config = SettingsConfigDict(env_prefix="FANOUT_")

    worker_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        description="Name of this worker in logs and leases; by default host and process.",
    )
    internal_host: str = Field("127.0.0.1", description="Address of `/livez` and `/readyz`.")
    internal_port: int = Field(8002, ge=1, le=65_535, description="Port of the same.")

    batch_shortest_ms: int = Field(30, ge=1, le=10_000, description="Window of a quiet topic.")
    batch_longest_ms: int = Field(150, ge=1, le=10_000, description="Window of a busy topic.")
    batch_max_events: int = Field(
        200, ge=1, le=10_000, description="A batch of so many events leaves at once."
    )
    batch_max_bytes: int = Field(
        65_536, ge=1_024, le=CLIENT_MAX_FRAME_BYTES, description="A batch of this size as well."
    )

    dedup_window_s: int = Field(
        300, ge=1, le=86_400, description="How long a repeated `eventId` is recognised."
    )
    dedup_max_ids: int = Field(
        10_000, ge=100, le=10_000_000, description="How many ids are remembered per topic."
    )

    lease_ms: int = Field(
        3_000, ge=300, le=60_000, description="A dead worker's orgs are taken over after this."
    )
    lease_renew_ms: int = Field(
        1_000, ge=50, le=20_000, description="How often a living worker renews its leases."
    )
    sweep_ms: int = Field(
        5_000, ge=100, le=600_000, description="How often all keys are searched for new topics."
    )

    retention_s: int = Field(
        300,
        ge=1,
        le=604_800,
        description="Least time a batch is replayable; of critical topics four times as long.",
    )
    retention_events: int = Field(
        1_000,
        ge=1,
        le=10_000_000,
        description="Least events per topic kept for replay; of critical ones four times as many.",
    )
    retention_bytes: int = Field(
        16 * 1024 * 1024,
        ge=65_536,
        le=16 * 1024**3,
        description="Most bytes per topic kept for replay; wins over the other two.",
    )
    replay_budget_bytes: int | None = Field(
        None,
        ge=1024**2,
        le=1024**4,
        description="Most bytes of all topics for replay; a quarter of `maxmemory`, or 1 GiB.",
    )
    dead_letters_max: int = Field(
        10_000,
        ge=1,
        le=10_000_000,
        description="Roughly how many dead letters a topic keeps, each with up to 64 KiB of data.",
    )

    @property
    def lease_times(self) -> LeaseTimes:
        """How leases are held."""
        return LeaseTimes(self.lease_ms, self.lease_renew_ms)

    @property
    def batch_limits(self) -> BatchLimits:
        """How batches are made."""
        return BatchLimits(
            max_events=self.batch_max_events,
            max_bytes=self.batch_max_bytes,
            window=WindowLimits(self.batch_shortest_ms, self.batch_longest_ms),
        )

    @property
    def retention_limits(self) -> RetentionLimits:
        """How much of each log is kept."""
        return RetentionLimits(
            age_ms=self.retention_s * 1000,
            event_count=self.retention_events,
            size_bytes=self.retention_bytes,
        )

    @property
    def commit_limits(self) -> CommitLimits:
        """How batches are committed."""
        return CommitLimits(dead_letters_max=self.dead_letters_max)

    def topic_limits(self, tiers: Tiers) -> TopicLimits:
        """Return the bounds of every topic, where services have these tiers."""
        return TopicLimits(
            tiers=tiers,
            batches=self.batch_limits,
            retention=self.retention_limits,
            dedup_max_ids=self.dedup_max_ids,
            dedup_window_ms=self.dedup_window_s * 1000,
        )

    def worker_limits(self, tiers: Tiers) -> WorkerLimits:
        """Return the bounds of a worker, where services have these tiers."""
        return WorkerLimits(
            lease=self.lease_times,
            topic=self.topic_limits(tiers),
            commit=self.commit_limits,
            sweep_ms=self.sweep_ms,
            replay_budget_bytes=self.replay_budget_bytes,
        )

    @model_validator(mode="after")
    def _window_is_ordered(self) -> Self:
        if self.batch_longest_ms < self.batch_shortest_ms:
            raise ValueError(
                f"FANOUT_BATCH_LONGEST_MS ({self.batch_longest_ms}) must be at least "
                f"FANOUT_BATCH_SHORTEST_MS ({self.batch_shortest_ms})"
            )
        return self

    @model_validator(mode="after")
    def _lease_survives_two_lost_renewals(self) -> Self:
        if self.lease_ms < 3 * self.lease_renew_ms:
            raise ValueError(
                f"FANOUT_LEASE_MS ({self.lease_ms}) must be at least three times "
                f"FANOUT_LEASE_RENEW_MS ({self.lease_renew_ms})"
            )
        return self

    @model_validator(mode="after")
    def _frames_fit_clients(self) -> Self:
        if self.batch_max_bytes + FRAME_OVERHEAD_BYTES > CLIENT_MAX_FRAME_BYTES:
            raise ValueError(
                f"FANOUT_BATCH_MAX_BYTES ({self.batch_max_bytes}) must leave "
                f"{FRAME_OVERHEAD_BYTES} of the {CLIENT_MAX_FRAME_BYTES} bytes that clients accept"
            )
        return self

    @model_validator(mode="after")
    def _dedup_outlives_retries(self) -> Self:
        if self.dedup_window_s < 2 * PUBLISHER_RETRY_HORIZON_S:
            raise ValueError(
                f"FANOUT_DEDUP_WINDOW_S ({self.dedup_window_s}) must be at least twice the "
                f"{PUBLISHER_RETRY_HORIZON_S} s that publishers retry"
            )
        return self
