"""Ids of the recent past."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.subscribe.recent_ids import RecentIds


@given(st.lists(st.text(max_size=2)), st.integers(1, 5))
def test_the_newest_ids_are_known_and_no_others(ids: list[str], max_count: int) -> None:
    recent = RecentIds(max_count)
    remembered: list[str] = []
    for event_id in ids:
        if not recent.is_repeat(event_id):
            recent.remember(event_id)
            remembered.append(event_id)
    known = [event_id for event_id in dict.fromkeys(ids) if recent.is_repeat(event_id)]
    assert set(known) == set(remembered[-max_count:])


def test_an_event_without_an_id_is_never_a_repeat() -> None:
    recent = RecentIds()
    recent.remember(None)
    assert not recent.is_repeat(None)
