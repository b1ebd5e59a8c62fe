"""Which series and labels a PromQL expression asks for, as far as ours need it."""

import re
from typing import Final, NamedTuple

from shared.telemetry.metric import Kind, Metric
from shared.telemetry.names import METRICS

SERIES: Final = re.compile(r"\b((?:realtime|process|python)_\w+|(?:\w+:)?realtime_\w+:\w+|up)\b")
SELECTED: Final = re.compile(r"\b([\w:]+)\{([^}]*)\}")
GROUPED: Final = re.compile(r"\bby \(([^)]*)\) \(([^()]*(?:\([^()]*\)[^()]*)*)\)")
HISTOGRAM_ENDS: Final = ("_bucket", "_sum", "_count")
SCRAPED_LABELS: Final = {"job", "instance"}
OTHERS: Final = {
    "up": set[str](),
    "process_cpu_seconds_total": set[str](),
    "process_resident_memory_bytes": set[str](),
    "process_open_fds": set[str](),
    "process_max_fds": set[str](),
    "process_start_time_seconds": set[str](),
    "python_gc_collections_total": {"generation"},
}
"""What is not ours: made by Prometheus, or by its client for every process."""


class Asked(NamedTuple):
    """A series, and the labels by which an expression chooses or groups it."""

    series: str
    labels: frozenset[str]


def served_labels() -> dict[str, set[str]]:
    """Return every series that Prometheus may have of us, with its labels."""
    served = {name: labels | SCRAPED_LABELS for name, labels in OTHERS.items()}
    for metric in METRICS:
        for name in series_of(metric):
            served[name] = {*metric.attributes, *SCRAPED_LABELS}
            if name.endswith("_bucket"):
                served[name].add("le")
    return served


def series_of(metric: Metric) -> list[str]:
    """Return the names of a metric's series."""
    name = metric.prometheus_name
    ends = HISTOGRAM_ENDS if metric.kind is Kind.HISTOGRAM else ("",)
    return [name + end for end in ends]


def asked(expression: str) -> list[Asked]:
    """Return what an expression asks for."""
    found = [Asked(name, frozenset()) for name in SERIES.findall(expression)]
    for name, matchers in SELECTED.findall(expression):
        labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)
        found.append(Asked(name, frozenset(labels)))
    for labels, inner in GROUPED.findall(expression):
        grouped = frozenset(label.strip() for label in labels.split(","))
        found += [Asked(name, grouped) for name in SERIES.findall(inner)]
    return found
