"""Which header names the client, where a proxy stands in front."""

from typing import cast

import pytest
from starlette.requests import HTTPConnection

from gateway.edge.admission import Admission
from gateway.edge.client_address import ClientAddresses
from gateway.edge.edge import Edge
from gateway.edge.origins import AllowedOrigins
from gateway.settings import GatewaySettings


def a_request() -> HTTPConnection:
    headers = [
        (b"x-forwarded-for", b"198.51.100.1"),
        (b"forwarded", b'for="198.51.100.2:4711";proto=https'),
    ]
    return HTTPConnection({"type": "http", "client": ("10.0.0.1", 80), "headers": headers})


@pytest.mark.parametrize(
    ("header", "client"), [("x-forwarded-for", "198.51.100.1"), ("forwarded", "198.51.100.2")]
)
def test_the_one_header_that_the_settings_name_is_read(header: str, client: str) -> None:
    settings = GatewaySettings.model_validate({"env": "dev", "forwarded_header": header})
    edge = Edge(
        cast(Admission, None),
        AllowedOrigins([]),
        ClientAddresses(["10.0.0.0/8"]),
        settings.forwarded_header,
    )
    assert edge.address_of(a_request()) == client
