"""Sends one socket elsewhere: it is told when to come back, and closed with 1012.

The client resumes where it was, on the gateway that the balancer then chooses.
"""

import random
from typing import Final

from fanwire.errors import Draining
from fanwire.wire.encode import encode_drain
from gateway.connection.connection import Connection
from gateway.connection.phases import SessionInput

LONGEST_CLIENT_WAIT_MS: Final = 1_000
"""Slots blur over it, and a page is without a socket for no longer."""


def dismiss(connection: Connection, why: str) -> None:
    """Tell it, and close it; one that has ended is left alone."""
    if not connection.is_open:
        return
    connection.advance(SessionInput.DRAIN)
    after_ms = random.randrange(LONGEST_CLIENT_WAIT_MS)
    connection.send(encode_drain(after_ms))
    connection.close(Draining(why, retry_after_ms=after_ms))
