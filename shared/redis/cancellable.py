"""Connections of redis-py that let a cancelled caller go.

redis-py sends by `asyncio.wait_for` where a socket timeout is set, and on Python 3.11 that
forgets a cancellation which comes just as the send ends: the caller goes on, and a TaskGroup
that waits for it hangs. `asyncio.timeout` keeps the count, so the send is bounded by it here.

Rejected: no socket timeout. A frozen server would then hold a listener's handshake for ever.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    _Sender = AbstractConnection
else:
    _Sender = object


class _CancellableSend(_Sender):
    """Sends within `socket_timeout`; otherwise what it is mixed into."""

    # The signature is redis-py's.
    async def send_packed_command(
        self,
        command: bytes | str | Iterable[bytes],
        check_health: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await cast(Any, self).check_health()
        try:
            async with asyncio.timeout(self.socket_timeout):
                await self._send_packed_command(_chunks(command))
        except BaseException as error:
            # Half a command may be on its way; nothing can follow it.
            await self.disconnect(nowait=True)
            if isinstance(error, TimeoutError):
                raise RedisTimeoutError("Timeout writing to socket") from None
            if isinstance(error, OSError):
                raise RedisConnectionError(f"Error while writing to socket: {error}") from error
            raise


def _chunks(command: bytes | str | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(command, str):
        return [command.encode()]
    return [command] if isinstance(command, bytes) else command


class CancellableConnection(_CancellableSend, Connection):
    """Over TCP."""


class CancellableSSLConnection(_CancellableSend, SSLConnection):
    """Over TLS."""


class CancellableSentinelConnection(_CancellableSend, SentinelManagedConnection):
    """Over TCP to the primary that Sentinels name."""


class CancellableSentinelSSLConnection(_CancellableSend, SentinelManagedSSLConnection):
    """Over TLS to the primary that Sentinels name."""


class CancellableUnixConnection(_CancellableSend, UnixDomainSocketConnection):
    """Over a unix socket."""


CANCELLABLE: Final[dict[type[AbstractConnection], type[AbstractConnection]]] = {
    Connection: CancellableConnection,
    SSLConnection: CancellableSSLConnection,
    UnixDomainSocketConnection: CancellableUnixConnection,
    SentinelManagedConnection: CancellableSentinelConnection,
    SentinelManagedSSLConnection: CancellableSentinelSSLConnection,
}
"""By the class that redis-py chooses for a URL."""
