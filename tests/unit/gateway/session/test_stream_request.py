"""What a client asks for in the URL, held against its token."""

from collections.abc import Sequence

import pytest

from fanwire.auth.claims import Claims
from fanwire.core.position import Position
from fanwire.errors import BadMessage, Forbidden, TooManyServices
from gateway.session.stream_request import StreamRequest, check_allowed, parse_stream_query
from tests.support.gateway_values import TASKS, USERS, some_claims

ANYTHING = some_claims()
LISTED = some_claims(services=["tasks", "users"], properties=["p1", "p2"])


def parsed(
    *query: tuple[str, str], claims: Claims = ANYTHING, max_services: int = 4
) -> StreamRequest:
    return parse_stream_query(query, claims=claims, max_services=max_services)


def test_services_property_and_resume_are_read() -> None:
    request = parsed(
        ("services", "tasks,users"), ("propertyId", "p9"), ("resume", "tasks:1795-42,users:0-0")
    )
    assert request == StreamRequest(
        frozenset([TASKS, USERS]), "p9", {TASKS: Position(1795, 42), USERS: Position(0, 0)}
    )


@pytest.mark.parametrize(
    ("claims", "services"),
    [(LISTED, {"tasks", "users"}), (ANYTHING, set()), (some_claims(services=[]), set())],
    ids=["a-list", "all", "none"],
)
def test_without_services_the_tokens_list_counts_and_none_where_it_says_all(
    claims: Claims, services: set[str]
) -> None:
    assert parsed(claims=claims).services == services


def test_an_empty_list_of_services_asks_for_none() -> None:
    assert parsed(("services", ""), claims=LISTED).services == frozenset()


def test_a_service_named_twice_counts_once() -> None:
    assert parsed(("services", "tasks,tasks")).services == {"tasks"}


def test_an_empty_property_is_no_filter() -> None:
    assert parsed(("propertyId", ""), claims=LISTED).property_id is None


def test_a_resume_of_a_service_that_is_not_asked_for_is_dropped() -> None:
    assert parsed(("services", "tasks"), ("resume", "users:1-1")).resume == {}


def test_other_parameters_are_ignored() -> None:
    assert parsed(("v", "2"), ("v", "3")) == StreamRequest(frozenset(), None, {})


@pytest.mark.parametrize("service", ["finance", "no-such-service"])
def test_B53_a_foreign_and_an_unknown_service_get_the_same_answer(service: str) -> None:
    with pytest.raises(Forbidden) as caught:
        parsed(("services", f"tasks,{service}"), claims=LISTED)
    assert str(caught.value).replace(service, "S") == "service 'S' is not allowed"


def test_B53_a_token_without_services_allows_none() -> None:
    with pytest.raises(Forbidden):
        parsed(("services", "tasks"), claims=some_claims(services=[]))


def test_a_property_outside_the_token_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        parsed(("propertyId", "p3"), claims=LISTED)
    assert parsed(("propertyId", "p2"), claims=LISTED).property_id == "p2"


def many(count: int) -> str:
    return ",".join(f"s{number}" for number in range(count))


@pytest.mark.parametrize(
    "names", [many(5), many(10_001), ",".join(["tasks"] * 10_001), "*," * 10_000]
)
def test_B54_too_many_services_are_refused_before_they_are_looked_at(names: str) -> None:
    with pytest.raises(TooManyServices) as caught:
        parsed(("services", names))
    assert caught.value.code == 4413


def test_B54_the_limit_itself_is_allowed_and_holds_for_a_tokens_list_too() -> None:
    assert len(parsed(("services", many(4))).services) == 4
    with pytest.raises(TooManyServices):
        parsed(claims=some_claims(services=many(5).split(",")))


@pytest.mark.parametrize(
    "services",
    ["tasks,", ",", "a{b}", "*", "tasks:x", "..", "tâches", " tasks", "a" * 64, "a" * 1_000_000],
    ids=["end", "empty", "brace", "star", "colon", "dots", "unicode", "space", "64", "1-MB"],
)
def test_B55_a_service_that_cannot_be_is_a_bad_message(services: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parsed(("services", services))
    assert caught.value.code == 4400
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "resume",
    [
        "tasks:abc",
        "tasks:-1-0",
        "tasks:1e3-1",
        "tasks:01-1",
        f"tasks:{2**64}-0",
        "tasks:1.5-1",
        "tasks:{}",
        "tasks:",
        "tasks",
        "tasks:1-1,",
        ":1-1",
        "a*:1-1",
        "tasks:1-1:2",
        "tasks:1-1,tasks:1-1",
    ],
)
def test_B56_a_resume_that_cannot_be_read_is_a_bad_message(resume: str) -> None:
    with pytest.raises(BadMessage):
        parsed(("services", "tasks"), ("resume", resume))


@pytest.mark.parametrize("name", ["services", "propertyId", "resume"])
def test_a_parameter_given_twice_is_a_bad_message(name: str) -> None:
    with pytest.raises(BadMessage, match=f"{name} is given 2 times"):
        parsed((name, ""), (name, ""))


@pytest.mark.parametrize(
    ("services", "property_id", "claims", "is_allowed"),
    [
        (["tasks"], None, LISTED, True),
        (["tasks"], "p1", LISTED, True),
        (["tasks"], "p3", LISTED, False),
        (["finance"], "p1", LISTED, False),
        (["finance"], "p3", ANYTHING, True),
        ([], "p1", some_claims(properties=[]), False),
        ([], None, some_claims(services=[], properties=[]), True),
    ],
)
def test_what_a_token_allows(
    services: Sequence[str], property_id: str | None, claims: Claims, is_allowed: bool
) -> None:
    if is_allowed:
        check_allowed(services, property_id, claims=claims)
    else:
        with pytest.raises(Forbidden):
            check_allowed(services, property_id, claims=claims)
