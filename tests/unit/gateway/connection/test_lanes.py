"""Lanes: order, the share of the lowest, dropping with a place to replay from."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.ids import Service
from fanwire.core.position import Position
from fanwire.core.tiers import Tier
from fanwire.wire.encode import encode_batch
from gateway.connection.lanes import LOWEST_SHARE, Lanes, Queued, ReplayPoint
from gateway.websocket.writer import text_frame
from tests.support.fanout_values import an_event

FINANCE, TASKS, ANALYTICS = Service("finance"), Service("tasks"), Service("analytics")
TIERS = {FINANCE: Tier.CRITICAL, TASKS: Tier.HIGH, ANALYTICS: Tier.LOW}


def control(text: bytes = b"c") -> Queued:
    return Queued(text, queued_ms=0)


def batch(service: Service, seq: int, *, queued_ms: float = 0) -> Queued:
    place = ReplayPoint(at=Position(1, seq - 1), served=Position(1, seq - 1))
    return Queued(b"%d," % seq, queued_ms, TIERS[service], service, place)


def event_batch(seq: int, *, entity: str | None) -> Queued:
    """Return a batch of one low event."""
    place = ReplayPoint(at=Position(1, seq - 1), served=Position(1, seq - 1))
    body = encode_batch(
        service=ANALYTICS,
        prev=Position(1, seq - 1),
        position=Position(1, seq),
        sent_at_ms=5,
        traceparent=None,
        events=[an_event(seq, entity_id=entity)],
    ).body
    return Queued(text_frame(body), 0, Tier.LOW, ANALYTICS, place)


def taken(lanes: Lanes) -> list[Queued]:
    """Empty the lanes."""
    out = []
    while (queued := lanes.pop()) is not None:
        out.append(queued)
    return out


queue = st.lists(
    st.builds(batch, st.sampled_from(sorted(TIERS)), st.integers(1, 99)) | st.just(control()),
    max_size=40,
)


def test_control_goes_before_everything_and_low_last() -> None:
    lanes = Lanes()
    rows = [batch(ANALYTICS, 1), batch(TASKS, 1), batch(FINANCE, 1), control()]
    for row in rows:
        lanes.offer(row)
    assert taken(lanes) == rows[::-1]


def test_the_lowest_lane_gets_its_share_of_a_busy_socket() -> None:
    lanes = Lanes()
    for seq in range(100):
        lanes.offer(batch(FINANCE, seq + 1))
    lanes.offer(batch(ANALYTICS, 1))
    firsts = [lanes.pop() for _ in range(LOWEST_SHARE)]
    assert batch(ANALYTICS, 1) in firsts


def test_what_was_dropped_can_be_replayed_from_its_first_frame_on() -> None:
    lanes = Lanes()
    for seq in (5, 6, 7):
        lanes.offer(batch(ANALYTICS, seq))
    lanes.offer(batch(FINANCE, 1))
    assert lanes.drop(ANALYTICS) == ReplayPoint(Position(1, 4), Position(1, 4))
    assert taken(lanes) == [batch(FINANCE, 1)]
    assert lanes.used_bytes == 0


def test_nothing_is_dropped_of_a_service_that_has_nothing_waiting() -> None:
    assert Lanes().drop(ANALYTICS) is None


def test_the_oldest_frame_of_all_lanes_tells_the_age() -> None:
    lanes = Lanes()
    lanes.offer(batch(FINANCE, 1, queued_ms=20))
    lanes.offer(batch(ANALYTICS, 1, queued_ms=10))
    assert lanes.oldest_ms() == 10
    assert Lanes().oldest_ms() is None


@given(queue)
def test_nothing_is_lost_and_order_is_kept_within_a_service(rows: list[Queued]) -> None:
    lanes = Lanes()
    for row in rows:
        lanes.offer(row)
    assert lanes.used_bytes == sum(len(row.frames) for row in rows)
    out = taken(lanes)
    for service in (None, *TIERS):
        assert [q for q in out if q.service == service] == [q for q in rows if q.service == service]
    assert lanes.used_bytes == 0


@given(queue, st.sampled_from(sorted(TIERS)))
def test_dropping_a_service_leaves_the_others_alone(rows: list[Queued], service: Service) -> None:
    lanes = Lanes()
    for row in rows:
        lanes.offer(row)
    lanes.drop(service)
    assert not lanes.holds(service)
    assert sum(lanes.bytes_by_tier.values()) == lanes.used_bytes
    assert lanes.bytes_by_tier[TIERS[service]] == 0
    assert sorted(q.frames for q in taken(lanes)) == sorted(
        q.frames for q in rows if q.service != service
    )


def test_what_nothing_gives_way_in_stays_the_bytes_that_sockets_share() -> None:
    rows = [event_batch(seq, entity=None) for seq in (1, 2)]
    lanes = Lanes()
    for row in rows:
        lanes.offer(row)
    assert lanes.conflate(Tier.LOW) == 0
    assert all(kept is row for kept, row in zip(taken(lanes), rows, strict=True))


def test_what_was_merged_leaves_as_one_and_counts_with_its_new_size() -> None:
    lanes = Lanes()
    for seq in (1, 2, 3):
        lanes.offer(event_batch(seq, entity="row"))
    assert lanes.conflate(Tier.LOW) == 2
    assert lanes.bytes_by_tier[Tier.LOW] == lanes.used_bytes
    [merged] = taken(lanes)
    assert merged.before == ReplayPoint(Position(1, 0), Position(1, 0))
    assert lanes.used_bytes == 0
