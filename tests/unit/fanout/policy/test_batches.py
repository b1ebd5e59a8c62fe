"""Events leave in order, exactly once, no later than promised."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.policy.batch_window import WindowLimits
from fanout.policy.batches import Batch, BatchLimits, TopicBatches
from tests.support.fanout_values import a_reject, an_event

LIMITS = BatchLimits(max_events=4, max_bytes=1_000, window=WindowLimits(30, 150))


def entry_numbers(batch: Batch | None) -> list[int]:
    assert batch is not None
    return [int(event.entry_id.partition("-")[2]) for event in batch.events]


def test_the_first_event_of_an_idle_topic_leaves_at_once() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=500)
    assert entry_numbers(batches.take_due(now_ms=500)) == [1]


def test_what_follows_it_waits_for_the_window_and_leaves_together() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=0)
    batches.take_due(now_ms=0)
    batches.add(an_event(2), now_ms=5)
    batches.add(an_event(3), now_ms=25)
    assert batches.due_ms() == 30
    assert batches.take_due(now_ms=29) is None
    assert entry_numbers(batches.take_due(now_ms=30)) == [2, 3]


def test_a_topic_idle_for_a_whole_window_is_idle_again() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=0)
    batches.take_due(now_ms=0)
    batches.add(an_event(2), now_ms=31)
    assert batches.due_ms() == 31


def test_a_full_batch_leaves_before_its_window_ends() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(0), now_ms=0)
    batches.take_due(now_ms=0)
    for number in range(1, 6):
        batches.add(an_event(number), now_ms=1)
    assert entry_numbers(batches.take_due(now_ms=1)) == [1, 2, 3, 4]
    assert batches.take_due(now_ms=1) is None


def test_a_backlog_drains_in_full_batches_without_waiting() -> None:
    batches = TopicBatches(LIMITS)
    for number in range(12):
        batches.add(an_event(number), now_ms=0)
    taken = [entry_numbers(batches.take_due(now_ms=0)) for _ in range(3)]
    assert taken == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_a_batch_is_closed_before_the_event_that_would_make_it_too_large() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1, payload=b'"%b"' % (b"x" * 600)), now_ms=0)
    batches.add(an_event(2, payload=b'"%b"' % (b"x" * 600)), now_ms=0)
    assert entry_numbers(batches.take_due(now_ms=0)) == [1]


def test_an_event_larger_than_a_batch_leaves_alone() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=0)
    batches.add(an_event(2, payload=b'"%b"' % (b"x" * 5_000)), now_ms=0)
    batches.add(an_event(3), now_ms=0)
    assert entry_numbers(batches.take_due(now_ms=0)) == [1]
    assert entry_numbers(batches.take_due(now_ms=0)) == [2]


def test_entries_that_are_not_delivered_move_the_cursor_as_well() -> None:
    batches = TopicBatches(LIMITS)
    batches.add_rejected(a_reject(1), now_ms=0)
    batches.pass_over("1000-2", now_ms=0)
    batch = batches.take_due(now_ms=0)
    assert batch is not None
    assert (batch.last_entry_id, len(batch.rejected), batch.events) == ("1000-2", 1, [])


def test_repeats_alone_leave_the_window_as_it_is() -> None:
    batches = TopicBatches(LIMITS, window_ms=100)
    batches.pass_over("1000-2", now_ms=0)
    batches.take_due(now_ms=0)
    assert batches.window_ms == 100


def test_a_topic_that_is_left_gives_up_its_open_batch_before_it_is_due() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=0)
    batches.take_due(now_ms=0)
    batches.add(an_event(2), now_ms=1)
    assert entry_numbers(batches.take_any(now_ms=1)) == [2]
    assert batches.take_any(now_ms=1) is None


steps = st.lists(
    st.tuples(st.sampled_from(["event", "large", "reject", "repeat", "take"]), st.integers(0, 40)),
    max_size=60,
)


@given(steps=steps)
def test_nothing_is_lost_doubled_reordered_or_late(steps: list[tuple[str, int]]) -> None:
    batches = TopicBatches(LIMITS)
    now_ms = 0.0
    added: dict[str, float] = {}
    taken: list[str] = []

    def take_all() -> None:
        while batch := batches.take_due(now_ms=now_ms):
            ids = [e.entry_id for e in batch.events] + [r.entry_id for r in batch.rejected]
            assert len(batch.events) <= LIMITS.max_events
            assert len(batch.events) <= 1 or batch.size_bytes <= LIMITS.max_bytes
            assert all(int(i.split("-")[1]) <= int(batch.last_entry_id.split("-")[1]) for i in ids)
            taken.extend(sorted(ids, key=lambda i: int(i.split("-")[1])))

    for number, (what, wait_ms) in enumerate(steps):
        now_ms += wait_ms
        if what == "take":
            take_all()
        elif what == "repeat":
            batches.pass_over(f"1000-{number}", now_ms=now_ms)
        elif what == "reject":
            batches.add_rejected(a_reject(number), now_ms=now_ms)
            added[f"1000-{number}"] = now_ms
        else:
            payload = b'"%b"' % (b"x" * 700) if what == "large" else b"{}"
            batches.add(an_event(number, payload=payload), now_ms=now_ms)
            added[f"1000-{number}"] = now_ms
        due_ms = batches.due_ms()
        assert due_ms is None or due_ms <= now_ms + LIMITS.window.longest_ms
    now_ms += LIMITS.window.longest_ms
    for _ in range(len(steps)):
        take_all()
        now_ms += LIMITS.window.longest_ms
    assert taken == list(added)
    assert batches.waiting_bytes == 0
