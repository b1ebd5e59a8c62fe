"""The times in the balancers' configurations, which belong together with the gateways' own."""

import re

from gateway.settings import GatewaySettings
from tests.support.balancer import DEPLOY


def seconds(config: str, directive: str) -> float:
    """Return a time of a configuration in seconds."""
    found = re.search(rf"\b{directive} (\d+)(ms|s)\b", config)
    assert found is not None, f"{directive} is not set"
    return int(found[1]) / (1000 if found[2] == "ms" else 1)


def test_an_idle_socket_is_kept_for_as_long_as_the_gateways_are_told() -> None:
    told_s = GatewaySettings.model_fields["proxy_idle_timeout_ms"].default / 1000
    assert seconds((DEPLOY / "haproxy.cfg").read_text(), "timeout tunnel") == told_s
    template = (DEPLOY / "nginx/templates/gateways.conf.template").read_text()
    assert seconds(template, "proxy_read_timeout") == told_s


def test_an_unready_gateway_is_noticed_before_it_begins_to_move_its_sockets() -> None:
    config = (DEPLOY / "haproxy.cfg").read_text()
    longest_s = seconds(config, "check inter") + seconds(config, "fastinter")
    assert longest_s < GatewaySettings.model_fields["drain_notice_ms"].default / 1000
