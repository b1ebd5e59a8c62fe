"""Stamps, latencies and tallies of the benchmark."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.cli.bench.latencies import Latencies, Slo, parse_slo
from fanwire.cli.bench.load import BenchLoad, made_up
from fanwire.cli.bench.report import BenchReport, report_text
from fanwire.cli.bench.stamp import Stamp, checksum, read_stamp
from fanwire.cli.bench.tally import Ear, Tally
from fanwire.cli.mistakes import UsageMistake
from fanwire.publish.new_event import NewEvent, checked_outgoing


def test_a_stamp_survives_as_an_event_id() -> None:
    stamp = Stamp("run1", 7, 1795419516123456789, checksum(b"{}"))
    assert read_stamp(str(stamp), "run1") == stamp


@pytest.mark.parametrize("event_id", [None, "", "e1", "run2.1.2.x", "run1.1.2"])
def test_events_of_others_have_no_stamp_of_this_run(event_id: str | None) -> None:
    assert read_stamp(event_id, "run1") is None


@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=200))
def test_a_quantile_is_within_a_bucket_of_the_exact_one(values: list[float]) -> None:
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    for quantile in (0.5, 0.95, 1.0):
        exact = sorted(values)[math.ceil(len(values) * quantile) - 1]
        assert abs(latencies.at(quantile) - exact) <= 0.051


def test_no_latencies_at_all_are_zero() -> None:
    assert Latencies().at(0.99) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("p99=50ms", Slo("p99", 50)), ("max=1.5s", Slo("max", 1500)), ("p50=0.5ms", Slo("p50", 0.5))],
)
def test_a_bound_is_read(text: str, expected: Slo) -> None:
    assert parse_slo(text) == expected


@pytest.mark.parametrize("text", ["", "p99", "p98=1ms", "p99=50", "p99=-1ms", "p99=fast"])
def test_what_is_no_bound_is_a_usage_mistake(text: str) -> None:
    with pytest.raises(UsageMistake):
        parse_slo(text)


def heard(*numbers: int, checksums: str = "ok") -> Ear:
    ear = Ear()
    for number in numbers:
        ear.hear(Stamp("r", number, 0, "ok"), 10, checksums, now_ns=5_000_000)
    return ear


def test_what_was_sent_and_not_heard_is_lost() -> None:
    tally = heard(1, 3).settle([1, 2, 3])
    assert (tally.delivered, tally.lost, tally.is_clean) == (2, 1, False)


def test_what_came_twice_is_a_duplicate_and_counts_once() -> None:
    tally = heard(1, 1).settle([1])
    assert (tally.delivered, tally.duplicates, tally.is_clean) == (1, 1, False)


def test_what_came_changed_is_corrupted() -> None:
    assert heard(1, checksums="other").settle([1]).corrupted == 1


def test_the_tallies_of_processes_add_up() -> None:
    total = Tally()
    for tally in (heard(1, 2).settle([1, 2]), heard(1).settle([1, 2])):
        total.merge(Tally.from_dict(tally.as_dict()))
    assert (total.delivered, total.lost, total.bytes) == (3, 1, 30)
    assert total.latencies.at(1.0) == 5.0


def test_a_made_up_event_has_the_size_that_was_asked_for() -> None:
    (event,) = made_up("acme", size_bytes=512, count=1, run="r1").events()
    assert isinstance(event.data, bytes)
    assert len(event.data) == 512
    stamp = read_stamp(checked_outgoing(event).event_id, "r1")
    assert stamp is not None
    assert stamp.checksum == checksum(event.data)


def test_a_load_knows_which_service_got_which_number() -> None:
    samples = [NewEvent("acme", "a", b"1"), NewEvent("acme", "b", b"2")]
    load = BenchLoad(samples, count=5, run="r1")
    assert load.sent(5) == {"a": [0, 2, 4], "b": [1, 3]}
    assert [event.service for event in load.events()] == ["a", "b", "a", "b", "a"]


@pytest.mark.parametrize(
    ("tally", "slos", "good"),
    [
        (heard(0).settle([0]), [], True),
        (heard(0).settle([0]), [Slo("p99", 5)], True),
        (heard(0).settle([0]), [Slo("p99", 4.9)], False),
        (heard().settle([0]), [], False),
    ],
)
def test_a_run_is_good_if_nothing_failed_and_every_bound_held(
    tally: Tally, slos: list[Slo], good: bool
) -> None:
    load = made_up("acme", size_bytes=100, count=1, run="r1")
    report = BenchReport(load, subscribers=1, published_s=1.0, tally=tally, slos=slos)
    assert report.is_good == good
    assert report.as_dict()["ok"] == good
    assert f"lost {tally.lost}" in report_text(report)
