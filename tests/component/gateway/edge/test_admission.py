"""Who is let in."""

from dataclasses import replace
from typing import Final

import pytest

from fanwire.errors import Draining, Overloaded, RateLimited
from gateway.connection.connection import Connection
from gateway.connection.rate_limit import RateLimit
from gateway.connection.registry import ConnectionRegistry
from gateway.edge.admission import Admission, AdmissionLimits
from tests.support.gateway_values import some_claims
from tests.support.loopback import RecordingSessions

LIMITS: Final = AdmissionLimits(
    max_connections=100,
    max_per_user=100,
    max_per_org=100,
    max_per_address=None,
    connects_per_user=RateLimit(per_s=0.001, burst=100),
    requests_per_user=RateLimit(per_s=0.001, burst=100),
)
CLAIMS: Final = some_claims()
ADDRESS: Final = "192.0.2.1"


def a_door(count: int = 0, **changed: object) -> Admission:
    """Return an admission with `count` connections of one user inside."""
    registry = ConnectionRegistry()
    for number in range(count):
        registry.add(Connection(RecordingSessions(), CLAIMS, str(number), "192.0.2.1"))
    return Admission(replace(LIMITS, **changed), registry)  # type: ignore[arg-type]


def test_within_all_limits_everybody_is_let_in() -> None:
    door = a_door(5)
    door.check_node()
    door.arrive(CLAIMS, ADDRESS)
    door.check_request(CLAIMS)


def test_B24_a_full_node_sends_on() -> None:
    with pytest.raises(Overloaded) as caught:
        a_door(3, max_connections=3).check_node()
    assert caught.value.http_status == 503
    a_door(2, max_connections=3).check_node()


def test_B24_a_draining_node_sends_on() -> None:
    door = a_door()
    door.is_draining = True
    with pytest.raises(Draining) as caught:
        door.check_node()
    assert caught.value.http_status == 503


def test_F33_the_refused_are_not_told_to_come_back_at_one_moment() -> None:
    door = a_door()
    door.is_draining = True
    waits_ms = set()
    for _ in range(50):
        with pytest.raises(Draining) as caught:
            door.check_node()
        waits_ms.add(caught.value.retry_after_ms)
    assert len(waits_ms) > 10


@pytest.mark.parametrize("limit", ["max_per_user", "max_per_org"])
def test_B23_a_user_or_an_org_beyond_its_connections_is_refused(limit: str) -> None:
    with pytest.raises(RateLimited) as caught:
        a_door(3, **{limit: 3}).arrive(CLAIMS, ADDRESS)
    assert caught.value.http_status == 429
    assert caught.value.retry_after_ms is not None
    a_door(2, **{limit: 3}).arrive(CLAIMS, ADDRESS)


def test_B23_other_users_and_orgs_are_not_affected() -> None:
    a_door(3, max_per_user=3).arrive(some_claims(sub="eve"), ADDRESS)
    a_door(3, max_per_org=3).arrive(some_claims(org="globex"), ADDRESS)


def test_B23_an_address_beyond_its_connections_is_refused_and_named() -> None:
    door = a_door(3, max_per_address=3)
    with pytest.raises(RateLimited, match=r"192\.0\.2\.1 has 3 connections"):
        door.check_address("192.0.2.1")
    door.check_address("192.0.2.2")
    a_door(3).check_address("192.0.2.1")


@pytest.mark.parametrize("limit", ["max_per_user", "max_per_org"])
def test_B140_connects_of_one_moment_get_no_more_places_than_there_are(limit: str) -> None:
    door = a_door(1, **{limit: 3})
    with door.arrive(CLAIMS, ADDRESS):
        with door.arrive(CLAIMS, ADDRESS), pytest.raises(RateLimited):
            door.arrive(CLAIMS, ADDRESS)
        door.arrive(CLAIMS, ADDRESS)


def test_B140_an_arrival_counts_for_its_address_and_for_the_node_as_well() -> None:
    door = a_door(max_per_address=1, max_connections=1)
    with door.arrive(CLAIMS, ADDRESS):
        with pytest.raises(RateLimited):
            door.check_address(ADDRESS)
        with pytest.raises(Overloaded):
            door.check_node()
    door.check_address(ADDRESS)
    door.check_node()


def test_B59_connects_beyond_the_rate_are_refused() -> None:
    door = a_door(connects_per_user=RateLimit(per_s=0.001, burst=2))
    for _ in range(2):
        door.arrive(CLAIMS, ADDRESS)
    with pytest.raises(RateLimited, match="connects"):
        door.arrive(CLAIMS, ADDRESS)
    door.arrive(some_claims(sub="eve"), ADDRESS)
    door.check_request(CLAIMS)


def test_B107_requests_beyond_the_rate_are_refused() -> None:
    door = a_door(requests_per_user=RateLimit(per_s=0.001, burst=1))
    door.check_request(CLAIMS)
    with pytest.raises(RateLimited, match="requests"):
        door.check_request(CLAIMS)


def test_a_refused_connect_says_when_the_next_is_allowed() -> None:
    door = a_door(connects_per_user=RateLimit(per_s=10, burst=1))
    door.arrive(CLAIMS, ADDRESS)
    with pytest.raises(RateLimited) as caught:
        door.arrive(CLAIMS, ADDRESS)
    assert caught.value.retry_after_ms is not None
    assert 0 < caught.value.retry_after_ms <= 100


def test_the_user_unseen_for_the_longest_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.edge.admission.MAX_BUCKETS", 2)
    door = a_door(requests_per_user=RateLimit(per_s=0.001, burst=1))
    for sub in ("a", "b"):
        door.check_request(some_claims(sub=sub))
    with pytest.raises(RateLimited):
        door.check_request(some_claims(sub="a"))  # seen again: now it is b's turn to give way
    door.check_request(some_claims(sub="c"))
    with pytest.raises(RateLimited):
        door.check_request(some_claims(sub="a"))
    door.check_request(some_claims(sub="b"))
