"""The smallest change from what a socket holds to what it should hold."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.ids import Service
from gateway.session.interest import interest_change

services = st.frozensets(st.sampled_from([Service(name) for name in "abcdef"]))


@given(held=services, wanted=services)
def test_applying_the_change_yields_what_was_wanted(
    held: frozenset[Service], wanted: frozenset[Service]
) -> None:
    change = interest_change(held=held, wanted=wanted)
    assert (held | change.join) - change.leave == wanted


@given(held=services, wanted=services)
def test_nothing_is_joined_that_is_held_or_left_that_is_not(
    held: frozenset[Service], wanted: frozenset[Service]
) -> None:
    change = interest_change(held=held, wanted=wanted)
    assert change.join.isdisjoint(held)
    assert change.leave <= held


@given(held=services, wanted=services)
def test_a_change_is_true_only_where_something_changes(
    held: frozenset[Service], wanted: frozenset[Service]
) -> None:
    assert bool(interest_change(held=held, wanted=wanted)) == (held != wanted)
