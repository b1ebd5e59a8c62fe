"""Knowing which tokens were called back, also when nobody rings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.errors import Unauthorized
from gateway.session.revocations import MAX_AGE_MS, Revocations
from shared.redis.pipelined import RedisUnavailable
from tests.support.gateway_stage import GatewayStage
from tests.support.gateway_values import ACME, some_claims
from tests.support.server_frames import close_code
from tests.support.waiting import eventually

KEYS: Final = Keys()
CLAIMS: Final = some_claims(jti="7f3a")
LATE_S: Final = 4e9


class RevocationsStage(GatewayStage):
    def __init__(self, *, poll_ms: int = 3_600_000) -> None:
        super().__init__()
        self.list = Revocations(self.trips, KEYS, self.registry, poll_ms=poll_ms)

    def revoke(self, member: str, *, until_s: float = LATE_S) -> None:
        self.trips.sorted_sets[KEYS.revoked(ACME)][member] = until_s

    def is_revoked(self) -> bool:
        try:
            self.list.check(CLAIMS)
        except Unauthorized:
            return True
        return False

    def reads(self, org: Org) -> int:
        return sum(command[1] == KEYS.revoked(org) for command in self.trips.calls)


@asynccontextmanager
async def running(*, poll_ms: int = 3_600_000) -> AsyncIterator[RevocationsStage]:
    stage = RevocationsStage(poll_ms=poll_ms)
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.list.run())
        try:
            yield stage
        finally:
            loop.cancel()


async def test_an_org_is_read_when_it_is_opened_and_once() -> None:
    stage = RevocationsStage()
    await stage.list.open(ACME)
    await stage.list.open(ACME)
    stage.list.check(CLAIMS)
    assert stage.reads(ACME) == 1


@pytest.mark.parametrize("member", ["7f3a", "demo@1000"])
async def test_B84_a_revoked_token_is_not_accepted(member: str) -> None:
    stage = RevocationsStage()
    stage.revoke(member)
    await stage.list.open(ACME)
    assert stage.is_revoked()


async def test_a_revocation_that_has_outlived_its_tokens_is_not_read() -> None:
    stage = RevocationsStage()
    stage.revoke("7f3a", until_s=1.0)
    await stage.list.open(ACME)
    assert not stage.is_revoked()


async def test_what_was_never_read_lets_nobody_in() -> None:
    with pytest.raises(RedisUnavailable):
        RevocationsStage().list.check(CLAIMS)


async def test_F24_a_list_that_is_too_old_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = RevocationsStage()
    now_ms = 1_000_000.0
    monkeypatch.setattr("gateway.session.revocations.now_ms", lambda: now_ms)
    await stage.list.open(ACME)
    now_ms += MAX_AGE_MS
    stage.list.check(CLAIMS)
    now_ms += 1
    with pytest.raises(RedisUnavailable, match="too old"):
        stage.list.check(CLAIMS)


async def test_an_open_that_redis_fails_is_for_its_caller_to_answer() -> None:
    stage = RevocationsStage()
    stage.trips.failure = RedisUnavailable("gone")
    with pytest.raises(RedisUnavailable):
        await stage.list.open(ACME)


async def test_B84_a_ring_closes_the_sockets_of_a_revoked_token_and_no_others() -> None:
    async with running() as stage:
        revoked, kept = stage.client(CLAIMS), stage.client(some_claims(jti="other"))
        await stage.list.open(ACME)
        stage.revoke("7f3a")
        stage.list.changed(ACME)
        await eventually(lambda: not revoked.connection.is_open, every_s=0)
        assert close_code(revoked.transport.received()) == 4403
        assert kept.connection.is_open


async def test_B84_a_ring_that_was_lost_is_made_up_for_by_the_poll() -> None:
    async with running(poll_ms=1) as stage:
        client = stage.client(CLAIMS)
        await stage.list.open(ACME)
        stage.revoke("7f3a")
        await eventually(lambda: not client.connection.is_open)


async def test_rings_that_never_pause_do_not_put_off_the_poll() -> None:
    async with running(poll_ms=20) as stage:
        stage.client(CLAIMS)
        await stage.list.open(ACME)

        def ring_and_look() -> bool:
            stage.list.changed(Org("globex"))
            return stage.reads(ACME) > 2

        await eventually(ring_and_look, every_s=0.001)


async def test_an_org_without_sockets_is_forgotten_and_read_anew() -> None:
    async with running(poll_ms=5) as stage:
        await stage.list.open(ACME)
        stage.list.check(CLAIMS)

        def is_forgotten() -> bool:
            try:
                stage.list.check(CLAIMS)
            except RedisUnavailable:
                return True
            return False

        await eventually(is_forgotten)
        await stage.list.open(ACME)
        stage.list.check(CLAIMS)


async def test_an_org_whose_first_socket_is_on_its_way_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.session.revocations.now_ms", lambda: 0.0)
    async with running(poll_ms=1) as stage:
        globex = stage.client(some_claims(org="globex")).connection.claims.org
        await stage.list.open(ACME)
        await eventually(lambda: stage.reads(globex) > 2)
        stage.list.check(CLAIMS)


async def test_F10_a_read_that_failed_is_tried_again_with_the_next_ring() -> None:
    async with running() as stage:
        client = stage.client(CLAIMS)
        await stage.list.open(ACME)
        stage.revoke("7f3a")
        stage.trips.failure = RedisUnavailable("gone")
        stage.list.changed(ACME)
        await eventually(lambda: stage.reads(ACME) > 1, every_s=0)
        await asyncio.sleep(0)
        assert client.connection.is_open
        stage.trips.failure = None
        stage.list.changed(Org("globex"))
        await eventually(lambda: not client.connection.is_open, every_s=0)
