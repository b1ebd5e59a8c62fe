"""Which inputs a session takes in which phase."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connection.phases import NEXT_PHASE, IllegalTransition, Input, Phase, advance


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_can_close(phase: Phase) -> None:
    assert advance(phase, Input.CLOSE) is Phase.CLOSED


@given(st.lists(st.sampled_from(Input)))
def test_closed_is_final(inputs: list[Input]) -> None:
    phase = Phase.CLOSED
    for happened in inputs:
        try:
            phase = advance(phase, happened)
        except IllegalTransition:
            continue
        assert phase is Phase.CLOSED


@pytest.mark.parametrize(
    ("phase", "happened"), [pair for pair in product(Phase, Input) if pair not in NEXT_PHASE]
)
def test_what_the_table_does_not_list_is_refused_by_name(phase: Phase, happened: Input) -> None:
    with pytest.raises(IllegalTransition, match=f"{happened.value} .* while {phase.value}"):
        advance(phase, happened)


def test_every_phase_is_reached_from_the_upgrade() -> None:
    reached = {Phase.JOINING}
    for _ in Phase:
        reached |= {following for (phase, _), following in NEXT_PHASE.items() if phase in reached}
    assert reached == set(Phase)


def test_a_message_may_overtake_hello() -> None:
    assert advance(Phase.JOINING, Input.MESSAGE) is Phase.JOINING


def test_the_hello_of_a_socket_that_was_told_to_move_does_not_make_it_live_again() -> None:
    assert advance(advance(Phase.JOINING, Input.DRAIN), Input.HELLO) is Phase.DRAINING
