"""Which inputs a session takes in which phase."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connection.phases import (
    NEXT_PHASE,
    IllegalTransition,
    SessionInput,
    SessionPhase,
    advance,
)


@pytest.mark.parametrize("phase", SessionPhase)
def test_every_phase_can_close(phase: SessionPhase) -> None:
    assert advance(phase, SessionInput.CLOSE) is SessionPhase.CLOSED


@given(st.lists(st.sampled_from(SessionInput)))
def test_closed_is_final(inputs: list[SessionInput]) -> None:
    phase = SessionPhase.CLOSED
    for happened in inputs:
        try:
            phase = advance(phase, happened)
        except IllegalTransition:
            continue
        assert phase is SessionPhase.CLOSED


@pytest.mark.parametrize(
    ("phase", "happened"),
    [pair for pair in product(SessionPhase, SessionInput) if pair not in NEXT_PHASE],
)
def test_what_the_table_does_not_list_is_refused_by_name(
    phase: SessionPhase, happened: SessionInput
) -> None:
    with pytest.raises(IllegalTransition, match=f"{happened.value} .* while {phase.value}"):
        advance(phase, happened)


def test_every_phase_is_reached_from_the_upgrade() -> None:
    reached = {SessionPhase.JOINING}
    for _ in SessionPhase:
        reached |= {following for (phase, _), following in NEXT_PHASE.items() if phase in reached}
    assert reached == set(SessionPhase)


def test_a_message_may_overtake_hello() -> None:
    assert advance(SessionPhase.JOINING, SessionInput.MESSAGE) is SessionPhase.JOINING


def test_the_hello_of_a_socket_that_was_told_to_move_does_not_make_it_live_again() -> None:
    assert (
        advance(advance(SessionPhase.JOINING, SessionInput.DRAIN), SessionInput.HELLO)
        is SessionPhase.DRAINING
    )
