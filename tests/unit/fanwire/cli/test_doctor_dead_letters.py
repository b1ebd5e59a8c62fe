"""What the doctor makes of dead letters."""

from fanwire.cli.doctor.dead_letters import dead_letter_finding
from fanwire.cli.doctor.findings import CheckResult
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic


def a_topic(service: str) -> Topic:
    return Topic(Org("acme"), Service(service))


def test_without_dead_letters_all_is_well() -> None:
    found = dead_letter_finding({a_topic("tasks"): 0, a_topic("users"): 0})
    assert (found.verdict, found.told) == (CheckResult.OK, "none in 2 topics")


def test_dead_letters_are_counted_and_the_fullest_topics_named() -> None:
    counts = {a_topic(name): count for name, count in zip("abcde", (1, 0, 7, 2, 3), strict=True)}
    found = dead_letter_finding(counts)
    assert found.verdict is CheckResult.ADVICE
    assert found.told == "13 in 4 of 5 topics: acme/c 7, acme/e 3, acme/d 2, …"
    assert "fanwire topics dead acme c" in (found.fix or "")
