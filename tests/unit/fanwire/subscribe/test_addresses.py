"""The URLs of a gateway."""

import pytest

from fanwire.core.position import Position
from fanwire.errors import BadMessage
from fanwire.subscribe.addresses import parse_gateway


@pytest.mark.parametrize(
    ("given", "stream", "update"),
    [
        ("ws://h:8000", "ws://h:8000/v2/realtime/stream", "http://h:8000/v2/realtime/x"),
        ("http://h:8000/", "ws://h:8000/v2/realtime/stream", "http://h:8000/v2/realtime/x"),
        ("https://h", "wss://h/v2/realtime/stream", "https://h/v2/realtime/x"),
        (
            "wss://h/eu/v2/realtime/stream",
            "wss://h/eu/v2/realtime/stream",
            "https://h/eu/v2/realtime/x",
        ),
    ],
)
def test_every_spelling_leads_to_the_stream_and_to_the_calls_beside_it(
    given: str, stream: str, update: str
) -> None:
    gateway = parse_gateway(given)
    assert gateway.stream(None, None, {}) == stream
    assert gateway.http("x") == update


def test_the_query_names_services_property_and_positions() -> None:
    url = parse_gateway("ws://h").stream(
        ["tasks", "guest-checkin"], "p 9&x", {"tasks": Position(5, 7), "users": Position(0, 0)}
    )
    assert url.partition("?")[2] == (
        "services=tasks,guest-checkin&propertyId=p%209%26x&resume=tasks:5-7,users:0-0"
    )


def test_no_service_at_all_is_told_apart_from_all_of_the_token() -> None:
    assert parse_gateway("ws://h").stream([], None, {}).endswith("?services=")
    assert "?" not in parse_gateway("ws://h").stream(None, None, {})


@pytest.mark.parametrize("url", ["", "h:8000", "ftp://h", "ws://", "unix:///x", "redis://h"])
def test_what_is_no_gateway_is_refused(url: str) -> None:
    with pytest.raises(BadMessage):
        parse_gateway(url)


@pytest.mark.parametrize("url", ["ws://h/?token=secret", "ws://u:secret@h", "ws://h/#secret"])
def test_a_place_where_a_secret_would_leak_is_refused_without_naming_it(url: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse_gateway(url)
    assert "secret" not in str(caught.value)
