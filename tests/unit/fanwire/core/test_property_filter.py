"""Which events a socket may see."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.property_filter import PropertyFilter, effective_filter, passes

NAMES = st.sampled_from(["p1", "p2", "p3", "p9"])
LISTS: st.SearchStrategy[PropertyFilter] = st.none() | st.frozensets(NAMES)
CHOICES = st.none() | NAMES


@given(LISTS, CHOICES, NAMES)
def test_an_event_passes_if_the_token_and_the_choice_both_allow_it(
    allowed: PropertyFilter, chosen: str | None, property_id: str
) -> None:
    by_token = allowed is None or property_id in allowed
    by_choice = chosen is None or property_id == chosen
    assert passes(effective_filter(allowed, chosen), property_id) == (by_token and by_choice)


@given(LISTS, CHOICES)
def test_an_event_of_no_property_passes_every_filter(
    allowed: PropertyFilter, chosen: str | None
) -> None:
    assert passes(effective_filter(allowed, chosen), None)


@given(LISTS, CHOICES, NAMES)
def test_a_choice_never_widens_what_the_token_allows(
    allowed: PropertyFilter, chosen: str | None, property_id: str
) -> None:
    if passes(effective_filter(allowed, chosen), property_id):
        assert passes(allowed, property_id)
