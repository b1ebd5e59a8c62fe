"""A new id is never called a repeat; a repeat inside the window always is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.topic.dedup import Dedup, DedupKey, DedupVerdict, Sighting
from tests.support.fanout_values import a_dedup

KEY = ("task", "e1")


def committed(dedup: Dedup, key: DedupKey = KEY, *, ts_ms: int = 0, digest: int | None = 1) -> None:
    dedup.hold(key, Sighting(ts_ms, digest))
    dedup.remember([key])


def test_an_id_is_new_until_it_is_held() -> None:
    dedup = a_dedup()
    assert dedup.judge(KEY, Sighting(0, 1)) is DedupVerdict.NEW
    assert dedup.judge(KEY, Sighting(0, 1)) is DedupVerdict.NEW


def test_a_repeat_is_found_before_the_first_is_committed() -> None:
    dedup = a_dedup()
    dedup.hold(KEY, Sighting(0, 1))
    assert dedup.judge(KEY, Sighting(1, 1)) is DedupVerdict.REPEAT
    assert len(dedup) == 0


def test_a_repeat_is_found_after_the_commit() -> None:
    dedup = a_dedup()
    committed(dedup)
    assert dedup.judge(KEY, Sighting(1, 1)) is DedupVerdict.REPEAT


@pytest.mark.parametrize("case", ["B115"])
def test_the_same_id_with_another_payload_is_a_conflict(case: str) -> None:
    dedup = a_dedup()
    committed(dedup, digest=1)
    assert dedup.judge(KEY, Sighting(1, 2)) is DedupVerdict.CONFLICT


def test_ids_from_the_log_have_no_digest_and_so_no_conflict() -> None:
    dedup = a_dedup()
    dedup.restore([(KEY, Sighting(0, None))])
    assert dedup.judge(KEY, Sighting(1, 2)) is DedupVerdict.REPEAT


def test_ids_of_different_entity_types_do_not_collide() -> None:
    dedup = a_dedup()
    committed(dedup, ("task", "e1"))
    assert dedup.judge(("note", "e1"), Sighting(0, 1)) is DedupVerdict.NEW


def test_an_id_is_new_again_after_the_window() -> None:
    dedup = a_dedup(window_ms=100)
    committed(dedup, ts_ms=0)
    assert dedup.judge(KEY, Sighting(100, 1)) is DedupVerdict.REPEAT
    assert dedup.judge(KEY, Sighting(101, 1)) is DedupVerdict.NEW


def test_the_oldest_ids_give_way() -> None:
    dedup = a_dedup(max_ids=2)
    for name in "abc":
        committed(dedup, ("", name))
    assert [dedup.judge(("", n), Sighting(0, 1)) for n in "abc"] == [
        DedupVerdict.NEW,
        DedupVerdict.REPEAT,
        DedupVerdict.REPEAT,
    ]


def test_what_is_too_old_to_matter_is_forgotten() -> None:
    dedup = a_dedup(window_ms=100)
    committed(dedup, ("", "old"), ts_ms=0)
    committed(dedup, ("", "young"), ts_ms=50)
    dedup.forget_until(101)
    assert len(dedup) == 1


@given(
    sights=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=50),
    commits=st.sets(st.integers(0, 50)),
)
def test_it_agrees_with_a_plain_list_of_what_was_let_through(
    sights: list[tuple[int, int]], commits: set[int]
) -> None:
    dedup = a_dedup(max_ids=1_000, window_ms=60)
    let_through: dict[int, int] = {}
    now_ms = 0
    for step, (number, wait_ms) in enumerate(sights):
        now_ms += wait_ms
        key = ("", str(number))
        is_repeat = number in let_through and now_ms - let_through[number] <= 60
        verdict = dedup.judge(key, Sighting(now_ms, 1))
        assert verdict is (DedupVerdict.REPEAT if is_repeat else DedupVerdict.NEW)
        if not is_repeat:
            let_through[number] = now_ms
            dedup.hold(key, Sighting(now_ms, 1))
        if step in commits:
            dedup.remember([("", str(n)) for n in let_through])
            dedup.forget_until(now_ms)
    assert len(dedup) <= 1_000
