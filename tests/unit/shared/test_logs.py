"""Lines of the log, in production and in dev."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

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
