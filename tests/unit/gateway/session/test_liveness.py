"""When a socket gets a heartbeat, and when it is given up."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.session.liveness import LivenessLimits, Pulse, next_pulse_ms, pulse

LIMITS: Final = LivenessLimits(heartbeat_ms=15_000, silence_ms=35_000, expiry_leeway_ms=5_000)
NEVER_MS: Final = 1e12


@pytest.mark.parametrize(
    ("last_heard_ms", "token_expires_ms", "verdict"),
    [
        (100_000, NEVER_MS, Pulse.BEAT),
        (65_001, NEVER_MS, Pulse.BEAT),
        (65_000, NEVER_MS, Pulse.SILENT),
        (100_000, 95_001, Pulse.BEAT),
        (100_000, 95_000, Pulse.EXPIRED),
        (0, 0, Pulse.EXPIRED),
    ],
)
def test_the_verdict_at_a_hundred_seconds(
    last_heard_ms: float, token_expires_ms: float, verdict: Pulse
) -> None:
    found = pulse(
        now_ms=100_000,
        last_heard_ms=last_heard_ms,
        token_expires_ms=token_expires_ms,
        limits=LIMITS,
    )
    assert found is verdict


moments = st.floats(min_value=0, max_value=1e6)


@given(silent_since_ms=st.floats(min_value=0, max_value=15_000))
def test_B63_a_silent_peer_is_given_up_in_forty_seconds(silent_since_ms: float) -> None:
    now_ms = 0.0
    while True:
        # A healthy peer answers each beat at once, until it falls silent.
        heard_ms = min(now_ms, silent_since_ms)
        verdict = pulse(
            now_ms=now_ms, last_heard_ms=heard_ms, token_expires_ms=NEVER_MS, limits=LIMITS
        )
        if verdict is Pulse.SILENT:
            break
        now_ms = next_pulse_ms(
            now_ms=now_ms, last_heard_ms=heard_ms, token_expires_ms=NEVER_MS, limits=LIMITS
        )
    assert now_ms - silent_since_ms <= 40_000


@given(now_ms=moments, token_expires_ms=moments)
def test_a_socket_is_looked_at_when_its_token_ends_and_at_every_beat(
    now_ms: float, token_expires_ms: float
) -> None:
    next_ms = next_pulse_ms(
        now_ms=now_ms, last_heard_ms=now_ms, token_expires_ms=token_expires_ms, limits=LIMITS
    )
    assert next_ms <= now_ms + LIMITS.heartbeat_ms
    assert next_ms <= token_expires_ms + LIMITS.expiry_leeway_ms


@given(now_ms=moments, quiet_ms=st.floats(min_value=0, max_value=40_000))
def test_a_socket_that_gets_a_beat_is_not_looked_at_again_at_once(
    now_ms: float, quiet_ms: float
) -> None:
    heard_ms = now_ms - quiet_ms
    verdict = pulse(now_ms=now_ms, last_heard_ms=heard_ms, token_expires_ms=NEVER_MS, limits=LIMITS)
    if verdict is Pulse.BEAT:
        next_ms = next_pulse_ms(
            now_ms=now_ms, last_heard_ms=heard_ms, token_expires_ms=NEVER_MS, limits=LIMITS
        )
        assert next_ms > now_ms
