"""What follows what in a log, and what a reader is told where nothing does."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.position import ZERO, Position
from gateway.delivery.chain import (
    ChainLink,
    ResetReason,
    Resumed,
    head_reset_reason,
    judge_resume,
    link,
    reset_reason,
)
from gateway.delivery.log_entry import LogEntry
from tests.support.gateway_values import a_chain, a_plain_chain

OLD, NEW = 1_000, 2_000


def p(epoch: int, seq: int) -> Position:
    return Position(epoch, seq)


def an_entry(prev: Position, position: Position) -> LogEntry:
    return LogEntry(position, prev, 1, b"")


@pytest.mark.parametrize(
    ("mine", "prev", "position", "expected"),
    [
        (p(OLD, 4), p(OLD, 4), p(OLD, 6), ChainLink.NEXT),
        (ZERO, ZERO, p(OLD, 1), ChainLink.NEXT),
        (p(OLD, 4), p(OLD, 4), p(NEW, 1), ChainLink.NEXT),
        (p(OLD, 6), p(OLD, 4), p(OLD, 6), ChainLink.SEEN),
        (p(OLD, 9), p(OLD, 4), p(OLD, 6), ChainLink.SEEN),
        (p(OLD, 4), p(OLD, 5), p(OLD, 6), ChainLink.HOLE),
        (ZERO, p(OLD, 5), p(OLD, 6), ChainLink.HOLE),
        (p(OLD, 5), p(OLD, 4), p(OLD, 6), ChainLink.FORK),
        (p(OLD, 5), p(OLD, 4), p(NEW, 1), ChainLink.FORK),
        (p(OLD, 5), ZERO, p(NEW, 1), ChainLink.FORK),
    ],
)
def test_how_an_entry_stands_to_a_position(
    mine: Position, prev: Position, position: Position, expected: ChainLink
) -> None:
    assert link(mine, an_entry(prev, position)) is expected


@pytest.mark.parametrize(
    ("mine", "prev", "position", "expected"),
    [
        (p(OLD, 4), p(OLD, 5), p(OLD, 6), ResetReason.EXPIRED),
        (ZERO, p(OLD, 5), p(OLD, 6), ResetReason.EXPIRED),
        (p(OLD, 5), p(OLD, 4), p(NEW, 1), ResetReason.ROLLED_BACK),
        (p(OLD, 5), ZERO, p(NEW, 1), ResetReason.UNKNOWN_EPOCH),
    ],
)
def test_why_a_live_reader_cannot_go_on(
    mine: Position, prev: Position, position: Position, expected: ResetReason
) -> None:
    assert reset_reason(mine, an_entry(prev, position)) is expected


@pytest.mark.parametrize(
    ("mine", "head", "expected"),
    [
        (ZERO, None, None),
        (p(OLD, 4), None, ResetReason.UNKNOWN_EPOCH),
        (p(OLD, 4), ZERO, ResetReason.UNKNOWN_EPOCH),
        (p(OLD, 4), p(OLD, 3), ResetReason.ROLLED_BACK),
        (p(OLD, 4), p(OLD, 4), None),
        (p(OLD, 4), p(OLD, 9), None),
        (p(OLD, 4), p(NEW, 1), None),
    ],
    ids=[
        "never-there",
        "F17-gone",
        "F17-begun-anew",
        "F14-taken-back",
        "at-the-head",
        "behind",
        "behind-a-new-epoch",
    ],
)
def test_what_the_head_tells_a_reader(
    mine: Position, head: Position | None, expected: ResetReason | None
) -> None:
    assert head_reset_reason(mine, head) is expected


LOG = a_plain_chain(6, epoch=OLD)
HEAD = LOG[-1].position


def after(mine: Position, log: Sequence[LogEntry]) -> list[LogEntry]:
    return [entry for entry in log if entry.position > mine]


def verdict(
    mine: Position, log: Sequence[LogEntry] = LOG, *, epoch: int = OLD
) -> Resumed | ResetReason:
    head = log[-1].position if log else ZERO
    return judge_resume(mine, head=head, epoch=epoch, following=after(mine, log))


def test_a_resume_at_the_head_needs_nothing() -> None:
    assert verdict(HEAD) == Resumed(())


def test_a_resume_on_the_chain_gets_what_follows() -> None:
    assert verdict(p(OLD, 2)) == Resumed(LOG[2:])


def test_a_resume_from_before_the_first_event_gets_everything_while_it_is_kept() -> None:
    assert verdict(ZERO) == Resumed(LOG)


@pytest.mark.parametrize("mine", [ZERO, p(OLD, 1)])
def test_B58_a_resume_older_than_the_log_has_expired(mine: Position) -> None:
    assert verdict(mine, LOG[2:]) is ResetReason.EXPIRED


def test_B58_a_resume_into_a_log_that_is_all_trimmed_has_expired() -> None:
    found = judge_resume(p(OLD, 1), head=HEAD, epoch=OLD, following=[])
    assert found is ResetReason.EXPIRED


@pytest.mark.parametrize(
    "mine",
    [p(OLD, 7), p(OLD, 2**53 - 1), p(NEW, 1)],
    ids=["next", "far", "another-epoch"],
)
def test_B57_a_resume_from_the_future_is_unknown(mine: Position) -> None:
    assert verdict(mine) is ResetReason.UNKNOWN_EPOCH


def test_B57_a_resume_from_inside_a_batch_is_unknown() -> None:
    log = a_chain([None] * 3, [None] * 3, epoch=OLD)
    assert verdict(p(OLD, 4), log) is ResetReason.UNKNOWN_EPOCH


def test_B57_a_resume_from_another_services_epoch_is_not_honoured() -> None:
    assert isinstance(verdict(p(OLD - 1, 3)), ResetReason)


def test_F13_a_resume_across_a_failover_without_loss_goes_on() -> None:
    log = [*LOG, *a_plain_chain(2, after=HEAD, epoch=NEW)]
    assert verdict(HEAD, log, epoch=NEW) == Resumed(log[6:])


def test_F14_a_resume_from_what_a_failover_took_back_is_rolled_back() -> None:
    log = [*LOG[:4], *a_plain_chain(2, after=LOG[3].position, epoch=NEW)]
    assert verdict(HEAD, log, epoch=NEW) is ResetReason.ROLLED_BACK


def test_F14_it_is_rolled_back_also_before_anything_new_was_committed() -> None:
    assert verdict(HEAD, LOG[:4], epoch=NEW) is ResetReason.ROLLED_BACK


def test_F17_a_resume_after_the_server_was_emptied_is_unknown() -> None:
    assert verdict(HEAD, []) is ResetReason.UNKNOWN_EPOCH
    assert verdict(HEAD, a_plain_chain(3, epoch=NEW), epoch=NEW) is ResetReason.UNKNOWN_EPOCH


logs = st.builds(
    lambda sizes, first: a_chain(*([None] * size for size in sizes), epoch=OLD)[first:],
    sizes=st.lists(st.integers(min_value=1, max_value=3), min_size=1, max_size=6),
    first=st.integers(min_value=0, max_value=5),
)


@given(log=logs, seq=st.integers(min_value=0, max_value=20))
def test_a_resume_is_honoured_only_where_all_that_was_missed_is_there(
    log: list[LogEntry], seq: int
) -> None:
    mine = p(OLD, seq) if seq else ZERO
    found = verdict(mine, log)
    if isinstance(found, Resumed):
        for entry in found.entries:
            assert entry.prev == mine
            mine = entry.position
        assert mine == (log[-1].position if log else ZERO)


@given(log=logs, first=st.integers(min_value=0, max_value=6))
def test_every_end_of_a_batch_that_is_kept_can_be_resumed_from(
    log: list[LogEntry], first: int
) -> None:
    for entry in log[first:]:
        assert isinstance(verdict(entry.position, log), Resumed)
