"""The frames that a `Subscriber` sends; pages send two more, `visibility` and `ping`.

The gateway's side is gateway/connection/messages.py.
"""

from collections.abc import Mapping

import orjson

from fanwire.core.position import Position


def encode_client_auth(token: str) -> bytes:
    """Return the frame that refreshes the token in band."""
    return orjson.dumps({"type": "auth", "token": token})


def encode_ack(positions: Mapping[str, Position]) -> bytes:
    """Return the frame that tells how far the client is."""
    taken = {service: str(position) for service, position in positions.items()}
    return orjson.dumps({"type": "ack", "positions": taken})
