"""What a client hands over, drops, admits and resumes."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.position import ZERO, Position
from fanwire.subscribe.session import UNRECOVERED, Gap, Moved, Resume, Session, Update
from fanwire.wire.decode import (
    BatchFrame,
    DrainFrame,
    HeartbeatFrame,
    HelloFrame,
    ResetFrame,
    SubscriptionsFrame,
)
from fanwire.wire.delivered_event import DeliveredEvent
from fanwire.wire.encode import ServiceState


def at(seq: int, epoch: int = 1) -> Position:
    return Position(epoch, seq)


def an_event(seq: int, event_id: str | None = None, *, epoch: int = 1) -> DeliveredEvent:
    return DeliveredEvent("tasks", at(seq, epoch), seq, ts_ms=0, event_id=event_id)


def a_batch(
    prev: Position, *events: DeliveredEvent, position: Position | None = None
) -> BatchFrame:
    last = events[-1].position if position is None else position
    return BatchFrame("tasks", prev, last, sent_at_ms=0, trace=None, events=events)


def a_hello(*services: ServiceState) -> HelloFrame:
    return HelloFrame("c1", "gw", 1, None, 15000, 10**13, services, {})


def a_session(position: Position) -> Session:
    session = Session()
    session.receive(a_hello(ServiceState("tasks", "high", position)))
    return session


def told(
    session: Session, *frames: BatchFrame | ResetFrame | HeartbeatFrame | HelloFrame
) -> list[Update]:
    updates: list[Update] = []
    for frame in frames:
        verdict = session.receive(frame)
        assert not isinstance(verdict, Resume)
        updates += verdict
    return updates


def test_the_next_batch_is_handed_over_and_moves_the_position() -> None:
    session = a_session(at(4))
    one, two = an_event(5), an_event(6)
    assert session.receive(a_batch(at(4), one, two)) == [one, two, Moved("tasks", at(6))]
    assert session.positions == {"tasks": at(6)}


def test_a_batch_at_or_before_my_position_is_dropped() -> None:
    session = a_session(at(6))
    assert session.receive(a_batch(at(4), an_event(5), an_event(6))) == []
    assert session.positions == {"tasks": at(6)}


def test_of_a_batch_that_overlaps_only_the_news_is_handed_over() -> None:
    session = a_session(at(5))
    news = an_event(6)
    assert session.receive(a_batch(at(4), an_event(5), news)) == [news, Moved("tasks", at(6))]


def test_a_batch_that_was_merged_moves_me_over_what_gave_way_and_is_counted() -> None:
    session, latest = a_session(at(4)), an_event(9)
    merged = BatchFrame("tasks", at(4), at(9), 0, None, (latest,), conflated=4)
    assert session.receive(merged) == [latest, Moved("tasks", at(9))]
    assert (session.conflated_count, session.suppressed_count) == (4, 0)


def test_a_service_without_a_position_in_a_change_goes_on_from_mine() -> None:
    session = a_session(at(4))
    change = SubscriptionsFrame(2, None, (ServiceState("tasks", "high"),))
    assert session.receive(change) == []
    assert session.receive(a_batch(at(4), an_event(5)))
    assert session.positions == {"tasks": at(5)}


def test_a_batch_that_follows_what_i_have_not_seen_asks_to_resume_from_mine() -> None:
    session = a_session(at(4))
    assert session.receive(a_batch(at(5), an_event(6))) == Resume("tasks", at(4), at(5))
    assert session.positions == {"tasks": at(4)}


def test_the_first_batch_of_an_epoch_follows_the_last_of_the_old_one() -> None:
    session = a_session(at(4))
    first = an_event(1, epoch=2)
    assert session.receive(a_batch(at(4), first)) == [first, Moved("tasks", at(1, epoch=2))]


def test_a_batch_of_a_service_that_was_just_left_is_dropped() -> None:
    session = a_session(at(4))
    session.receive(SubscriptionsFrame(2, None, ()))
    assert session.receive(a_batch(at(4), an_event(5))) == []


def test_a_repeated_event_id_is_handed_over_once() -> None:
    session = a_session(at(4))
    first = an_event(5, "e1")
    repeat, news = an_event(6, "e1"), an_event(7, "e2")
    updates = told(session, a_batch(at(4), first), a_batch(at(5), repeat, news))
    assert [u for u in updates if isinstance(u, DeliveredEvent)] == [first, news]
    assert session.positions == {"tasks": at(7)}


def test_events_without_an_id_are_never_repeats() -> None:
    session = a_session(at(4))
    events = [an_event(5), an_event(6)]
    assert told(session, a_batch(at(4), *events))[:2] == events


def test_a_heartbeat_moves_a_filtered_client_but_never_back() -> None:
    session = a_session(at(4))
    assert session.receive(HeartbeatFrame({"tasks": at(9), "users": at(3)})) == [
        Moved("tasks", at(9))
    ]
    assert session.receive(HeartbeatFrame({"tasks": at(5)})) == []
    news = an_event(10)
    assert session.receive(a_batch(at(7), news)) == [news, Moved("tasks", at(10))]


def test_a_reset_is_a_gap_from_whose_position_it_goes_on() -> None:
    session = a_session(at(4))
    gap = Gap("tasks", "expired", at(90))
    assert session.receive(ResetFrame("tasks", "expired", at(90))) == [gap, Moved("tasks", at(90))]
    news = an_event(91)
    assert session.receive(a_batch(at(90), news)) == [news, Moved("tasks", at(91))]


def test_after_a_reset_an_event_that_comes_again_is_news() -> None:
    session = a_session(at(4))
    again = an_event(1, "e1", epoch=2)
    updates = told(
        session,
        a_batch(at(4), an_event(5, "e1")),
        ResetFrame("tasks", "rolled_back", at(0, epoch=2)),
        a_batch(at(0, epoch=2), again),
    )
    assert again in updates


def test_a_first_hello_gives_the_positions_and_no_gap() -> None:
    session = Session()
    hello = a_hello(ServiceState("tasks", "high", at(4)), ServiceState("users", "high", ZERO))
    assert session.receive(hello) == [Moved("tasks", at(4)), Moved("users", ZERO)]


def test_a_recovered_service_goes_on_without_a_gap() -> None:
    session = a_session(at(4))
    hello = a_hello(ServiceState("tasks", "high", at(4), recovered=True, replayed=1))
    assert told(session, hello) == [Moved("tasks", at(4))]


def test_an_unrecovered_service_leads_to_the_gap_of_its_reset_and_no_other() -> None:
    session = a_session(at(4))
    hello = a_hello(ServiceState("tasks", "high", at(90), recovered=False, replayed=0))
    updates = told(
        session, hello, ResetFrame("tasks", "expired", at(90)), a_batch(at(90), an_event(91))
    )
    assert [u for u in updates if isinstance(u, Gap)] == [Gap("tasks", "expired", at(90))]


def test_an_unrecovered_service_without_a_reset_is_a_gap_all_the_same() -> None:
    hello = a_hello(ServiceState("tasks", "high", at(90), recovered=False, replayed=0))
    for follower in (a_batch(at(90), an_event(91)), HeartbeatFrame({})):
        updates = told(a_session(at(4)), hello, follower)
        assert updates[0] == Gap("tasks", UNRECOVERED, at(90))


def test_a_service_that_hello_silently_moved_is_a_gap() -> None:
    session = a_session(at(4))
    updates = told(session, a_hello(ServiceState("tasks", "high", at(90))), HeartbeatFrame({}))
    assert updates[0] == Gap("tasks", UNRECOVERED, at(90))


def test_a_new_subscription_starts_at_its_position_and_leaves_the_others() -> None:
    session = a_session(at(4))
    states = (ServiceState("tasks", "high"), ServiceState("users", "high", at(7)))
    assert session.receive(SubscriptionsFrame(2, None, states)) == [Moved("users", at(7))]
    assert session.positions == {"tasks": at(4), "users": at(7)}


def test_under_a_new_filter_a_held_service_goes_on_from_the_head_never_from_before() -> None:
    session = a_session(at(4))
    ahead = SubscriptionsFrame(2, "p9", (ServiceState("tasks", "high", at(8)),))
    assert session.receive(ahead) == [Moved("tasks", at(8))]
    behind = SubscriptionsFrame(3, None, (ServiceState("tasks", "high", at(6)),))
    assert session.receive(behind) == []
    assert session.positions == {"tasks": at(8)}


def test_frames_about_the_connection_tell_the_app_nothing() -> None:
    assert a_session(at(4)).receive(DrainFrame(100)) == []


LOG = [a_batch(at(seq - 1), an_event(seq, f"e{seq}")) for seq in range(1, 21)]


@given(st.lists(st.integers(0, 19), max_size=60))
def test_whatever_arrives_in_whatever_order_the_app_sees_a_run_without_a_hole(
    order: list[int],
) -> None:
    session = a_session(at(0))
    seen: list[int] = []
    for index in order:
        verdict = session.receive(LOG[index])
        if isinstance(verdict, Resume):
            verdict = told(session, *LOG[verdict.mine.seq : index + 1])
        seen += [u.position.seq for u in verdict if isinstance(u, DeliveredEvent)]
    assert seen == list(range(1, len(seen) + 1))
    assert session.positions["tasks"] == at(len(seen))


def test_a_gap_whose_reset_was_lost_with_its_socket_is_told_by_the_next_hello() -> None:
    session = a_session(at(1))
    session.receive(a_hello(ServiceState("tasks", "high", at(9), recovered=False, replayed=0)))
    updates = told(session, a_hello(ServiceState("tasks", "high", at(9), recovered=True)))
    assert Gap("tasks", UNRECOVERED, at(9)) in updates
