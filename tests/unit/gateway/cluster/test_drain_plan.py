"""When each socket leaves a draining gateway."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from gateway.cluster.drain_plan import departures_ms

counts = st.integers(min_value=0, max_value=300)
windows = st.floats(min_value=1, max_value=1e5)
chances = st.floats(min_value=0, max_value=0.999)


def drawn(data: st.DataObject) -> Callable[[], float]:
    return lambda: data.draw(chances)


def test_the_sockets_share_the_window_evenly() -> None:
    assert departures_ms(4, window_ms=100, chance=lambda: 0.5) == [12.5, 37.5, 62.5, 87.5]


def test_no_sockets_need_no_moments() -> None:
    assert departures_ms(0, window_ms=100, chance=lambda: 0.5) == []


def test_without_a_window_all_leave_at_once() -> None:
    assert departures_ms(3, window_ms=0, chance=lambda: 0.9) == [0, 0, 0]


@given(count=counts, window_ms=windows, chance=chances)
def test_each_socket_leaves_inside_the_window_in_order(
    count: int, window_ms: float, chance: float
) -> None:
    moments = departures_ms(count, window_ms=window_ms, chance=lambda: chance)
    assert len(moments) == count
    assert moments == sorted(moments)
    assert all(0 <= moment <= window_ms for moment in moments)


@given(count=st.integers(min_value=1, max_value=60), window_ms=windows, data=st.data())
def test_no_stretch_of_the_window_sees_more_than_twice_its_share(
    count: int, window_ms: float, data: st.DataObject
) -> None:
    moments = departures_ms(count, window_ms=window_ms, chance=drawn(data))
    slot_ms = window_ms / count
    for start in moments:
        # A slot's worth of time touches two slots at most, and each has one departure.
        assert sum(start <= moment < start + slot_ms * 0.999 for moment in moments) <= 2
