"""Lines of the log, in production and in dev."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from shared.logs import logger, set_up_logs


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Put the standard module's handlers back, which belong to pytest."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    written = capsys.readouterr()
    assert written.out == "", "stdout belongs to the program's output"
    return written.err.splitlines()


def test_production_writes_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    logger(node="gw-1").info("conn.opened", org="acme", socket_count=3)
    (line,) = map(json.loads, lines(capsys))
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "conn.opened",
        "level": "info",
        "process": "gateway",
        "node": "gw-1",
        "org": "acme",
        "socket_count": 3,
    }


def test_dev_writes_key_and_value(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="dev", level="info", process="fanout")
    logger().warning("redis.lost", attempt=2)
    (line,) = lines(capsys)
    assert "level=warning event=redis.lost attempt=2 process=fanout" in line


def test_a_library_s_lines_take_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    logging.getLogger("asyncio").warning("started on %s", 8000)
    (line,) = map(json.loads, lines(capsys))
    assert line["event"] == "started on 8000"


def test_an_error_keeps_to_its_line_in_production(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    try:
        raise ValueError("of a kind")
    except ValueError:
        logger().exception("task.failed")
    (line,) = map(json.loads, lines(capsys))
    assert "ValueError: of a kind" in line["exception"]


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="dev", level="warning", process="gateway")
    logger().info("conn.opened")
    assert lines(capsys) == []


@pytest.mark.parametrize("name", ["uvicorn.access", "uvicorn.error"])
def test_B85_requests_are_not_logged_since_their_url_may_hold_a_token(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    set_up_logs(env="production", level="debug", process="gateway")
    logging.getLogger(name).info("GET /v2/realtime/stream?token=secret")
    assert lines(capsys) == []


def test_what_json_does_not_know_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    logger().info("odd", value=object, names={"a"})
    (line,) = map(json.loads, lines(capsys))
    assert line["value"] == "<class 'object'>"


def test_the_same_warning_is_written_twice(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    for _ in range(100):
        logger().warning("feed.read_failed", cause="gone")
    logger().warning("bell.lost")
    events = [json.loads(line)["event"] for line in lines(capsys)]
    assert events == ["feed.read_failed"] * 2 + ["bell.lost"]


def test_warnings_of_one_event_that_differ_are_written_ten_times(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    for number in range(100):
        logger().warning("topic.reset", topic=number)
    assert [json.loads(line)["topic"] for line in lines(capsys)] == list(range(10))


def test_events_of_fifty_sockets_are_all_written(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    for number in range(50):
        logger().info("socket.evicted", connection=number)
    assert len(lines(capsys)) == 50


def test_at_level_debug_nothing_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="debug", process="gateway")
    for number in range(500):
        logger().debug("conn.opened", connection=number)
    assert len(lines(capsys)) == 500


def test_a_line_inside_a_span_carries_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("connect") as span:
        logger().info("inside")
    logger().info("outside")
    inside, outside = map(json.loads, lines(capsys))
    context = span.get_span_context()
    assert inside["trace_id"] == f"{context.trace_id:032x}"
    assert inside["span_id"] == f"{context.span_id:016x}"
    assert "trace_id" not in outside


def test_what_exporters_complain_of_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(env="production", level="info", process="gateway")
    for _ in range(20):
        for name in ("trace_exporter", "metric_exporter"):
            exporter = logging.getLogger(f"opentelemetry.exporter.otlp.proto.http.{name}")
            exporter.error("Failed to export batch: %s", "connection refused")
    (line,) = map(json.loads, lines(capsys))
    assert (line["event"], line["level"]) == ("telemetry.export_failed", "warning")
    assert "connection refused" in line["cause"]
