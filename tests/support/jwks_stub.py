"""An identity provider's JWKS address that misbehaves on demand."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

Jwk = dict[str, object]


class JwksStub:
    """Answers every request with `answer`, and counts them."""

    def __init__(self) -> None:
        self.url = ""
        self.answer = b""
        self.request_count = 0
        self.last_request = b""
        self.is_silent = False
        self.is_dripping = False

    def serve(self, keys: Sequence[Jwk]) -> None:
        """Answer with a good JWKS of `keys` from now on."""
        self.respond(json.dumps({"keys": keys}).encode())

    def respond(self, body: bytes, *, status: str = "200 OK", header: str = "") -> None:
        """Answer with these bytes from now on."""
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{header}\r\n"
        self.answer = head.encode() + body

    async def on_connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                self.last_request = await reader.readuntil(b"\r\n\r\n")
                self.request_count += 1
                if self.is_silent:
                    await reader.read()
                    return
                if self.is_dripping:
                    await _drip(writer)
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def jwks_stub() -> AsyncIterator[JwksStub]:
    """Run a stub on a free port of the loopback."""
    stub = JwksStub()
    server = await asyncio.start_server(stub.on_connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stub.url = f"http://127.0.0.1:{port}/jwks"
    try:
        yield stub
    finally:
        server.close()
        await server.wait_closed()


def ec_jwk(key: ec.EllipticCurvePrivateKey, key_id: str, **changed: object) -> Jwk:
    """Return the public half of `key` as a JWK."""
    public: Jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return public | {"kid": key_id, "use": "sig"} | changed
