"""What is known of a metric before anything is counted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a metric behaves over time."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class ToldBy(StrEnum):
    """Whose `/metrics` a metric is on; `orgs` is `/metrics/orgs` of a gateway."""

    GATEWAY = "gateway"
    FANOUT = "fanout"
    BOTH = "both"
    ORGS = "orgs"


_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "By": "bytes"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric by its OpenTelemetry name. The order of the attributes is that of its rows."""

    name: str
    kind: Kind
    unit: str
    description: str
    server: ToldBy
    attributes: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets."""

    @property
    def prometheus_name(self) -> str:
        """Its name in Prometheus; the series of a histogram add `_bucket` and so on."""
        name = self.name.replace(".", "_")
        unit = _UNITS.get(self.unit)
        if unit and not name.endswith(f"_{unit}"):
            name = f"{name}_{unit}"
        return f"{name}_total" if self.kind is Kind.COUNTER else name
