"""What a user, or one connection, is subscribed to, and which of two changes is newer.

Stored in `subs:{org}` as `<version> <json>`: the version goes first, so that the script that
allocates it need not write JSON. A change may leave the property filter as it is. It then
carries the filter of the change before it, under that change's version, so a node that saw
only the second change applies both, and a socket with a newer filter keeps its own.
`contract/subscriptions/` holds examples.
"""

from dataclasses import dataclass
from typing import Final

import orjson

from fanwire.core.ids import Service

VERSION_FIELD: Final = ":version"
"""The field of `subs:{org}` that counts its changes; a user's name cannot begin with a colon."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A wish, as of a version. `property_version` 0 says that no filter was ever set."""

    version: int
    services: frozenset[Service]
    property_id: str | None
    property_version: int
    request_id: str | None = None


def decode_subscription(stored: bytes) -> Subscription:
    """Return what a field of `subs:{org}` holds."""
    version_text, _, body = stored.partition(b" ")
    fields = orjson.loads(body)
    version = int(version_text)
    property_version = fields["propertyVersion"]
    return Subscription(
        version=version,
        services=frozenset(map(Service, fields["services"])),
        property_id=fields["propertyId"],
        # The writer cannot know the version that its own change will get.
        property_version=version if property_version is None else property_version,
        request_id=fields.get("requestId"),
    )


def encode_subscription(version: int, body: bytes) -> bytes:
    """Return what a field holds: `body`, as of `version`."""
    return b"%d %b" % (version, body)


def encode_change(
    *,
    services: frozenset[Service],
    property_id: str | None,
    property_version: int | None,
    request_id: str | None = None,
) -> bytes:
    """Return the JSON part to store; `property_version` None stands for this change's own."""
    return orjson.dumps(
        {
            "services": sorted(services),
            "propertyId": property_id,
            "propertyVersion": property_version,
            "requestId": request_id,
        }
    )


def newest_filter(*known: Subscription | None) -> tuple[str | None, int]:
    """Return the property filter set last among `known`, and its version; (None, 0) if none."""
    filters = [(s.property_version, s.property_id) for s in known if s is not None]
    version, property_id = max(filters, key=lambda pair: pair[0], default=(0, None))
    return property_id, version
