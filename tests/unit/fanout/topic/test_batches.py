"""Events leave in order, exactly once, no later than promised."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.topic.batch_window import WindowLimits
from fanout.topic.batches import Batch, BatchLimits, TopicBatches
from tests.support.fanout_values import a_reject, an_event

LIMITS = BatchLimits(max_events=4, max_bytes=1_000, window=WindowLimits(30, 150))


def entry_numbers(batch: Batch | None) -> list[int]:
    assert batch is not None
    return [int(event.entry_id.partition("-")[2]) for event in batch.events]


def test_the_first_event_of_an_idle_topic_leaves_at_once() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=500)
    assert entry_numbers(batches.pop_due(now_ms=500)) == [1]


def test_what_follows_it_waits_for_the_window_and_leaves_together() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=0)
    batches.pop_due(now_ms=0)
    batches.add(an_event(2), now_ms=5)
    batches.add(an_event(3), now_ms=25)
    assert batches.due_ms() == 30
    assert batches.pop_due(now_ms=29) is None
    assert entry_numbers(batches.pop_due(now_ms=30)) == [2, 3]


def test_a_topic_idle_for_a_whole_window_is_idle_again() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=0)
    batches.pop_due(now_ms=0)
    batches.add(an_event(2), now_ms=31)
    assert batches.due_ms() == 31


def test_a_full_batch_leaves_before_its_window_ends() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(0), now_ms=0)
    batches.pop_due(now_ms=0)
    for number in range(1, 6):
        batches.add(an_event(number), now_ms=1)
    assert entry_numbers(batches.pop_due(now_ms=1)) == [1, 2, 3, 4]
    assert batches.pop_due(now_ms=1) is None


def test_a_backlog_drains_in_full_batches_without_waiting() -> None:
    batches = TopicBatches(LIMITS)
    for number in range(12):
        batches.add(an_event(number), now_ms=0)
    taken = [entry_numbers(batches.pop_due(now_ms=0)) for _ in range(3)]
    assert taken == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_a_batch_is_closed_before_the_event_that_would_make_it_too_large() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1, payload=b'"%b"' % (b"x" * 600)), now_ms=0)
    batches.add(an_event(2, payload=b'"%b"' % (b"x" * 600)), now_ms=0)
    assert entry_numbers(batches.pop_due(now_ms=0)) == [1]


def test_an_event_larger_than_a_batch_leaves_alone() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=0)
    batches.add(an_event(2, payload=b'"%b"' % (b"x" * 5_000)), now_ms=0)
    batches.add(an_event(3), now_ms=0)
    assert entry_numbers(batches.pop_due(now_ms=0)) == [1]
    assert entry_numbers(batches.pop_due(now_ms=0)) == [2]


def test_entries_that_are_not_delivered_move_the_cursor_as_well() -> None:
    batches = TopicBatches(LIMITS)
    batches.add_rejected(a_reject(1), now_ms=0)
    batches.pass_over("1000-2", now_ms=0)
    batch = batches.pop_due(now_ms=0)
    assert batch is not None
    assert (batch.last_entry_id, len(batch.rejected), batch.events) == ("1000-2", 1, [])


def test_repeats_alone_leave_the_window_as_it_is() -> None:
    batches = TopicBatches(LIMITS, window_ms=100)
    batches.pass_over("1000-2", now_ms=0)
    batches.pop_due(now_ms=0)
    assert batches.window_ms == 100


def test_a_topic_that_is_left_gives_up_its_open_batch_before_it_is_due() -> None:
    batches = TopicBatches(LIMITS)
    batches.add(an_event(1), now_ms=0)
    batches.pop_due(now_ms=0)
    batches.add(an_event(2), now_ms=1)
    assert entry_numbers(batches.pop_any(now_ms=1)) == [2]
    assert batches.pop_any(now_ms=1) is None


def fill(batches: TopicBatches, *entities: str | None) -> None:
    for number, entity_id in enumerate(entities):
        batches.add(an_event(number, entity_id=entity_id), now_ms=0)


def test_pruning_leaves_the_latest_of_each_entity_in_its_place() -> None:
    batches = TopicBatches(LIMITS)
    fill(batches, "a", "b", "a", "c", "b", "b", "a", None)
    batch = batches.pop_pruned(now_ms=0)
    assert batch is not None
    assert [event.entry_id for event in batch.events] == ["1000-3", "1000-5", "1000-6", "1000-7"]
    assert {event.entry_id for event in batch.pruned} == {"1000-0", "1000-1", "1000-2", "1000-4"}
    assert batch.last_entry_id == "1000-7", "the cursor passes what was pruned"


def test_an_entity_of_another_property_is_another_one() -> None:
    batches = TopicBatches(LIMITS)
    for number, property_id in enumerate(["p1", "p2", "p1", "p2"]):
        event = an_event(number, entity_id="a", property_id=property_id)
        batches.add(event, now_ms=0)
    assert entry_numbers(batches.pop_pruned(now_ms=0)) == [2, 3]


def test_what_has_no_entity_is_not_pruned() -> None:
    batches = TopicBatches(LIMITS)
    fill(batches, *[None] * 8)
    batch = batches.pop_pruned(now_ms=0)
    assert entry_numbers(batch) == [0, 1, 2, 3]
    assert batch is not None
    assert batch.pruned == []


def test_pruning_does_not_take_what_is_not_due() -> None:
    batches = TopicBatches(LIMITS)
    fill(batches, "a")
    batches.pop_due(now_ms=0)
    fill(batches, "a")
    assert batches.pop_pruned(now_ms=1) is None


@given(
    entities=st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", None]), max_size=60),
    prunes=st.lists(st.booleans(), max_size=60),
)
def test_pruning_loses_no_latest_state_and_accounts_for_every_event(
    entities: list[str | None], prunes: list[bool]
) -> None:
    batches = TopicBatches(LIMITS)
    fill(batches, *entities)
    sent: list[int] = []
    pruned: list[int] = []
    now_ms = 0.0
    for is_pruned in prunes + [True] * len(entities):
        take = batches.pop_pruned if is_pruned else batches.pop_due
        now_ms += 200
        if (batch := take(now_ms=now_ms)) is not None:
            assert len(batch.events) <= LIMITS.max_events
            assert batch.size_bytes <= LIMITS.max_bytes
            sent += entry_numbers(batch)
            pruned += [int(event.entry_id.partition("-")[2]) for event in batch.pruned]
    assert sent == sorted(sent)
    assert sorted(sent + pruned) == list(range(len(entities)))
    assert batches.waiting_bytes == 0
    for number in pruned:
        assert entities[number] is not None
        assert any(entities[later] == entities[number] for later in sent if later > number)


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
        while batch := batches.pop_due(now_ms=now_ms):
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


def test_b120_a_gap_leaves_first_and_alone_also_under_pressure() -> None:
    for pop in (TopicBatches.pop_due, TopicBatches.pop_any, TopicBatches.pop_pruned):
        batches = TopicBatches(LIMITS)
        batches.mark_gap(a_reject(1), count=4, now_ms=0)
        batches.add(an_event(2), now_ms=0)
        first = pop(batches, now_ms=100)
        assert first is not None
        assert (first.gap_count, first.events, first.last_entry_id) == (4, [], "1000-1")
        second = pop(batches, now_ms=1_000)
        assert second is not None
        assert (second.gap_count, len(second.events)) == (0, 1)
        assert batches.waiting_bytes == 0
