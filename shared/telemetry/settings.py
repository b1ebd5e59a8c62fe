"""Where telemetry goes: the standard OTEL_* variables.

OpenTelemetry's SDK reads them itself: resource attributes, sampler, headers, intervals. Here is
decided only what is exported at all, and a wrong endpoint ends the start: the SDK would take it,
and log a failure every few seconds for ever. Unknown OTEL_* variables are not refused, as they are
not ours.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from shared.settings.loading import SettingsProblem, exit_on_problem

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"

_GRPC_PORT: Final = 4317
"""Where a collector speaks OTLP over gRPC, which is not what is sent here."""

_EXAMPLE: Final = "http://collector:4318"


@dataclass(frozen=True, slots=True)
class Exports:
    """What is sent to a collector; `/metrics` is served in any case."""

    traces: bool = False
    metrics: bool = False


def load_exports() -> Exports:
    """Return what the environment asks for, or print one line and exit with code 78."""
    with exit_on_problem():
        return read_exports(os.environ)


def read_exports(environ: Mapping[str, str]) -> Exports:
    """Return what the variables ask for.

    Raises:
        SettingsProblem: If one of them cannot work.
    """
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Exports()
    return Exports(traces=_is_sent(environ, "TRACES"), metrics=_is_sent(environ, "METRICS"))


def _is_sent(environ: Mapping[str, str], signal: str) -> bool:
    exporter_variable = f"OTEL_{signal}_EXPORTER"
    exporter = environ.get(exporter_variable) or "otlp"
    if exporter not in ("otlp", "none"):
        raise SettingsProblem(f"{exporter_variable} is {exporter!r}, but must be otlp or none")
    names = (_ENDPOINT, f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    given = {name: environ[name] for name in names if environ.get(name)}
    if exporter == "none" or not given:
        return False
    for name, endpoint in given.items():
        if problem := _endpoint_problem(endpoint):
            shown = "a URL with a user" if "@" in endpoint else repr(endpoint)
            raise SettingsProblem(f"{name} is {shown}, but {problem}")
    for name in (_PROTOCOL, f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"):
        protocol = environ.get(name) or "http/protobuf"
        if protocol != "http/protobuf":
            raise SettingsProblem(
                f"{name} is {protocol!r}, but only http/protobuf is spoken: leave it out, and "
                f"give the collector's HTTP port, such as {_EXAMPLE}"
            )
    return True


def _endpoint_problem(endpoint: str) -> str | None:
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"is no URL; it must be like {_EXAMPLE}"
    if parts.scheme not in ("http", "https") or not host:
        return f"must be the URL of a collector with http:// or https://, such as {_EXAMPLE}"
    if parts.username is not None or parts.password is not None:
        return "must not carry credentials: give them in OTEL_EXPORTER_OTLP_HEADERS"
    if port == _GRPC_PORT:
        return "4317 is the port of OTLP over gRPC; OTLP over HTTP, which is sent, has 4318"
    return None
