"""The subscriber's HTTP call, and what failures of a connect mean."""

import json
from types import EllipsisType

import httpx
import pytest

from fanwire.errors import Forbidden, NotFound, Unreachable
from fanwire.subscribe.addresses import parse_gateway
from fanwire.subscribe.gateway import Applied, error_of_connect, update_services

GATEWAY = parse_gateway("ws://gw:8000")


async def change(
    answer: httpx.Response | Exception, property_id: str | EllipsisType | None = ...
) -> tuple[Applied, httpx.Request]:
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
        applied = await update_services(
            client,
            GATEWAY,
            "t",
            services=["users"],
            property_id=property_id,
            connection_id="c1",
        )
    return applied, requests[0]


OK = httpx.Response(200, json={"version": 8, "services": ["users"], "propertyId": None})


async def test_the_change_is_for_this_socket_and_says_what_came_of_it() -> None:
    applied, request = await change(OK)
    assert applied == Applied(8, ("users",), None)
    assert str(request.url) == "http://gw:8000/v2/realtime/update-services"
    assert request.headers["Authorization"] == "Bearer t"
    assert json.loads(request.content) == {"services": ["users"], "connectionId": "c1"}


@pytest.mark.parametrize("property_id", ["p9", None])
async def test_a_property_is_set_or_cleared_only_if_it_is_named(property_id: str | None) -> None:
    _, request = await change(OK, property_id)
    assert json.loads(request.content)["propertyId"] == property_id


async def test_the_gateways_objection_is_raised_as_it_was() -> None:
    with pytest.raises(Forbidden, match="payroll"):
        await change(httpx.Response(403, json=Forbidden("payroll").as_dict()))
    with pytest.raises(NotFound):
        await change(httpx.Response(404, text="no such page"))


async def test_no_answer_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="gw:8000"):
        await change(httpx.ConnectError("refused"))


def test_a_failure_without_words_is_named_by_its_type() -> None:
    assert "TimeoutError" in str(error_of_connect(TimeoutError(), GATEWAY))
