"""Which request heads are answered at all.

Parsers differ in what they let pass: two keys, an upgrade with a body, a request of HTTP/1.0.
Behind a proxy such a difference is a way to smuggle a request past it, so an upgrade must be
exactly what RFC 6455 §4.1 describes. Numbers in comments are those of the contract's matrix.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MAX_URL_BYTES: Final = 8_192
"""Room for 32 services with their positions; nginx takes no longer one by default."""

MAX_HEAD_BYTES: Final = 16_384
"""A token and a browser's cookies; as large as HAProxy's buffer by default."""

MAX_HEADER_COUNT: Final = 64
"""A browser sends some twenty, proxies add a few."""

WEBSOCKET_VERSION: Final = b"13"

_KEY_BYTES: Final = 16
"""RFC 6455, 4.1."""

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, with their values."""


@dataclass(frozen=True, slots=True)
class HeadFault:
    """Why a request is refused, and with which status."""

    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def size_fault(*, url_bytes: int, head_bytes: int, header_count: int) -> HeadFault | None:
    """Judge how large a head is so far."""
    if url_bytes > MAX_URL_BYTES:
        return HeadFault(414, f"the URL is longer than {MAX_URL_BYTES} bytes")
    if head_bytes > MAX_HEAD_BYTES:
        return HeadFault(431, f"the headers are longer than {MAX_HEAD_BYTES} bytes")
    if header_count > MAX_HEADER_COUNT:
        return HeadFault(431, f"more than {MAX_HEADER_COUNT} headers")
    return None


def head_fault(
    *, method: str, http_version: str, headers: Headers, is_upgrade: bool
) -> HeadFault | None:
    """Judge a complete head."""
    if len(_values(headers, b"host")) != 1 and http_version != "1.0":
        return HeadFault(400, "exactly one Host header is needed")
    return _upgrade_fault(method, http_version, headers) if is_upgrade else None


def _upgrade_fault(method: str, http_version: str, headers: Headers) -> HeadFault | None:
    if method != "GET":
        return HeadFault(405, "an upgrade is a GET", ((b"allow", b"GET"),))
    if http_version != "1.1":
        return HeadFault(400, "an upgrade needs HTTP/1.1")
    # Several client libraries say with a zero that there is none.
    lengths = _values(headers, b"content-length")
    if lengths not in ([], [b"0"]) or _values(headers, b"transfer-encoding"):
        return HeadFault(400, "an upgrade has no body")
    if _values(headers, b"sec-websocket-version") != [WEBSOCKET_VERSION]:
        wanted = ((b"sec-websocket-version", WEBSOCKET_VERSION),)
        return HeadFault(426, "Sec-WebSocket-Version must be 13", wanted)
    keys = _values(headers, b"sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        return HeadFault(400, "Sec-WebSocket-Key must be 16 bytes in base64")
    return None


def _values(headers: Headers, wanted: bytes) -> list[bytes]:
    return [value.strip() for name, value in headers if name == wanted]


def _is_key(text: bytes) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False
