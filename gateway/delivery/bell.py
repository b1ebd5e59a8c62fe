"""Listens to the bells of the orgs that this gateway serves.

A ring only says what to read. Rings get lost whenever the connection does. That delays and never
loses: the listener learns of every new start, and then reads all it holds.
"""

import asyncio
import random
from typing import Any, Final, Protocol

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from fanwire.core.backoff import backoff_ms
from fanwire.core.bell import BellMessage, parse_bell
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from shared.logs import logger
from shared.redis.client import RECONNECT
from shared.redis.pipelined import RedisUnavailable

log = logger()

LISTEN_TURN_S: Final = 1.0

PATIENCE_TURNS: Final = 5
"""Five seconds without an answer to a ping: Redis' own timeout here (REALTIME_REDIS_TIMEOUT_MS)."""


class Listener(Protocol):
    """Acts on what was heard."""

    def rang(self, org: Org, message: BellMessage) -> None:
        """Act on one message."""

    def listening(self, org: Org) -> None:
        """Listening to `org` starts now: any number of earlier messages was missed."""


class Bell:
    """One subscription connection for all orgs; `run` must be running."""

    def __init__(self, redis: Redis, keys: Keys, listener: Listener) -> None:
        self._redis = redis
        self._keys = keys
        self._listener = listener
        self._orgs: dict[str, tuple[Org, asyncio.Event]] = {}
        self._any_org = asyncio.Event()
        self._pubsub: PubSub | None = None
        self._attempt = 0
        self._is_doubted = False

    def hears(self, org: Org) -> bool:
        """Tell whether every ring of `org` is heard at this moment."""
        known = self._orgs.get(self._keys.bell(org))
        return known is not None and known[1].is_set()

    async def listen(self, org: Org) -> None:
        """Return once every ring of `org` from now on will be heard. Raises RedisUnavailable."""
        channel = self._keys.bell(org)
        known = self._orgs.get(channel)
        if known is None:
            known = self._orgs[channel] = (org, asyncio.Event())
            self._any_org.set()
            if self._pubsub is not None:
                await self._subscribe(self._pubsub, channel)
        await known[1].wait()

    def doubt(self) -> None:
        """Connect again soon: something happened that it should have rung for."""
        self._is_doubted = True

    async def run(self) -> None:
        """Listen until cancelled, through every loss of the connection."""
        while True:
            while not self._orgs:
                self._any_org.clear()
                await self._any_org.wait()
            pubsub = self._redis.pubsub()
            try:
                await self._listen(pubsub)
            except (RedisError, OSError) as error:
                log.warning("bell.lost", cause=str(error))
            finally:
                self._pubsub = None
                await pubsub.aclose()  # type: ignore[no-untyped-call]
            self._attempt += 1
            await asyncio.sleep(backoff_ms(self._attempt, random.random(), RECONNECT) / 1000)

    async def _listen(self, pubsub: PubSub) -> None:
        for _, is_heard in self._orgs.values():
            is_heard.clear()
        self._is_doubted = False
        subscribed = frozenset(self._orgs)
        await pubsub.ssubscribe(*subscribed)
        self._pubsub = pubsub
        # Those who came during the subscription found no connection to subscribe on.
        if missed := self._orgs.keys() - subscribed:
            await pubsub.ssubscribe(*missed)
        await self._hear(pubsub)

    async def _hear(self, pubsub: PubSub) -> None:
        # A mere listener does not notice that the other side is gone; so silence is
        # answered by a question, and silence after the question by a new connection.
        silent_turns = 0
        while silent_turns < PATIENCE_TURNS:
            message: dict[str, Any] | None = await pubsub.get_message(timeout=LISTEN_TURN_S)
            if self._is_doubted:
                raise ConnectionError("connected and mute")
            if message is None:
                silent_turns += 1
                await pubsub.ping()
                continue
            silent_turns = 0
            if message["channel"] is not None:  # not the answer to a ping
                self._receive(message["type"], message["channel"].decode(), message["data"])
        raise ConnectionError("no answer to a ping")

    async def _subscribe(self, pubsub: PubSub, channel: str) -> None:
        is_asked = False
        try:
            await pubsub.ssubscribe(channel)
            is_asked = True
        except (RedisError, OSError) as error:
            raise RedisUnavailable(error) from error
        finally:
            if not is_asked:
                # Unknown again, so that the next caller asks again.
                self._orgs.pop(channel, None)

    def _receive(self, kind: str, channel: str, content: object) -> None:
        org, is_heard = self._orgs.get(channel, (None, None))
        if org is None or is_heard is None:
            return  # no socket waits for it any more
        if kind == "ssubscribe":
            # Only now: what was read before the server confirmed may lack what rang meanwhile.
            self._attempt = 0
            is_heard.set()
            self._listener.listening(org)
        elif kind == "smessage" and isinstance(content, bytes):
            message = parse_bell(content.decode(errors="replace"))
            if message is not None:
                self._listener.rang(org, message)
