"""What a client's messages do, and what is left of a connection that has ended."""

import json
import time
from dataclasses import replace

import pytest

from fanwire.core.keys import Keys
from fanwire.wire.encode import encode_auth
from gateway.connection.half_messages import HalfMessages
from gateway.connection.phases import SessionInput
from gateway.delivery.chain import ResetReason
from tests.support import client_frames
from tests.support.gateway_stage import GatewayStage
from tests.support.gateway_values import ACME, TASKS_OF_ACME, a_plain_chain, at, some_claims
from tests.support.loopback import Client
from tests.support.server_frames import close_code, messages
from tests.support.signing import with_claims


def acked(position: object, service: str = "tasks") -> bytes:
    return json.dumps({"type": "ack", "positions": {service: str(position)}}).encode()


def a_token(**changed: object) -> str:
    now_s = int(time.time())
    return with_claims(**{"iat": now_s - 1, "exp": now_s + 600, "services": "*"} | changed)


def refreshed(token: str) -> bytes:
    return json.dumps({"type": "auth", "token": token}).encode()


async def a_live_client(stage: GatewayStage, *services: str) -> Client:
    stage.log.commit(TASKS_OF_ACME, a_plain_chain(5))
    await stage.revocations.open(ACME)
    client = stage.client()
    await stage.join(client, *(services or ("tasks",)))
    return client


async def test_a_ping_is_answered_by_a_heartbeat() -> None:
    client = await a_live_client(GatewayStage())
    client.says(b'{"type":"ping"}')
    assert client.types() == ["heartbeat"]


async def test_a_hidden_page_is_remembered() -> None:
    client = await a_live_client(GatewayStage())
    client.says(b'{"type":"visibility","hidden":true}')
    assert client.connection.is_hidden


@pytest.mark.parametrize("seq", [5, 3, 0])
async def test_B60_an_ack_of_what_was_sent_is_taken_and_so_is_one_that_goes_back(seq: int) -> None:
    client = await a_live_client(GatewayStage())
    client.says(acked(at(seq)))
    assert client.connection.is_open


async def test_B60_an_ack_ahead_of_what_was_sent_is_a_bad_message() -> None:
    client = await a_live_client(GatewayStage())
    client.says(acked(at(6)))
    assert close_code(client.transport.received()) == 4400


async def test_B60_an_ack_of_a_service_that_is_not_held_crossed_a_change() -> None:
    client = await a_live_client(GatewayStage())
    client.says(acked(at(99), "users"))
    assert client.connection.is_open


async def test_B60_an_ack_that_crosses_a_reset_is_not_held_against_the_client() -> None:
    stage = GatewayStage()
    client = await a_live_client(stage)
    held = stage.hub.get(TASKS_OF_ACME)
    assert held is not None
    held.reset(ResetReason.ROLLED_BACK, at(2))
    client.says(acked(at(5)))
    assert client.connection.is_open


async def test_a_fresh_token_takes_the_place_of_the_old_one() -> None:
    client = await a_live_client(GatewayStage())
    token = a_token()
    client.says(refreshed(token))
    told = client.messages()
    assert told[-1] == json.loads(encode_auth(client.connection.claims.exp_ms))
    assert client.connection.claims.exp_ms < some_claims().exp_ms


@pytest.mark.parametrize("changed", [{"sub": "eve"}, {"org": "globex"}])
async def test_B88_a_fresh_token_of_somebody_else_is_forbidden(changed: dict[str, str]) -> None:
    client = await a_live_client(GatewayStage())
    client.says(refreshed(a_token(**changed)))
    assert close_code(client.transport.received()) == 4403


@pytest.mark.parametrize(
    "token", ["nonsense", a_token(exp=int(time.time()) - 60), a_token(aud="others")]
)
async def test_B68_a_fresh_token_that_is_not_accepted_ends_the_connection(token: str) -> None:
    client = await a_live_client(GatewayStage())
    client.says(refreshed(token))
    written = client.transport.received()
    assert close_code(written) == 4401
    assert messages(written)[-1]["message"] == "the token is not accepted"


async def test_B84_a_fresh_token_that_was_revoked_is_not_accepted() -> None:
    stage = GatewayStage()
    stage.trips.sorted_sets[Keys().revoked(ACME)]["7f3a9c"] = 4e9
    client = await a_live_client(stage)
    client.says(refreshed(a_token(jti="7f3a9c")))
    assert close_code(client.transport.received()) == 4401


async def test_a_fresh_token_with_fewer_services_takes_them_from_the_socket() -> None:
    stage = GatewayStage()
    client = await a_live_client(stage, "tasks", "users")
    client.says(refreshed(a_token(services=["users"])))
    assert client.types() == ["subscriptions", "auth"]
    assert client.connection.subscription.services == {"users"}
    held = stage.hub.get(TASKS_OF_ACME)
    assert held is not None
    assert not held.audiences


async def test_a_message_is_taken_while_the_socket_is_told_to_move() -> None:
    client = await a_live_client(GatewayStage())
    client.connection.advance(SessionInput.DRAIN)
    client.says(acked(at(5)))
    assert client.connection.is_open


async def test_an_ended_connection_is_delivered_to_no_more_and_forgotten() -> None:
    stage = GatewayStage()
    client = await a_live_client(stage)
    key = Keys().subs(ACME)
    assert list(stage.trips.hashes[key]) == ["demo#gw~1"]
    client.transport.lose()
    await stage.store.version(ACME)  # behind what was told before it
    assert stage.trips.hashes[key] == {}
    assert len(stage.registry) == 0
    held = stage.hub.get(TASKS_OF_ACME)
    assert held is not None
    assert not held.audiences


async def test_a_refresh_does_not_hide_a_connection_from_its_user() -> None:
    stage = GatewayStage()
    client = await a_live_client(stage)
    client.connection.claims = replace(client.connection.claims, exp_ms=5)
    client.transport.lose()
    assert stage.registry.orgs() == []


async def test_B139_the_oldest_half_message_gives_its_socket_up_when_they_hold_too_much() -> None:
    stage = GatewayStage()
    stage.sessions._half_messages = HalfMessages(max_bytes=2_500)
    first, second = await a_live_client(stage, "tasks"), await a_live_client(stage, "tasks")
    half = client_frames.text(b"x" * 1_000, is_final=False)
    first.connection.data_received(half)
    second.connection.data_received(half)
    assert stage.sessions._half_messages.used_bytes == 2_000
    second.connection.data_received(client_frames.continuation(b"x" * 600))
    assert not first.connection.is_open
    assert first.transport.is_aborted
    assert second.connection.is_open
    assert stage.sessions._half_messages.used_bytes == 1_600


async def test_B139_a_half_frame_counts_as_well_and_a_whole_message_does_not() -> None:
    stage = GatewayStage()
    client = await a_live_client(stage, "tasks")
    frame = client_frames.text(b'{"type":"ping"}')
    client.connection.data_received(frame[:-3])
    assert stage.sessions._half_messages.used_bytes == len(frame) - 3
    client.connection.data_received(frame[-3:])
    assert stage.sessions._half_messages.used_bytes == 0
