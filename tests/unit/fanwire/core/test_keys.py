"""The spelling of keys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.ids import Org, Service, is_valid_id
from fanwire.core.keys import CANARY, PARTITION_COUNT, Keys, Topic, partition_of

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)
PREFIXES = st.text("abc:*?[]\\^-_.", max_size=8)
TOPICS = st.builds(Topic, IDS.map(Org), IDS.map(Service))
TASKS = Topic(Org("acme"), Service("tasks"))


def test_the_keys_are_those_of_the_manual() -> None:
    keys = Keys()
    assert keys.events(TASKS) == "events:{acme}:tasks"
    assert keys.batches(TASKS) == "batches:{acme}:tasks"
    assert keys.topic(TASKS) == "topic:{acme}:tasks"
    assert keys.dead(TASKS) == "dead:{acme}:tasks"
    assert keys.subs(TASKS.org) == "subs:{acme}"
    assert keys.bell(TASKS.org) == "bell:{acme}"
    assert keys.revoked(TASKS.org) == "revoked:{acme}"
    assert keys.workers() == "fanout:workers"
    assert keys.lease(127) == "fanout:lease:127"
    assert keys.gateway_nodes() == "gateway:nodes"
    assert keys.worker_nodes() == "fanout:nodes"


@given(TOPICS, PREFIXES)
def test_every_key_of_an_org_lies_in_its_hash_slot(topic: Topic, prefix: str) -> None:
    keys = Keys(prefix)
    for key in (
        keys.events(topic),
        keys.batches(topic),
        keys.topic(topic),
        keys.dead(topic),
        keys.subs(topic.org),
        keys.bell(topic.org),
        keys.revoked(topic.org),
    ):
        assert key.startswith(prefix)
        tag = re.search(r"\{(.*?)\}", key)
        assert tag is not None
        assert tag[1] == topic.org


@given(TOPICS, PREFIXES)
def test_a_topic_is_found_in_the_key_of_its_events(topic: Topic, prefix: str) -> None:
    keys = Keys(prefix)
    assert keys.parse_events(keys.events(topic)) == topic


@pytest.mark.parametrize(
    "key",
    [
        "events:acme:tasks",
        "events:{acme}",
        "events:{acme}:",
        "events:{}:tasks",
        "events:{ac:me}:tasks",
        "events:{acme}:ta{sks",
        "events:{acme}:tasks:more",
        "batches:{acme}:tasks",
        "other:events:{acme}:tasks",
        "",
    ],
)
def test_a_foreign_key_is_no_topic(key: str) -> None:
    assert Keys().parse_events(key) is None


@given(PREFIXES)
def test_the_canary_is_found_by_workers_and_named_by_nobody(prefix: str) -> None:
    keys = Keys(prefix)
    assert keys.parse_events(keys.events(CANARY)) == CANARY
    assert keys.parse_events(keys.events(Topic(CANARY.org, Service("tasks")))) is None
    assert not is_valid_id(CANARY.org)


@given(st.text())
def test_no_key_whatever_makes_the_parser_fail(key: str) -> None:
    topic = Keys().parse_events(key)
    assert topic is None or Keys().events(topic) == key


def test_the_pattern_takes_its_prefix_literally() -> None:
    assert Keys("a*[b]:").events_pattern() == r"a\*\[b\]:events:{*}:*"


@given(IDS.map(Org))
def test_every_org_has_one_of_the_partitions(org: Org) -> None:
    assert 0 <= partition_of(org) < PARTITION_COUNT


def test_the_partition_of_an_org_never_changes() -> None:
    # Workers of two releases share the partitions during an upgrade.
    assert [partition_of(Org(name)) for name in ("acme", "globex", "initech")] == [62, 122, 80]


@given(TOPICS, PREFIXES)
def test_an_org_is_found_in_the_key_of_its_subscriptions(topic: Topic, prefix: str) -> None:
    keys = Keys(prefix)
    assert keys.parse_subs(keys.subs(topic.org)) == topic.org
    assert keys.parse_subs(keys.bell(topic.org)) is None
    assert keys.parse_subs(f"{prefix}subs:{{a}}b}}") is None
