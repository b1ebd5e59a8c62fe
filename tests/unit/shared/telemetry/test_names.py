"""The list of metrics, and the name that Prometheus knows each by."""

import re

import pytest
from opentelemetry.sdk.resources import Resource

from shared.telemetry.instruments import Instruments
from shared.telemetry.metric import Kind, Metric, ToldBy
from shared.telemetry.names import METRICS
from shared.telemetry.setup import Telemetry
from tests.support.telemetry import families, samples

TOLD = [metric for metric in METRICS if metric.server is not ToldBy.ORGS]


def tell(metric: Metric, instruments: Instruments) -> None:
    row = tuple("x" for _ in metric.attributes)
    if metric.kind is Kind.HISTOGRAM:
        instruments.histogram(metric)(1, *row)
    else:
        instruments.observe(metric, lambda: {row: 1})


def test_no_name_is_given_twice_in_either_spelling() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert len({metric.prometheus_name for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_described_and_belongs_to_us(metric: Metric) -> None:
    assert re.fullmatch(r"realtime(\.[a-z_]+){1,4}", metric.name)
    assert metric.description.endswith(".")
    assert bool(metric.bounds) is (metric.kind is Kind.HISTOGRAM)


@pytest.mark.parametrize("metric", TOLD, ids=lambda metric: metric.name)
def test_prometheus_finds_a_metric_under_the_name_on_the_page(metric: Metric) -> None:
    telemetry = Telemetry(Resource.get_empty())
    tell(metric, telemetry.instruments)
    text = telemetry.prometheus_text()
    assert metric.prometheus_name in families(text)
    suffix = "_count" if metric.kind is Kind.HISTOGRAM else ""
    labels = ",".join(f"{name}=x" for name in sorted(metric.attributes))
    sample = metric.prometheus_name + suffix + (f"{{{labels}}}" if labels else "")
    assert samples(text)[sample] == 1
