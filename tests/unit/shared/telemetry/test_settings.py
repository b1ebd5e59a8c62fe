"""OTEL_* variables: what is exported, and what ends the start."""

import pytest

from shared.settings.loading import SettingsProblem
from shared.telemetry.settings import Exports, read_exports

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
GOOD = "http://collector:4318"


@pytest.mark.parametrize(
    ("environ", "exports"),
    [
        ({}, Exports()),
        ({ENDPOINT: ""}, Exports()),
        ({ENDPOINT: GOOD}, Exports(traces=True, metrics=True)),
        ({ENDPOINT: "https://[::1]:443/otlp"}, Exports(traces=True, metrics=True)),
        ({ENDPOINT: GOOD, "OTEL_SDK_DISABLED": "true"}, Exports()),
        ({ENDPOINT: GOOD, "OTEL_TRACES_EXPORTER": "none"}, Exports(metrics=True)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{GOOD}/v1/traces"}, Exports(traces=True)),
        ({ENDPOINT: GOOD, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, Exports(True, True)),
    ],
)
def test_what_the_environment_asks_for_is_exported(
    environ: dict[str, str], exports: Exports
) -> None:
    assert read_exports(environ) == exports


@pytest.mark.parametrize(
    ("endpoint", "remedy"),
    [
        ("collector:4318", "with http:// or https://"),
        ("grpc://collector:4318", "with http:// or https://"),
        ("http://", "with http:// or https://"),
        ("http://collector:4317", "OTLP over HTTP, which is sent, has 4318"),
        ("http://collector:port", "is no URL"),
        ("http://ada:secret@collector:4318", "OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_an_endpoint_that_cannot_work_is_refused_with_its_remedy(
    endpoint: str, remedy: str
) -> None:
    with pytest.raises(SettingsProblem, match=remedy) as refused:
        read_exports({ENDPOINT: endpoint})
    assert str(refused.value).startswith(f"{ENDPOINT} ")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json", "http/protobuf"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp or none"),
    ],
)
def test_what_is_not_spoken_is_refused(name: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingsProblem, match=remedy) as refused:
        read_exports({ENDPOINT: GOOD, name: value})
    assert str(refused.value).startswith(f"{name} is {value!r}")


def test_an_endpoint_that_is_not_used_is_not_judged() -> None:
    assert read_exports({ENDPOINT: "nonsense", "OTEL_SDK_DISABLED": "TRUE"}) == Exports()
