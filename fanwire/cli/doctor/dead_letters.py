"""Whether publishers wrote what could not be delivered."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from fanwire.cli.doctor.findings import Finding, advice, good
from fanwire.cli.inspect.topic_states import find_topics
from fanwire.core.keys import Keys, Topic

ASKED_TOGETHER: Final = 1_000
"""Bounds one pipeline: a number for each topic."""

NAMED_COUNT: Final = 3
"""Where to look first; a line stays a line."""


def dead_letter_findings(client: Any, keys: Keys) -> Iterator[Finding]:
    """Yield how many dead letters there are, and where most of them lie."""
    yield dead_letter_finding(_counts(client, keys))


def dead_letter_finding(counts: Mapping[Topic, int]) -> Finding:
    """Return what the counts of dead letters by topic amount to."""
    found = {topic: count for topic, count in counts.items() if count}
    if not found:
        return good("dead letters", f"none in {len(counts)} topics")
    most = sorted(found, key=lambda topic: (-found[topic], topic))
    named = ", ".join(f"{topic} {found[topic]}" for topic in most[:NAMED_COUNT])
    more = ", …" if len(most) > NAMED_COUNT else ""
    told = f"{sum(found.values())} in {len(found)} of {len(counts)} topics: {named}{more}"
    fix = (
        f"fanwire topics dead {most[0].org} {most[0].service} says what was wrong with each; "
        "replay-dead publishes again what is whole"
    )
    return advice("dead letters", told, fix)


def _counts(client: Any, keys: Keys) -> dict[Topic, int]:
    topics = iter(find_topics(client, keys))
    counts: dict[Topic, int] = {}
    while portion := list(islice(topics, ASKED_TOGETHER)):
        with client.pipeline(transaction=False) as pipe:
            for topic in portion:
                pipe.xlen(keys.dead(topic))
            # A key of another type is no stream of letters; its worker says so.
            replies = pipe.execute(raise_on_error=False)
        counts.update(
            {
                topic: reply
                for topic, reply in zip(portion, replies, strict=True)
                if isinstance(reply, int)
            }
        )
    return counts
