"""The steps of publishing: their order, the retries, the meaning of the replies."""

from collections.abc import Sequence

import pytest

from fanwire.core.keys import Keys
from fanwire.errors import Busy, NotReplicated, RedisRefused, Unreachable
from fanwire.publish.high_water import HighWaterLimits
from fanwire.publish.new_event import NewEvent, Outgoing, checked_outgoing
from fanwire.publish.plan import (
    Pause,
    Plan,
    Published,
    PublishLimits,
    PublishPlans,
    Send,
    advance,
)

KEY = "events:{acme}:tasks"


def an_event(event_id: str = "e1", service: str = "tasks") -> Outgoing:
    return checked_outgoing(NewEvent("acme", service, {"n": 1}, event_id=event_id))


def a_plan(*events: Outgoing, limits: PublishLimits | None = None, now_ms: float = 0) -> Plan:
    plans = PublishPlans(Keys(), limits or PublishLimits())
    return plans.publish(events or (an_event(),), now_ms=now_ms)


def past_high_water(plan: Plan, length: int = 0) -> Send:
    asked = advance(plan, None)
    assert isinstance(asked, Send)
    step = advance(plan, [length] * len(asked.commands))
    assert isinstance(step, Send)
    return step


def test_the_length_is_asked_for_first_and_then_the_event_is_added() -> None:
    plan = a_plan()
    assert advance(plan, None) == Send((("XLEN", KEY),))
    added = advance(plan, [5])
    assert added == Send((("XADD", KEY, "*", b"eventId", b"e1", b"data", b'{"n":1}'),))
    assert advance(plan, [b"7-0"]) == Published(["7-0"])


def test_a_recent_answer_saves_the_question() -> None:
    plans = PublishPlans(Keys(), PublishLimits())
    advance_to_end(plans.publish([an_event()], now_ms=0))
    step = advance(plans.publish([an_event()], now_ms=50), None)
    assert isinstance(step, Send)
    assert step.commands[0][0] == "XADD"


def advance_to_end(plan: Plan) -> None:
    past_high_water(plan)
    assert isinstance(advance(plan, [b"1-0"]), Published)


def test_a_full_topic_gets_nothing_added() -> None:
    plan = a_plan(limits=PublishLimits(high_water=HighWaterLimits(unread_count=10)))
    advance(plan, None)
    with pytest.raises(Busy):
        advance(plan, [10])


def test_many_events_leave_in_one_round_trip_and_in_order() -> None:
    plan = a_plan(an_event("e1"), an_event("e2", "users"), an_event("e3"))
    step = past_high_water(plan)
    keys = ["events:{acme}:tasks", "events:{acme}:users", "events:{acme}:tasks"]
    assert [command[1] for command in step.commands] == keys
    assert advance(plan, ["1-0", "1-1", "2-0"]) == Published(["1-0", "1-1", "2-0"])


def test_a_lost_connection_sends_the_same_event_id_again_after_a_pause() -> None:
    plan = a_plan()
    first = past_high_water(plan)
    assert advance(plan, Unreachable("gone")) == Pause(0)
    assert advance(plan, ()) == first
    assert advance(plan, Unreachable("gone")) == Pause(1)
    assert advance(plan, ()) == first
    assert advance(plan, ["1-0"]) == Published(["1-0"])


def test_the_retries_are_bounded() -> None:
    plan = a_plan(limits=PublishLimits(attempts=2))
    past_high_water(plan)
    assert advance(plan, Unreachable("gone")) == Pause(0)
    advance(plan, ())
    with pytest.raises(Unreachable):
        advance(plan, Unreachable("gone"))


def test_a_passing_refusal_among_the_replies_is_tried_again() -> None:
    plan = a_plan(an_event("e1"), an_event("e2"))
    first = past_high_water(plan)
    assert advance(plan, ["1-0", Unreachable("READONLY")]) == Pause(0)
    assert advance(plan, ()) == first


def test_a_lasting_refusal_is_raised_at_once() -> None:
    plan = a_plan()
    past_high_water(plan)
    with pytest.raises(RedisRefused):
        advance(plan, [RedisRefused("WRONGTYPE")])


def test_a_failure_says_which_events_are_known_to_be_written() -> None:
    plan = a_plan(an_event("e1"), an_event("e2", "users"), an_event("e3"))
    past_high_water(plan)
    with pytest.raises(RedisRefused) as caught:
        advance(plan, [b"7-0", RedisRefused("WRONGTYPE"), b"7-1"])
    assert caught.value.entry_ids == ["7-0", None, "7-1"]


def test_a_refused_question_for_the_length_says_of_no_event_that_it_is_written() -> None:
    plan = a_plan(an_event("e1"), an_event("e2", "users"))
    advance(plan, None)
    with pytest.raises(RedisRefused) as caught:
        advance(plan, [5, RedisRefused("WRONGTYPE")])
    assert caught.value.entry_ids == []


def test_an_unknown_level_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="level 'foo' is not one of: mem, repl"):
        PublishLimits(level="foo")  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", [{"replicas": 0}, {"attempts": 0}])
def test_less_than_one_replica_or_attempt_is_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        PublishLimits(**limits)  # type: ignore[arg-type]


REPL = PublishLimits(level="repl", replicas=2, replication_ms=300)


def test_level_repl_waits_for_the_replicas_on_the_same_connection() -> None:
    plan = a_plan(limits=REPL)
    step = past_high_water(plan)
    assert step.commands[-1] == ("WAIT", 2, 300)
    assert advance(plan, [b"7-0", 2]) == Published(["7-0"])


@pytest.mark.parametrize("confirmed", [0, 1])
def test_too_few_replicas_are_told_with_the_event_id(confirmed: int) -> None:
    plan = a_plan(limits=REPL)
    past_high_water(plan)
    with pytest.raises(NotReplicated, match=f"{confirmed} of 2 .*eventId e1") as caught:
        advance(plan, replies(confirmed))
    assert caught.value.entry_ids == ["7-0"]


def replies(confirmed: int) -> Sequence[object]:
    return [b"7-0", confirmed]
