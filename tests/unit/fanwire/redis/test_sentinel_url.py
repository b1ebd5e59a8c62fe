"""Addresses of Sentinels."""

import pytest

from fanwire.redis.sentinel_url import is_sentinel_url, parse_sentinel_url


def test_hosts_service_and_database_are_read() -> None:
    address = parse_sentinel_url("redis+sentinel://one:5000,two,[::1]:5001,[::2]/main/3")
    assert address.sentinels == (("one", 5000), ("two", 26_379), ("::1", 5001), ("::2", 26_379))
    assert (address.service, address.db, address.is_tls) == ("main", 3, False)
    assert (address.username, address.password) == (None, None)


def test_credentials_are_those_of_redis_and_the_sentinels_have_their_own() -> None:
    address = parse_sentinel_url(
        "rediss+sentinel://ada:p%40ss@one/main?sentinel_password=s%20ecret"
    )
    assert address.is_tls
    assert (address.username, address.password) == ("ada", "p@ss")
    assert (address.sentinel_username, address.sentinel_password) == (None, "s ecret")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis+sentinel://one:26379", "must name Sentinels and a service"),
        ("redis+sentinel:///main", "must name Sentinels and a service"),
        ("redis+sentinel://one:port/main", "must name each Sentinel as host:port, not 'one:port'"),
        ("redis+sentinel://one:70000/main", "not 'one:70000'"),
        ("redis+sentinel://one,,two/main", "not ''"),
        ("redis+sentinel://one/main/first", "must end in a database number"),
        ("redis+sentinel://one/main?timeout=3", "must not have the options timeout"),
    ],
)
def test_what_cannot_be_read_is_named(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_sentinel_url(url)


def test_a_problem_does_not_tell_the_password() -> None:
    with pytest.raises(ValueError) as caught:
        parse_sentinel_url("redis+sentinel://ada:secret@one:x/main")
    assert "secret" not in str(caught.value)


def test_an_address_of_a_server_is_none_of_sentinels() -> None:
    assert not is_sentinel_url("redis://one:6379/0")
    assert not is_sentinel_url("unix:///redis+sentinel.sock")
    assert is_sentinel_url("rediss+sentinel://one/main")
