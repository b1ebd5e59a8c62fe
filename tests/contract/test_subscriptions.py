"""The values in `subs:{org}` are written and read as their golden files say."""

from typing import Any, Final

import pytest

from fanwire.cli.inspect.connections import connections_of
from fanwire.core.ids import Org, Service
from fanwire.core.subscription import (
    Subscription,
    decode_subscription,
    encode_change,
    encode_subscription,
)
from tests.contract.golden import golden_files

VALUES: Final = golden_files("subscriptions")
WRITTEN: Final = sorted(name for name, content in VALUES.items() if content["written"])


def parts_of(subscription: Subscription) -> dict[str, Any]:
    """Return a subscription as the files describe it."""
    return {
        "version": subscription.version,
        "services": sorted(subscription.services),
        "propertyId": subscription.property_id,
        "propertyVersion": subscription.property_version,
        "requestId": subscription.request_id,
    }


@pytest.mark.parametrize("name", VALUES)
def test_a_value_means_what_its_file_says(name: str) -> None:
    stored = VALUES[name]["stored"].encode()
    assert parts_of(decode_subscription(stored)) == VALUES[name]["means"]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_value_is_written_as_its_file_says(name: str) -> None:
    means = VALUES[name]["means"]
    is_own = name in ("filter_set", "filter_cleared")
    body = encode_change(
        services=frozenset(map(Service, means["services"])),
        property_id=means["propertyId"],
        property_version=None if is_own else means["propertyVersion"],
        request_id=means["requestId"],
    )
    assert encode_subscription(means["version"], body).decode() == VALUES[name]["stored"]


@pytest.mark.parametrize("name", VALUES)
def test_the_command_line_sees_in_a_socket_what_its_file_says(name: str) -> None:
    content = VALUES[name]
    fields = {"ada#gw-1~x": content["stored"].encode()}
    (found,) = connections_of(Org("acme"), fields, frozenset({"gw-1"}))
    seen = {
        "version": found.version,
        "services": list(found.services),
        "propertyId": found.property_id,
    }
    assert seen == {name: content["means"][name] for name in seen}
