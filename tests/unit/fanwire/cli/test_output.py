"""What reaches the terminal."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from fanwire.cli.event_text import event_json, event_text
from fanwire.cli.output import Output, escaped
from fanwire.core.events import Event, entry_fields, parse_entry
from fanwire.core.position import ZERO, Position
from fanwire.errors import Busy
from fanwire.wire.decode import BatchFrame, decode_server_frame
from fanwire.wire.delivered_event import DeliveredEvent
from fanwire.wire.encode import encode_batch


@given(st.text())
def test_foreign_text_can_neither_steer_the_terminal_nor_style_the_line(text: str) -> None:
    shown = Text.from_markup(escaped(text), emoji=False).plain
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert len(shown) == len(text)


def delivered(data: bytes) -> DeliveredEvent:
    event = parse_entry("1-0", entry_fields(data, {"type": "t", "propertyId": "p9"}), org="acme")
    assert isinstance(event, Event)
    body = encode_batch(
        service="tasks",
        prev=ZERO,
        position=Position(1, 1),
        sent_at_ms=1,
        traceparent=None,
        events=[event],
    ).body
    batch = decode_server_frame(body)
    assert isinstance(batch, BatchFrame)
    return batch.events[0]


def test_a_json_line_holds_the_publishers_bytes() -> None:
    line = event_json(delivered(b'{ "n": 1.0 }'))
    assert line.endswith(b'"data":{ "n": 1.0 }}')


def test_a_payload_with_line_breaks_stays_on_one_line() -> None:
    line = event_json(delivered(b'{\n  "n": 1.0\n}'))
    assert b"\n" not in line
    assert orjson.loads(line)["data"] == {"n": 1.0}


def test_a_line_for_people_is_cut_and_names_what_counts() -> None:
    text = Text.from_markup(event_text(delivered(b'"' + b"x" * 500 + b'"'))).plain
    assert "tasks  1-1  t  property p9" in text
    assert len(text) < 260


def test_results_go_to_stdout_and_errors_to_stderr(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    output = Output(json=True)
    output.result({"n": 1}, "one")
    output.error(Busy("full"))
    captured = capsysbinary.readouterr()
    assert captured.out == b'{"n":1}\n'
    assert orjson.loads(captured.err)["error"]["name"] == "busy"


def test_nothing_is_coloured_when_it_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.result({}, "[red]plain[/red]")
    output.error(Busy("full [bold]"))
    captured = capsys.readouterr()
    assert captured.out == "plain\n"
    assert captured.err.startswith("busy  full [bold]\n")
