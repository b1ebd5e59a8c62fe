"""Sockets that an operator closes."""

from fanwire.core.connection_ids import connection_field
from fanwire.core.ids import Org
from gateway.cluster.kick import Kick
from tests.support.gateway_stage import GatewayStage
from tests.support.gateway_values import ACME, DEMO, some_claims
from tests.support.loopback import Client
from tests.support.server_frames import close_code, messages


def ending(client: Client) -> int | None:
    return close_code(client.transport.received_in_full())


async def test_one_connection_is_closed_so_that_it_resumes() -> None:
    stage = GatewayStage()
    first, second = stage.client(), stage.client()
    Kick(stage.registry).kick(ACME, connection_field(DEMO, first.connection.id))
    told = first.transport.received_in_full()
    assert (close_code(told), ending(second)) == (1012, None)
    (error,) = messages(told)
    assert (error["name"], error["retryable"]) == ("kicked", True)


async def test_a_users_field_stands_for_all_of_its_connections() -> None:
    stage = GatewayStage()
    mine, hers = stage.client(), stage.client(some_claims(sub="eve"))
    theirs = stage.client(some_claims(org="other"))
    Kick(stage.registry).kick(ACME, DEMO)
    assert (ending(mine), ending(hers), ending(theirs)) == (1012, None, None)


async def test_a_connection_of_somebody_else_or_of_no_one_is_left_alone() -> None:
    stage = GatewayStage()
    client = stage.client()
    kicks = Kick(stage.registry)
    kicks.kick(ACME, connection_field(DEMO, "gw~elsewhere"))
    kicks.kick(ACME, f"eve#{client.connection.id}")
    kicks.kick(Org("other"), DEMO)
    assert ending(client) is None
