"""Puts a gateway together: settings become limits, limits become parts."""

import os
import socket
from dataclasses import dataclass
from functools import partial
from typing import Final

from redis.asyncio import Redis

from fanwire.core.keys import Keys
from fanwire.core.tiers import Tiers
from gateway.auth.claims import ClaimRules
from gateway.auth.jwks import JwksKeys
from gateway.auth.tokens import KeySource, SharedSecret, TokenVerifier
from gateway.cluster.canary import Canary
from gateway.cluster.drain import Drainer
from gateway.cluster.hearing import CanaryLimits
from gateway.cluster.kick import Kick
from gateway.cluster.membership import Membership
from gateway.cluster.rebalance import RebalanceLimits
from gateway.cluster.rebalancer import Rebalancer
from gateway.cluster.rings import Rings
from gateway.connection.limits import ConnectionLimits
from gateway.connection.rate_limit import RateLimit
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.bell import Bell
from gateway.delivery.catch_up import CatchUps
from gateway.delivery.hub import Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.delivery.replay_log import ReplayLog
from gateway.edge.admission import Admission, AdmissionLimits
from gateway.edge.client_address import ClientAddresses
from gateway.edge.origins import AllowedOrigins
from gateway.flow_control.monitor import FlowMonitor
from gateway.flow_control.quarantine import QuarantineLimits
from gateway.flow_control.switch_sync import SwitchSync
from gateway.flow_control.switches import LiveSwitches
from gateway.flow_control.withholding import Withholding
from gateway.gateway import Gateway
from gateway.session.joining import Joiner
from gateway.session.liveness import LivenessLimits
from gateway.session.messages import SessionMessages, SessionParts
from gateway.session.node_profile import NodeProfile
from gateway.session.revocations import Revocations
from gateway.session.store import SubscriptionStore
from gateway.session.sync import SubscriptionSync
from gateway.session.timers import SocketTimers
from gateway.settings import GatewaySettings
from gateway.telemetry.metrics import observe_gateway
from gateway.telemetry.node_state import vital_signs
from gateway.telemetry.telemetry import GatewayTelemetry
from gateway.websocket.events import FrameLimits
from shared.redis.client import connect
from shared.redis.pipelined import PipelinedRedis
from shared.settings.realtime import RealtimeSettings, TokenSettings

LINKS: Final = ("live", "control")
"""One carries what is delivered and nothing slow; the other connects, replays and changes."""


@dataclass(frozen=True, slots=True)
class Composition:
    """A gateway, and the parts of it that run."""

    gateway: Gateway
    live: PipelinedRedis
    control: PipelinedRedis
    subscriptions: SubscriptionSync
    membership: Membership
    rebalancer: Rebalancer | None
    jwks: JwksKeys | None
    redis: Redis


def compose(
    realtime: RealtimeSettings,
    tokens: TokenSettings,
    settings: GatewaySettings,
    signals: GatewayTelemetry,
) -> Composition:
    """Return all parts, wired, none of them running."""
    keys, redis = Keys(realtime.key_prefix), _redis(realtime)
    live, control = (PipelinedRedis(redis, presence=signals.presence, name=n) for n in LINKS)
    board, registry = LiveSwitches(realtime.deployed_switches), ConnectionRegistry()
    out = _delivery(live, control, keys, realtime.tier_table, settings, board, signals)
    poll_ms, on_turn = settings.subscription_poll_ms, signals.histograms.applied
    store, joiner = out.store, out.joiner
    subscriptions = SubscriptionSync(store, registry, joiner, poll_ms=poll_ms, on_turn=on_turn)
    revocations = Revocations(control, keys, registry, poll_ms=poll_ms)
    switches = SwitchSync(control, keys, registry, board, out.flow.withholding)
    timers = SocketTimers(out.hub, out.feed, _liveness_limits(settings, tokens))
    jwks, verifier = _token_checks(tokens)
    session_parts = SessionParts(
        out.hub, registry, joiner, store, verifier, revocations, timers, out.flow, signals.counters
    )
    admission = Admission(_admission_limits(settings), registry)
    rings = Rings(out.feed, subscriptions, revocations, switches, Kick(registry))
    bell, limits = Bell(redis, keys, rings), CanaryLimits(period_ms=settings.canary_ms)
    gateway = Gateway(
        settings=settings,
        profile=out.profile,
        verifier=verifier,
        origins=AllowedOrigins(settings.allowed_origins),
        addresses=ClientAddresses(settings.trusted_proxies),
        admission=admission,
        drainer=_drainer(settings, registry, admission, signals),
        registry=registry,
        hub=out.hub,
        bell=bell,
        canary=Canary(control, keys, bell, out.feed, rings.canary, limits, node=out.profile.node),
        feed=out.feed,
        replay_log=out.replay_log,
        store=store,
        revocations=revocations,
        joiner=joiner,
        timers=timers,
        sessions=SessionMessages(_connection_limits(settings), session_parts),
        flow=out.flow,
        switchboard=board,
        switches=switches,
        catch_ups=out.catch_ups,
        signals=signals,
    )
    parts = _made_visible(gateway, control, keys), _rebalancer(control, keys, gateway)
    return Composition(gateway, live, control, subscriptions, *parts, jwks, redis)


def _rebalancer(control: PipelinedRedis, keys: Keys, gateway: Gateway) -> Rebalancer | None:
    if not gateway.settings.rebalance:
        return None
    return Rebalancer(
        control,
        keys,
        gateway.registry,
        gateway.admission,
        _rebalance_limits(gateway.settings),
        node=gateway.profile.node,
    )


