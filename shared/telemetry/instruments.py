"""Turns what the servers count into instruments.

A counter or a gauge is read when somebody collects it: the servers count with plain integers, 70
times cheaper than an instrument, and nothing at all happens between two reads. A histogram has to
be told each value, so only what happens once per batch or more seldom may have one.

Metrics are read in threads of the readers while the event loop goes on, so a
dict that changes is copied with one call (`list(d.items())`), which no other thread interrupts.
"""

from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from shared.telemetry.metric import Kind, Metric

Rows = Mapping[tuple[str, ...], float] | float | None
"""A value for each row of attributes; a plain number has none, None is no value now."""

Record = Callable[..., None]
"""Adds a value to a histogram, given the value and its attributes in their order."""


class Instruments:
    """Registers metrics with a meter; each metric once."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.registered: list[Metric] = []

    def observe(self, metric: Metric, read: Callable[[], Rows]) -> None:
        """Tell what `read` returns, whenever somebody collects."""
        assert metric.kind is not Kind.HISTOGRAM, f"{metric.name} must be recorded"
        make = (
            self._meter.create_observable_counter
            if metric.kind is Kind.COUNTER
            else self._meter.create_observable_gauge
        )

        def callback(_: CallbackOptions) -> Iterable[Observation]:
            return _observations(metric, read())

        make(metric.name, [callback], unit=metric.unit, description=metric.description)
        self.registered.append(metric)

    def histogram(self, metric: Metric) -> Record:
        """Return what records a value of `metric`."""
        assert metric.kind is Kind.HISTOGRAM, f"{metric.name} must be observed"
        histogram = self._meter.create_histogram(
            metric.name,
            unit=metric.unit,
            description=metric.description,
            explicit_bucket_boundaries_advisory=metric.bounds,
        )
        self.registered.append(metric)

        def record(value: float, *row: str) -> None:
            histogram.record(value, dict(zip(metric.attributes, row, strict=True)))

        return record


def _observations(metric: Metric, rows: Rows) -> Iterable[Observation]:
    if rows is None:
        return []
    if isinstance(rows, Mapping):
        return [
            Observation(value, dict(zip(metric.attributes, row, strict=True)))
            for row, value in list(rows.items())
        ]
    return [Observation(rows)]
