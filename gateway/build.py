"""Wires the rooms of a gateway: settings become rules, and each room builds its own parts."""

import os
import socket
from collections.abc import Coroutine, Iterator
from typing import Any

from fanwire.auth.claims import ClaimRules
from gateway.auth.jwks import JwksKeys
from gateway.auth.key_ring import KeyLimits
from gateway.auth.tokens import KeySource, SharedSecret, TokenVerifier
from gateway.cluster.cluster import Cluster, ClusterRules
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.delivery import Delivery
from gateway.edge.admission import Admission
from gateway.edge.client_address import ClientAddresses
from gateway.edge.edge import Edge
from gateway.edge.origins import AllowedOrigins
from gateway.flow_control.flow_control import FlowControl, FlowRules
from gateway.links import RedisLinks
from gateway.session.node_profile import NodeProfile
from gateway.session.sessions import SessionRules, Sessions
from gateway.settings import GatewaySettings
from gateway.telemetry.metrics import Observed, observe_gateway
from gateway.telemetry.node_state import NodeState
from gateway.telemetry.telemetry import GatewayTelemetry
from shared.settings.realtime import RealtimeSettings, TokenSettings


class Gateway:
    """One process's worth of gateway; none of it runs before its loops do."""

    def __init__(
        self,
        realtime: RealtimeSettings,
        tokens: TokenSettings,
        settings: GatewaySettings,
        telemetry: GatewayTelemetry,
    ) -> None:
        self.settings = settings
        self.telemetry = telemetry
        self.links = RedisLinks.of(realtime, telemetry.presence)
        self.jwks, verifier = _token_checks(tokens)
        registry, tiers = ConnectionRegistry(telemetry.counters), realtime.tier_table
        self.edge = Edge(
            Admission(settings.admission_limits, registry),
            AllowedOrigins(settings.allowed_origins),
            ClientAddresses(settings.trusted_proxies),
            settings.forwarded_header,
        )
        self.delivery = Delivery.of(self.links, tiers, telemetry.stats, sweep_ms=settings.sweep_ms)
        flow_rules = FlowRules(realtime.deployed_switches, tiers, settings.quarantine_limits)
        self.flow = FlowControl.of(
            self.links, self.delivery, registry, flow_rules, telemetry.flow_counters
        )
        self.sessions = Sessions(
            self.links,
            registry,
            self.delivery,
            self.flow.monitor,
            verifier,
            self._session_rules(realtime, tokens),
        )
        self.cluster = Cluster(
            self.links,
            self.edge.admission,
            self.delivery,
            self.flow,
            self.sessions,
            self._cluster_rules(),
        )
        observe_gateway(telemetry, self._observed())

    def loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield everything that must run, to be cancelled in the end."""
        yield self.telemetry.loop_lag.run()
        if self.jwks is not None:
            yield self.jwks.run()
        for room in (self.links, self.delivery, self.flow, self.sessions, self.cluster):
            yield from room.loops()

    def _session_rules(self, realtime: RealtimeSettings, tokens: TokenSettings) -> SessionRules:
        settings = self.settings
        profile = NodeProfile(
            node=node_name(settings),
            heartbeat_ms=settings.heartbeat_ms,
            frame_bytes=settings.max_frame_bytes,
            max_services=settings.max_services,
            tiers=realtime.tier_table,
        )
        return SessionRules(
            profile,
            settings.connection_limits(max_token_bytes=tokens.token_max_bytes),
            settings.liveness_limits(expiry_leeway_ms=tokens.jwt_leeway_s * 1000),
            poll_ms=settings.subscription_poll_ms,
            on_turn=self.telemetry.histograms.applied,
        )

    def _cluster_rules(self) -> ClusterRules:
        settings = self.settings
        state = NodeState(
            self.sessions.registry,
            self.edge.admission,
            self.delivery,
            self.flow.monitor,
            self.telemetry.loop_lag,
            settings.max_connections,
        )
        return ClusterRules(
            settings.canary_limits,
            settings.rebalance_limits,
            settings.drain_times,
            self.telemetry.telemetry.tracer,
            state.heartbeat,
            self.telemetry.clock,
        )

    def _observed(self) -> Observed:
        return Observed(
            self.sessions.registry,
            self.delivery,
            self.flow.monitor,
            self.edge.admission,
            lambda: self.cluster.canary.age_ms,
            lambda: self.sessions.credentials.verifier.key_age_s,
        )


def node_name(settings: GatewaySettings) -> str:
    """Return the name of this gateway: as set, or its own."""
    return settings.node_id or f"{socket.gethostname()[:40]}-{os.getpid()}"


def _token_checks(tokens: TokenSettings) -> tuple[JwksKeys | None, TokenVerifier]:
    jwks = _jwks(tokens)
    return jwks, TokenVerifier(jwks or _shared_secret(tokens), claim_rules(tokens))


def _jwks(tokens: TokenSettings) -> JwksKeys | None:
    if tokens.jwks_url is None:
        return None
    limits = KeyLimits(refresh_s=tokens.jwks_refresh_s, longest_age_s=tokens.jwks_max_age_s)
    allow_http = tokens.jwks_insecure
    return JwksKeys(tokens.jwks_url, tokens.algorithms, limits, allow_http=allow_http)


def _shared_secret(tokens: TokenSettings) -> KeySource:
    return SharedSecret(tokens.secret or b"", tokens.algorithms)


def claim_rules(tokens: TokenSettings) -> ClaimRules:
    """Return what a token must be and say."""
    return ClaimRules(
        issuer=tokens.jwt_issuer,
        audience=tokens.jwt_audience,
        leeway_s=tokens.jwt_leeway_s,
        longest_life_s=tokens.jwt_max_lifetime_s,
        mapping=tokens.claim_mapping,
        max_bytes=tokens.token_max_bytes,
    )