def _made_visible(gateway: Gateway, control: PipelinedRedis, keys: Keys) -> Membership:
    """Register its metrics, and return what tells the cluster of it."""
    observe_gateway(gateway)
    node, signs = gateway.profile.node, partial(vital_signs, gateway)
    return Membership(control, keys, gateway.registry, gateway.store, node=node, vital_signs=signs)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What brings the topics to the sockets."""

    profile: NodeProfile
    hub: Hub
    feed: LiveFeed
    replay_log: ReplayLog
    store: SubscriptionStore
    catch_ups: CatchUps
    flow: FlowMonitor
    joiner: Joiner


def _delivery(
    live: PipelinedRedis,
    control: PipelinedRedis,
    keys: Keys,
    tiers: Tiers,
    settings: GatewaySettings,
    board: LiveSwitches,
    signals: GatewayTelemetry,
) -> _Delivery:
    hub, profile = Hub(), _profile(settings, tiers)
    sweep_ms, stats = settings.sweep_ms, signals.stats
    feed = LiveFeed(hub, ReplayLog(live, keys), tiers, sweep_ms=sweep_ms, stats=stats)
    replay_log, store = ReplayLog(control, keys), SubscriptionStore(control, keys)
    catch_ups, counters = CatchUps(feed, replay_log), signals.flow_counters
    withholding = Withholding(hub, feed, catch_ups, board, tiers, counters)
    flow = FlowMonitor(withholding, tiers, _quarantine_limits(settings), counters)
    joiner = Joiner(hub, feed, replay_log, store, profile, catch_ups, flow)
    return _Delivery(profile, hub, feed, replay_log, store, catch_ups, flow, joiner)


def _redis(realtime: RealtimeSettings) -> Redis:
    return connect(
        realtime.redis_url.get_secret_value(),
        client_name="fanwire-gateway",
        connect_timeout_ms=realtime.redis_connect_timeout_ms,
        timeout_ms=realtime.redis_timeout_ms,
    )


def node_name(settings: GatewaySettings) -> str:
    """Return the name of this gateway: as set, or its own."""
    return settings.node_id or f"{socket.gethostname()[:40]}-{os.getpid()}"


def _profile(settings: GatewaySettings, tiers: Tiers) -> NodeProfile:
    return NodeProfile(
        node=node_name(settings),
        heartbeat_ms=settings.heartbeat_ms,
        frame_bytes=settings.max_frame_bytes,
        max_services=settings.max_services,
        tiers=tiers,
    )


def _drainer(
    settings: GatewaySettings,
    registry: ConnectionRegistry,
    admission: Admission,
    signals: GatewayTelemetry,
) -> Drainer:
    return Drainer(
        registry,
        admission,
        notice_ms=settings.drain_notice_ms,
        window_ms=settings.drain_window_ms,
        tracer=signals.telemetry.tracer,
    )


def _quarantine_limits(settings: GatewaySettings) -> QuarantineLimits:
    return QuarantineLimits(
        backlog_bytes=settings.lagging_bytes,
        age_ms=settings.lagging_ms,
        ack_lag_ms=settings.lagging_ms,
        spell_ms=settings.quarantine_ms,
        longest_spell_ms=4 * settings.quarantine_ms,
    )


def _connection_limits(settings: GatewaySettings) -> ConnectionLimits:
    return ConnectionLimits(
        frames=FrameLimits(max_message_bytes=settings.max_frame_bytes),
        rate=RateLimit(settings.message_rate_per_s, settings.message_burst),
        hard_limit_bytes=settings.hard_limit_bytes,
        send_buffer_bytes=settings.send_buffer_bytes,
    )


def _admission_limits(settings: GatewaySettings) -> AdmissionLimits:
    return AdmissionLimits(
        max_connections=settings.max_connections,
        max_per_user=settings.max_connections_per_user,
        max_per_org=settings.max_connections_per_org,
        max_per_address=settings.max_connections_per_address,
        connects_per_user=RateLimit(settings.connects_per_user_per_s, settings.connect_burst),
        requests_per_user=RateLimit(settings.requests_per_user_per_s, settings.request_burst),
    )


def _liveness_limits(settings: GatewaySettings, tokens: TokenSettings) -> LivenessLimits:
    return LivenessLimits(
        heartbeat_ms=settings.heartbeat_ms,
        # Two beats may go unanswered; the grace covers a slow network.
        silence_ms=2 * settings.heartbeat_ms + 5_000,
        expiry_leeway_ms=tokens.jwt_leeway_s * 1000,
        # An idle gateway asks Redis nothing between two sweeps, and is not stale for that.
        stale_ms=max(settings.heartbeat_ms, 2 * settings.sweep_ms),
    )


def _token_checks(tokens: TokenSettings) -> tuple[JwksKeys | None, TokenVerifier]:
    jwks = _jwks(tokens)
    return jwks, TokenVerifier(jwks or _shared_secret(tokens), _claim_rules(tokens))


def _rebalance_limits(settings: GatewaySettings) -> RebalanceLimits:
    return RebalanceLimits(
        begin_above=settings.rebalance_above_percent / 100,
        window_ms=settings.rebalance_window_ms,
        per_s=settings.rebalance_per_s,
    )


def _jwks(tokens: TokenSettings) -> JwksKeys | None:
    if tokens.jwks_url is None:
        return None
    return JwksKeys(tokens.jwks_url, allow_http=tokens.jwks_insecure)


def _shared_secret(tokens: TokenSettings) -> KeySource:
    return SharedSecret(tokens.secret or b"")


def _claim_rules(tokens: TokenSettings) -> ClaimRules:
    return ClaimRules(
        issuer=tokens.jwt_issuer,
        audience=tokens.jwt_audience,
        leeway_s=tokens.jwt_leeway_s,
        longest_life_s=tokens.jwt_max_lifetime_s,
    )
