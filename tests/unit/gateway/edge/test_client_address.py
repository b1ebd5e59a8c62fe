"""Whose connection it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.client_address import ClientAddresses, networks_problem

PROXIES = ClientAddresses(["10.0.0.0/8", "fd00::/8"])


def test_B22_the_header_of_an_untrusted_peer_is_ignored() -> None:
    assert PROXIES.of("192.0.2.7", ["198.51.100.1"]) == "192.0.2.7"
    assert ClientAddresses([]).of("10.0.0.1", ["198.51.100.1"]) == "10.0.0.1"


def test_a_trusted_proxy_is_believed_and_what_the_client_wrote_itself_is_not() -> None:
    assert PROXIES.of("10.0.0.1", ["203.0.113.9, 198.51.100.1"]) == "198.51.100.1"


def test_a_chain_of_trusted_proxies_is_followed_over_all_lines_of_the_header() -> None:
    assert PROXIES.of("10.0.0.1", ["203.0.113.9, 198.51.100.1", "10.0.0.2"]) == "198.51.100.1"


@pytest.mark.parametrize("lines", [[], [""], ["unknown"], ["198.51.100.1, _hidden"]])
def test_a_proxy_that_names_nobody_counts_itself(lines: list[str]) -> None:
    assert PROXIES.of("10.0.0.1", lines) == "10.0.0.1"


def test_an_ipv6_client_counts_by_its_network() -> None:
    one = PROXIES.of("fd00::1", ["2001:db8:1:2::3"])
    assert one == PROXIES.of("fd00::1", ["2001:db8:1:2:ffff::4"]) == "2001:db8:1:2::/64"


def test_an_ipv4_address_in_ipv6_clothes_is_the_same_client() -> None:
    assert PROXIES.of("::ffff:10.0.0.1", ["::ffff:192.0.2.7"]) == "192.0.2.7"


def test_a_peer_without_an_address_keeps_its_name() -> None:
    assert PROXIES.of("", ["198.51.100.1"]) == ""


@pytest.mark.parametrize(
    ("written", "client"),
    [
        ("198.51.100.1:4711", "198.51.100.1"),
        ('"198.51.100.1"', "198.51.100.1"),
        ("[2001:db8:1:2::3]:4711", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::3]", "2001:db8:1:2::/64"),
        ('"[2001:db8:1:2::3]:4711"', "2001:db8:1:2::/64"),
        ("for=198.51.100.1", "198.51.100.1"),
        ('proto=https; For="198.51.100.1:4711" ;by=203.0.113.43', "198.51.100.1"),
        ('for="[2001:db8:1:2::3]:4711";host="a,b"', "2001:db8:1:2::/64"),
        ("203.0.113.9, for=198.51.100.1", "198.51.100.1"),
    ],
    ids="B141-{}".format,
)
def test_an_address_is_read_however_the_proxy_wrote_it(written: str, client: str) -> None:
    assert PROXIES.of("10.0.0.1", [written]) == client


@pytest.mark.parametrize("written", ["for=_hidden", "for=unknown", "for=", "[::1", "1.2.3.4:x"])
def test_B141_what_names_no_address_counts_the_proxy(written: str) -> None:
    assert PROXIES.of("10.0.0.1", [written]) == "10.0.0.1"


@given(forged=st.lists(st.text()), seen=st.ip_addresses(v=4).map(str))
def test_B22_nothing_that_a_client_sends_changes_what_it_counts_under(
    forged: list[str], seen: str
) -> None:
    proxies = ClientAddresses(["fd00::/8"])
    assert proxies.of("fd00::1", [*forged, seen]) == proxies.of(seen, [])


@pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "10.0.0.0/33"])
def test_what_is_no_network_is_named_with_a_remedy(text: str) -> None:
    problem = networks_problem(["10.0.0.0/8", text])
    assert problem is not None
    assert repr(text) in problem
    assert "write networks such as" in problem
