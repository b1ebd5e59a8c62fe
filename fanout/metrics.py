"""What a worker tells of itself: every metric, and where its value is read."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from fanout.counters import ServiceCounts
from fanout.topic.open_topic import OpenTopic
from fanout.worker import FanoutWorker
from shared.telemetry import names
from shared.telemetry.instruments import Instruments, Rows
from shared.telemetry.labels import ServiceLabels
from shared.telemetry.metric import Metric


def observe_worker(instruments: Instruments, worker: FanoutWorker, labels: ServiceLabels) -> None:
    """Register what is read when somebody asks; a batch's size is recorded at its commit."""
    _observe_counts(instruments, worker)
    _observe_services(instruments, worker, labels)
    _observe_topics(instruments, worker, labels)
    observe = instruments.observe
    observe(names.PARTITIONS_HELD, lambda: len(worker.term.topic_table.held) if worker.term else 0)
    observe(names.TOPICS_OPEN, lambda: len(_open_topics(worker)))
    observe(names.REPLAY_BYTES, lambda: _replay_bytes(worker))
    observe(names.REPLAY_BUDGET, lambda: worker.counters.replay_budget_bytes or None)
    observe(names.REPLAY_TRIMMED, lambda: _trimmed(worker.counters.trimmed))


def batch_sizes(instruments: Instruments, labels: ServiceLabels) -> Callable[[int, str], None]:
    """Return what records the events and the service of a batch."""
    record = instruments.histogram(names.BATCH_SIZE)
    return lambda event_count, service: record(event_count, labels.of(service))


def _observe_counts(instruments: Instruments, worker: FanoutWorker) -> None:
    counters, observe = worker.counters, instruments.observe
    observe(names.INPUT_GAPS, lambda: counters.input_gaps)
    observe(names.STALE_COMMITS, lambda: counters.stale_commits)
    observe(names.TOPICS_SET_ASIDE, lambda: counters.topics_set_aside)
    observe(names.PARTITIONS_TAKEN, lambda: counters.partitions_taken)
    observe(names.PARTITIONS_LOST, lambda: counters.partitions_lost)
    observe(names.TERMS, lambda: counters.terms)
    observe(names.PRUNED, lambda: {(t,): n for t, n in list(counters.pruned_by_tier.items())})


def _observe_services(
    instruments: Instruments, worker: FanoutWorker, labels: ServiceLabels
) -> None:
    services = worker.counters.services

    def observe(metric: Metric, count: Callable[[ServiceCounts], float]) -> None:
        def read() -> Rows:
            return labels.sums((name, count(counts)) for name, counts in list(services.items()))

        instruments.observe(metric, read)

    def observe_reasons(metric: Metric, of: Callable[[ServiceCounts], Mapping[str, int]]) -> None:
        def read() -> Rows:
            rows: Counter[tuple[str, ...]] = Counter()
            for name, counts in list(services.items()):
                for reason, count in list(of(counts).items()):
                    rows[labels.of(name), reason] += count
            return rows

        instruments.observe(metric, read)

    observe(names.FANOUT_EVENTS, lambda counts: counts.events)
    observe(names.FANOUT_BATCHES, lambda counts: counts.batches)
    observe(names.THROTTLED, lambda counts: counts.throttled)
    observe_reasons(names.DEAD_LETTERED, lambda counts: counts.dead)
    observe_reasons(
        names.DUPLICATES, lambda counts: {"repeat": counts.repeats, "conflict": counts.conflicts}
    )


def _observe_topics(instruments: Instruments, worker: FanoutWorker, labels: ServiceLabels) -> None:
    def each(value: Callable[[OpenTopic], float]) -> Iterable[tuple[str, float]]:
        return ((topic.topic.service, value(topic)) for topic in _open_topics(worker))

    observe = instruments.observe
    observe(names.BATCH_WINDOW, lambda: labels.peaks(each(lambda topic: topic.batches.window_ms)))
    observe(names.FANOUT_BACKLOG, lambda: labels.sums(each(lambda topic: topic.backlog_count)))
    observe(names.FANOUT_LAG, lambda: labels.peaks(each(lambda topic: _lag_s(topic, worker))))


def _open_topics(worker: FanoutWorker) -> list[OpenTopic]:
    return list(worker.term.topic_table.open.values()) if worker.term else []


def _lag_s(topic: OpenTopic, worker: FanoutWorker) -> float:
    oldest_ms = topic.oldest_ts_ms
    if oldest_ms is None or worker.term is None:
        return 0.0
    return max(worker.term.server_ms() - oldest_ms, 0.0) / 1000


def _replay_bytes(worker: FanoutWorker) -> Rows:
    rows: Counter[tuple[str, ...]] = Counter()
    for topic in _open_topics(worker):
        rows[topic.tier,] += topic.retention.size_bytes
    return rows


def _trimmed(counts: Mapping[str, int]) -> Rows:
    rows: dict[tuple[str, ...], float] = {}
    for name, count in list(counts.items()):
        tier, _, reason = name.partition(".")
        rows[tier, reason] = count
    return rows
