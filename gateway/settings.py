"""The settings of a gateway: GATEWAY_* variables."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from gateway.cluster.drain import DrainTimes
from gateway.cluster.hearing import CanaryLimits
from gateway.cluster.rebalance import RebalanceLimits
from gateway.connection.limits import ConnectionLimits
from gateway.connection.rate_limit import RateLimit
from gateway.edge.admission import AdmissionLimits
from gateway.edge.client_address import networks_problem
from gateway.edge.origins import origin_problem
from gateway.edge.request_body import BodyLimits
from gateway.flow_control.quarantine import QuarantineLimits
from gateway.session.liveness import LivenessLimits
from gateway.websocket.events import FrameLimits
from shared.settings.realtime import CommaSeparated, Environment, EnvSettings


class GatewaySettings(EnvSettings):
    """Read from GATEWAY_* variables, and REALTIME_ENV for how strict to be."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    env: Environment = Field("production", validation_alias="REALTIME_ENV")
    host: str = Field("127.0.0.1", description="Address that clients reach; `0.0.0.0` in a pod.")
    port: int = Field(
        8000, ge=1, le=65_535, description="Port that clients reach; processes may share it."
    )
    internal_host: str = Field("127.0.0.1", description="Address of `/livez` and `/readyz`.")
    internal_port: int = Field(
        8001, ge=1, le=65_535, description="Port of the same; one for each process."
    )
    node_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        description="Name of this gateway in `hello` and logs; by default host and process.",
    )
    allowed_origins: CommaSeparated = Field(
        (), description="Pages that may connect: `https://app.example.com,…`; `*` in dev alone."
    )

    max_connections: int = Field(
        20_000, ge=1, le=1_000_000, description="Sockets of this process; more are refused by 503."
    )
    max_connections_per_user: int = Field(
        20, ge=1, le=1_000_000, description="Sockets of one user here; more are refused by 429."
    )
    max_connections_per_org: int = Field(
        10_000, ge=1, le=1_000_000, description="Sockets of one org here."
    )
    max_connections_per_address: int | None = Field(
        None, ge=1, le=1_000_000, description="Sockets of one client address here; any by default."
    )
    trusted_proxies: CommaSeparated = Field(
        (), description="Networks whose X-Forwarded-For is believed: `10.0.0.0/8,fd00::/8`."
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = Field(
        "x-forwarded-for", description="The header in which those proxies name the client."
    )
    max_services: int = Field(32, ge=1, le=1_000, description="Services of one socket.")

    heartbeat_ms: int = Field(
        15_000, ge=100, le=600_000, description="Longest silence towards a client."
    )
    proxy_idle_timeout_ms: int = Field(
        60_000, ge=200, le=3_600_000, description="After what idle time the proxy in front cuts."
    )
    message_rate_per_s: int = Field(20, ge=1, le=10_000, description="Frames a client may send.")
    connects_per_user_per_s: float = Field(
        2.0, gt=0, le=10_000, description="Connects of one user, in the long run."
    )
    connect_burst: int = Field(40, ge=1, le=1_000_000, description="Connects of one user at once.")
    requests_per_user_per_s: float = Field(
        10.0, gt=0, le=10_000, description="HTTP requests of one user, in the long run."
    )
    request_burst: int = Field(40, ge=1, le=100_000, description="HTTP requests of one at once.")
    message_burst: int = Field(40, ge=1, le=100_000, description="Frames it may send at once.")
    max_frame_bytes: int = Field(
        65_536, ge=1_024, le=16_777_216, description="Largest message of a client."
    )
    max_body_bytes: int = Field(
        262_144,
        ge=1_024,
        le=16_777_216,
        description="Largest body of `publish` and `update-services`.",
    )
    body_timeout_ms: int = Field(
        10_000, ge=100, le=60_000, description="Longest wait for a whole body."
    )

    send_buffer_bytes: int = Field(
        65_536, ge=4_096, le=16_777_216, description="Kernel buffer of a socket (SO_SNDBUF)."
    )
    lagging_bytes: int = Field(
        262_144, ge=4_096, le=268_435_456, description="Unsent bytes that make a socket lag."
    )
    lagging_ms: int = Field(
        2_000, ge=100, le=600_000, description="Age of an unsent frame, or of acks, that does."
    )
    quarantine_ms: int = Field(
        30_000, ge=1_000, le=600_000, description="How long a lagging socket gets no low tier."
    )
    hard_limit_bytes: int = Field(
        1_048_576, ge=65_536, le=268_435_456, description="Unsent bytes that end a socket (4410)."
    )
    sweep_ms: int = Field(
        5_000, ge=100, le=600_000, description="How often every held topic is re-read unasked."
    )
    subscription_poll_ms: int = Field(
        5_000, ge=100, le=600_000, description="How often subscriptions are re-read unasked."
    )
    canary_ms: int = Field(
        5_000, ge=100, le=600_000, description="How often gateways test that they hear events."
    )
    drain_notice_ms: int = Field(
        2_000, ge=0, le=300_000, description="Time for balancers to notice that it is leaving."
    )
    drain_window_ms: int = Field(
        10_000, ge=0, le=3_600_000, description="Time over which its sockets are moved."
    )
    rebalance: bool = Field(
        True, description="Give sockets away when other gateways have far fewer."
    )
    rebalance_above_percent: int = Field(
        20, ge=10, le=1_000, description="How far above the mean of all it begins to."
    )
    rebalance_window_ms: int = Field(
        120_000,
        ge=10_000,
        le=3_600_000,
        description="Time over which it gives away what is too much.",
    )
    rebalance_per_s: int = Field(
        20, ge=1, le=1_000, description="Sockets a second that it gives away at most."
    )

    @model_validator(mode="after")
    def _origins_are_exact(self) -> Self:
        for origin in self.allowed_origins:
            problem = origin_problem(origin, production=self.env == "production")
            if problem:
                raise ValueError(f"GATEWAY_ALLOWED_ORIGINS {problem}")
        return self

    @model_validator(mode="after")
    def _proxies_are_networks(self) -> Self:
        problem = networks_problem(self.trusted_proxies)
        if problem:
            raise ValueError(f"GATEWAY_TRUSTED_PROXIES {problem}")
        return self

    @model_validator(mode="after")
    def _heartbeats_keep_proxies_open(self) -> Self:
        # Twice: one heartbeat may be late without the proxy cutting a healthy socket.
        if 2 * self.heartbeat_ms > self.proxy_idle_timeout_ms:
            raise ValueError(
                f"GATEWAY_HEARTBEAT_MS ({self.heartbeat_ms}) must be at most half of "
                f"GATEWAY_PROXY_IDLE_TIMEOUT_MS ({self.proxy_idle_timeout_ms})"
            )
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.port == self.internal_port:
            raise ValueError(
                f"GATEWAY_INTERNAL_PORT ({self.internal_port}) must differ from GATEWAY_PORT"
            )
        return self

    @model_validator(mode="after")
    def _burst_covers_a_second(self) -> Self:
        if self.message_burst < self.message_rate_per_s:
            raise ValueError(
                f"GATEWAY_MESSAGE_BURST ({self.message_burst}) must be at least "
                f"GATEWAY_MESSAGE_RATE_PER_S ({self.message_rate_per_s})"
            )
        return self

    @property
    def admission_limits(self) -> AdmissionLimits:
        """How many sockets there may be, and how often a user may come."""
        return AdmissionLimits(
            max_connections=self.max_connections,
            max_per_user=self.max_connections_per_user,
            max_per_org=self.max_connections_per_org,
            max_per_address=self.max_connections_per_address,
            connects_per_user=RateLimit(self.connects_per_user_per_s, self.connect_burst),
            requests_per_user=RateLimit(self.requests_per_user_per_s, self.request_burst),
        )

    @property
    def body_limits(self) -> BodyLimits:
        """What an HTTP call may carry."""
        return BodyLimits(self.max_body_bytes, self.body_timeout_ms)

    def connection_limits(self, *, max_token_bytes: int) -> ConnectionLimits:
        """Return what one socket may cost."""
        return ConnectionLimits(
            frames=FrameLimits(max_message_bytes=self.max_frame_bytes),
            rate=RateLimit(self.message_rate_per_s, self.message_burst),
            hard_limit_bytes=self.hard_limit_bytes,
            send_buffer_bytes=self.send_buffer_bytes,
            max_token_bytes=max_token_bytes,
        )

    @property
    def quarantine_limits(self) -> QuarantineLimits:
        """When a socket lags, and for how long it gets less."""
        return QuarantineLimits(
            backlog_bytes=self.lagging_bytes,
            age_ms=self.lagging_ms,
            ack_lag_ms=self.lagging_ms,
            spell_ms=self.quarantine_ms,
            longest_spell_ms=4 * self.quarantine_ms,
        )

    def liveness_limits(self, *, expiry_leeway_ms: int) -> LivenessLimits:
        """Return when a socket is given up."""
        return LivenessLimits(
            heartbeat_ms=self.heartbeat_ms,
            # Two beats may go unanswered; the grace covers a slow network.
            silence_ms=2 * self.heartbeat_ms + 5_000,
            expiry_leeway_ms=expiry_leeway_ms,
            # An idle gateway asks Redis nothing between two sweeps, and is not stale for that.
            stale_ms=max(self.heartbeat_ms, 2 * self.sweep_ms),
        )

    @property
    def canary_limits(self) -> CanaryLimits:
        """How often a gateway tests its hearing."""
        return CanaryLimits(period_ms=self.canary_ms)

    @property
    def rebalance_limits(self) -> RebalanceLimits | None:
        """When it gives sockets away; None where it never does."""
        if not self.rebalance:
            return None
        return RebalanceLimits(
            begin_above=self.rebalance_above_percent / 100,
            window_ms=self.rebalance_window_ms,
            per_s=self.rebalance_per_s,
        )

    @property
    def drain_times(self) -> DrainTimes:
        """How long it takes to leave."""
        return DrainTimes(notice_ms=self.drain_notice_ms, window_ms=self.drain_window_ms)
