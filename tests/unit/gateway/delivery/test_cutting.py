"""What a socket gets of a run of batches."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.position import ZERO, Position
from fanwire.core.property_filter import PropertyFilter, passes
from gateway.delivery.cutting import BatchRun, cut, whole
from gateway.delivery.log_entry import LogEntry
from gateway.websocket.writer import text_frame
from tests.support.gateway_values import TASKS, a_chain, at
from tests.support.server_frames import Reader, messages

P1 = frozenset(["p1"])
CHAIN = a_chain(["p1", None], ["p2"], [None], ["p2", "p1"], ["p2"])


def test_without_a_filter_the_stored_bytes_go_out_as_they_are() -> None:
    result = cut(BatchRun.of(TASKS, CHAIN), None, served=ZERO)
    assert result.frames == whole(CHAIN) == b"".join(text_frame(entry.body) for entry in CHAIN)
    assert result.served == CHAIN[-1].position


def test_a_frame_names_the_last_frame_before_it_as_its_predecessor() -> None:
    result = cut(BatchRun.of(TASKS, CHAIN), P1, served=ZERO)
    links = [(message["prev"], message["position"]) for message in messages(result.frames)]
    first, _, third, fourth, _ = (str(entry.position) for entry in CHAIN)
    assert links == [(str(ZERO), first), (first, third), (third, fourth)]
    assert result.served == CHAIN[3].position


def test_where_nothing_passes_nothing_is_sent_and_nothing_is_served() -> None:
    result = cut(BatchRun.of(TASKS, a_chain(["p2"], ["p2"])), P1, served=at(7))
    assert result.frames == b""
    assert result.served == at(7)


def test_a_filter_that_lets_nothing_through_still_passes_events_of_no_property() -> None:
    result = cut(BatchRun.of(TASKS, CHAIN), frozenset(), served=ZERO)
    seqs = [event["seq"] for message in messages(result.frames) for event in message["events"]]
    assert seqs == [2, 4]


properties = st.sampled_from([None, "p1", "p2", "p3"])
chains = st.lists(st.lists(properties, min_size=1, max_size=3), min_size=1, max_size=6).map(
    lambda rows: a_chain(*rows)
)
filters = st.none() | st.frozensets(st.sampled_from(["p1", "p2", "p3"]))


def expected_seqs(chain: list[LogEntry], wanted: PropertyFilter) -> list[int]:
    """Return what passes, found by reading the finished JSON instead of cutting it."""
    events = [event for message in messages(whole(chain)) for event in message["events"]]
    return [event["seq"] for event in events if passes(wanted, event.get("propertyId"))]


@given(chain=chains, wanted=filters, data=st.data())
def test_cut_in_pieces_or_at_once_a_reader_gets_the_same_events_and_no_hole(
    chain: list[LogEntry], wanted: PropertyFilter, data: st.DataObject
) -> None:
    reader, served = Reader(), ZERO
    rest = chain
    while rest:
        size = data.draw(st.integers(min_value=1, max_value=len(rest)))
        piece, rest = rest[:size], rest[size:]
        result = cut(BatchRun.of(TASKS, piece), wanted, served=served)
        served = result.served
        reader.take(result.frames)
    assert reader.seqs == expected_seqs(chain, wanted)
    assert reader.position == served <= chain[-1].position


@given(chain=chains, wanted=filters)
def test_one_run_serves_several_filters(chain: list[LogEntry], wanted: PropertyFilter) -> None:
    run = BatchRun.of(TASKS, chain)
    for each in (wanted, None, P1, wanted):
        reader = Reader(Position(0, 0))
        reader.take(cut(run, each, served=ZERO).frames)
        assert reader.seqs == expected_seqs(chain, each)
