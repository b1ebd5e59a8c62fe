"""The process of the swarm: `python -m tests.support.swarm_process`.

Its plan is the first line of stdin. It connects every client, lets each come back whenever its
socket ends, and answers each further line with what has happened so far.
"""

import asyncio
import random
import sys
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import orjson

from tests.support.swarm_session import Books, SwarmSession
from tests.support.swarm_socket import SwarmSocket

CONNECTING_AT_ONCE: Final = 64
LOOK_EVERY_S: Final = 0.1
FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 20.0


class SwarmShare:
    """All clients."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._url = urlsplit(plan["url"])
        self._tokens: list[str] = plan["tokens"]
        self._service: str = plan["service"]
        self._books = Books()
        self._sessions = [SwarmSession(n, self._books) for n in range(plan["clients"])]
        self._gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def run(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_over_stalls())
            for number, session in enumerate(self._sessions):
                tasks.create_task(self._live(session, self._tokens[number % len(self._tokens)]))

    def report(self) -> dict[str, Any]:
        """Return what has happened so far."""
        nodes = [session.node for session in self._sessions if session.is_greeted]
        numbers = [session.next_number for session in self._sessions]
        return asdict(self._books) | {
            "nodes": {node: nodes.count(node) for node in set(nodes)},
            "next_numbers": {str(number): numbers.count(number) for number in set(numbers)},
        }

    async def _watch_over_stalls(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            stall_s = loop.time() - due
            self._books.longest_stall_s = max(self._books.longest_stall_s, stall_s)

    async def _live(self, session: SwarmSession, token: str) -> None:
        # The first connects queue up; whoever was let in once comes back like a client.
        async with self._gate:
            socket = await self._connect(session, token)
        failed_count = 0
        while True:
            if socket is not None:
                await socket.ended
            was_greeted, session.is_greeted = session.is_greeted, False
            failed_count = 0 if was_greeted else failed_count + 1
            await asyncio.sleep(_wait_s(session, failed_count))
            socket = await self._connect(session, token)

    async def _connect(self, session: SwarmSession, token: str) -> SwarmSocket | None:
        request = self._request(session, token)
        loop = asyncio.get_running_loop()
        try:
            _, socket = await loop.create_connection(
                lambda: SwarmSocket(session, request), self._url.hostname, self._url.port
            )
        except OSError:
            session.books.ended("unreachable")
            return None
        await socket.greeted
        return socket

    def _request(self, session: SwarmSession, token: str) -> bytes:
        query = {"services": self._service}
        if session.position:
            query["resume"] = f"{self._service}:{session.position.decode()}"
        head = (
            f"GET {self._url.path}?{urlencode(query)} HTTP/1.1",
            f"Host: {self._url.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Sec-WebSocket-Protocol: rt.v1, rt.token.{token}",
            "Origin: https://app.example.com",
        )
        return "\r\n".join((*head, "", "")).encode()


def _wait_s(session: SwarmSession, failed_count: int) -> float:
    if session.reconnect_after_ms is not None and not failed_count:
        return session.reconnect_after_ms / 1000
    return random.random() * min(FIRST_WAIT_S * 2.0**failed_count, LONGEST_WAIT_S)


async def _main() -> None:
    plan = orjson.loads(sys.stdin.buffer.readline())
    swarm = SwarmShare(plan)
    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(swarm.run())
        while await asyncio.to_thread(sys.stdin.buffer.readline):
            sys.stdout.buffer.write(orjson.dumps(swarm.report()) + b"\n")
            sys.stdout.buffer.flush()
        living.cancel()


if __name__ == "__main__":
    # Not uvloop: it goes on reading while anything is ready, and would not connect meanwhile.
    asyncio.run(_main())
