"""PromQL over our own metrics.

A query takes a metric and not its name, so none can name what does not exist, ask for a label
that the metric does not have, or forget what the dashboard's variables filter by.
"""

from typing import Final

from shared.telemetry.metric import Kind, Metric
from shared.telemetry.names import SERVICE

INSTANCE: Final = "instance"


def rate(metric: Metric, *by: str) -> str:
    """Return how often it happens per second, in sum or by labels."""
    assert metric.kind is Kind.COUNTER, f"{metric.name} is a {metric.kind}"
    return _aggregated("sum", f"rate({_series(metric)}[$__rate_interval])", metric, by)


def increase(metric: Metric) -> str:
    """Return how often it happened within the range that the dashboard shows.

    A series begins with its first count, in which `increase` sees nothing: of a series that was
    not there at the beginning of the range, all happened within it.
    """
    assert metric.kind is Kind.COUNTER, f"{metric.name} is a {metric.kind}"
    series = _series(metric)
    old = f"sum(increase({series}[$__range]) and {series} offset $__range)"
    new = f"sum({series} unless {series} offset $__range)"
    return f"({old} or vector(0))\n+ ({new} or vector(0))"


def total(metric: Metric, *by: str) -> str:
    """Return the sum of a gauge."""
    assert metric.kind is Kind.GAUGE, f"{metric.name} is a {metric.kind}"
    return _aggregated("sum", _series(metric), metric, by)


def highest(metric: Metric, *by: str) -> str:
    """Return the largest value of a gauge."""
    assert metric.kind is Kind.GAUGE, f"{metric.name} is a {metric.kind}"
    return _aggregated("max", _series(metric), metric, by)


def lowest(metric: Metric, *by: str) -> str:
    """Return the smallest value of a gauge."""
    assert metric.kind is Kind.GAUGE, f"{metric.name} is a {metric.kind}"
    return _aggregated("min", _series(metric), metric, by)


def quantile(part: float, metric: Metric, *by: str) -> str:
    """Return a quantile of a histogram."""
    assert metric.kind is Kind.HISTOGRAM, f"{metric.name} is a {metric.kind}"
    buckets = f"rate({_series(metric, '_bucket')}[$__rate_interval])"
    return f"histogram_quantile({part:g}, {_aggregated('sum', buckets, metric, (*by, 'le'))})"


def mean(metric: Metric, *by: str) -> str:
    """Return the mean of a histogram."""
    assert metric.kind is Kind.HISTOGRAM, f"{metric.name} is a {metric.kind}"
    sums, counts = (f"rate({_series(metric, end)}[$__rate_interval])" for end in ("_sum", "_count"))
    return ratio(_aggregated("sum", sums, metric, by), _aggregated("sum", counts, metric, by))


def ratio(part: str, whole: str) -> str:
    """Return one divided by the other, and nothing where there is nothing to divide by."""
    return f"{part}\n/ ({whole} > 0)"


def _series(metric: Metric, suffix: str = "") -> str:
    filters = [INSTANCE, *(label for label in metric.attributes if label == SERVICE)]
    chosen = ", ".join(f'{label}=~"${label}"' for label in filters)
    return f"{metric.prometheus_name}{suffix}{{{chosen}}}"


def _aggregated(how: str, series: str, metric: Metric, by: tuple[str, ...]) -> str:
    unknown = {*by} - {INSTANCE, "job", "le", *metric.attributes}
    assert not unknown, f"{metric.name} has no label {', '.join(unknown)}"
    return f"{how} by ({', '.join(by)}) ({series})" if by else f"{how}({series})"
