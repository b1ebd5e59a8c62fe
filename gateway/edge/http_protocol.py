"""uvicorn's HTTP protocol with bounds on the request head: in size, in time, in form.

Out of the box a peer may send half a header line and hold its socket for ever, or a head of any
length. Here a head must be whole within `HEAD_TIMEOUT_S` and keep to what
gateway/edge/request_head.py allows; otherwise it is answered and the connection closed.

The class is internal to uvicorn, so its version is pinned, and tests/component/gateway/
test_http_door.py sends it every head of the contract's matrix over a raw socket.
"""

import asyncio
import sys
from http import HTTPStatus
from typing import Final, cast

from httptools import HttpParserUpgrade
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.edge.request_head import HeadFault, head_fault, size_fault
from gateway.edge.upgrade import UpgradeHandshake, websocket_scope

HEAD_TIMEOUT_S: Final = 5.0
"""A head is one packet or two: a phone on a bad network sends it sooner."""


class RefusedHead(Exception):
    """Ends the parsing of a request; the parser turns it into its own error."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection until its upgrade, or through its requests."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._fault: HeadFault | None = None
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._head_is_over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse a head that grows beyond its bounds without an end."""
        self._head_bytes += len(data)
        self._latest = data
        super().data_received(data)
        self._latest = b""
        if self._deadline is not None and not self.transport.is_closing():
            fault = size_fault(
                url_bytes=len(getattr(self, "url", b"")),
                head_bytes=self._head_bytes,
                header_count=0,
            )
            if fault is not None:
                self._fault = fault
                self.send_400_response(fault.reason)

    def on_message_begin(self) -> None:
        """Give the next head its time."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Judge the head before anything acts on it."""
        self._head_is_over()
        self._fault = size_fault(
            url_bytes=len(self.url),
            head_bytes=sum(len(name) + len(value) + 4 for name, value in self.headers),
            header_count=len(self.headers),
        ) or head_fault(
            method=self.parser.get_method().decode("ascii", "replace"),
            http_version=self.parser.get_http_version(),
            headers=self.headers,
            is_upgrade=self.parser.should_upgrade() and self._should_upgrade(),
        )
        if self._fault is not None:
            raise RefusedHead(self._fault.reason)
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Let the application decide, and take along what came behind the head."""
        upgrade = sys.exception()
        assert isinstance(upgrade, HttpParserUpgrade), "called where the parser has raised it"
        self.connections.discard(self)
        handshake = UpgradeHandshake(
            self.transport, self.server_state, early=self._latest[upgrade.args[0] :]
        )
        scope = websocket_scope(cast(Scope, self.scope), self.url)
        handshake.start(cast(ASGIApp, self.app), scope)

    def _should_upgrade_to_ws(self) -> bool:
        return True  # uvicorn itself is told that there are no WebSockets

    def send_400_response(self, msg: str) -> None:
        """Answer a refused head with its own status; called by the base class for any fault."""
        self._head_is_over()
        fault = self._fault or HeadFault(400, msg)
        status = HTTPStatus(fault.status)
        head = [
            b"HTTP/1.1 %d %b" % (status, status.phrase.encode()),
            b"content-type: text/plain; charset=utf-8",
            b"content-length: %d" % len(fault.reason),
            b"connection: close",
            *(b"%b: %b" % header for header in fault.headers),
        ]
        self.transport.write(b"\r\n".join([*head, b"", fault.reason.encode("ascii")]))
        self.transport.close()

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._head_bytes = 0
            self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _head_is_over(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
