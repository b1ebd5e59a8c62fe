"""What is stored of a subscription, and which of two changes is newer."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.ids import Service
from fanwire.core.subscription import (
    Subscription,
    decode_subscription,
    encode_change,
    encode_subscription,
    newest_filter,
)
from tests.support.gateway_values import TASKS, USERS


def a_subscription(
    version: int, *, property_id: str | None = None, property_version: int = 0
) -> Subscription:
    return Subscription(version, frozenset([TASKS]), property_id, property_version)


def test_a_change_that_sets_the_filter_sets_it_under_its_own_version() -> None:
    body = encode_change(services=frozenset([TASKS]), property_id="p9", property_version=None)
    assert decode_subscription(encode_subscription(8, body)) == a_subscription(
        8, property_id="p9", property_version=8
    )


def test_a_change_that_leaves_the_filter_carries_it_under_the_version_that_set_it() -> None:
    body = encode_change(services=frozenset([TASKS]), property_id="p9", property_version=5)
    assert decode_subscription(encode_subscription(8, body)) == a_subscription(
        8, property_id="p9", property_version=5
    )


names = st.frozensets(st.sampled_from([TASKS, USERS, Service("a.b-c_d")]))


@given(
    version=st.integers(min_value=0, max_value=2**53),
    services=names,
    property_id=st.none() | st.text(min_size=1),
    property_version=st.integers(min_value=0, max_value=2**53),
    request_id=st.none() | st.text(min_size=1),
)
def test_what_is_stored_is_read_back(
    version: int,
    services: frozenset[Service],
    property_id: str | None,
    property_version: int,
    request_id: str | None,
) -> None:
    body = encode_change(
        services=services,
        property_id=property_id,
        property_version=property_version,
        request_id=request_id,
    )
    assert decode_subscription(encode_subscription(version, body)) == Subscription(
        version, services, property_id, property_version, request_id
    )


def test_the_filter_that_was_set_last_counts_whichever_field_it_stands_in() -> None:
    older = a_subscription(9, property_id="p1", property_version=3)
    newer = a_subscription(7, property_id="p2", property_version=7)
    assert newest_filter(older, newer) == newest_filter(newer, older) == ("p2", 7)


def test_clearing_the_filter_is_setting_it() -> None:
    chosen = a_subscription(3, property_id="p1", property_version=3)
    cleared = a_subscription(4, property_id=None, property_version=4)
    assert newest_filter(chosen, cleared) == (None, 4)


def test_where_no_filter_was_ever_set_there_is_none() -> None:
    assert newest_filter() == newest_filter(None, None) == (None, 0)
