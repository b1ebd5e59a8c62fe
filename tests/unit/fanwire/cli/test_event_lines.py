"""Files of events, ours and recorded webhooks."""

import pytest

from fanwire.cli.event_lines import as_name, data_of_lines, events_of_lines
from fanwire.core.ids import is_valid_id
from fanwire.errors import InvalidEvent
from fanwire.publish.new_event import NewEvent, checked_outgoing


def only(line: bytes, service: str | None = None) -> NewEvent:
    (event,) = events_of_lines([line], org="acme", service=service)
    return event


def test_a_line_of_ours_becomes_its_event() -> None:
    event = only(
        b'{"service":"tasks","data":{ "n": 1.0 },"type":"task.updated","entityType":"task",'
        b'"entityId":42,"eventId":"e1","propertyId":"p9"}'
    )
    assert event == NewEvent(
        "acme",
        "tasks",
        b'{ "n": 1.0 }',
        type="task.updated",
        entity_type="task",
        entity_id="42",
        event_id="e1",
        property_id="p9",
    )


WEBHOOK = (
    b'{"event":"issues","delivery":"72d3162e","payload":'
    b'{"action":"opened","n": 1.50,"repository":{"full_name":"Codertocat/Hello World"}}}'
)


def test_a_recorded_webhook_names_its_service_property_and_id() -> None:
    event = only(WEBHOOK)
    assert (event.service, event.type) == ("issues", "issues.opened")
    assert (event.property_id, event.event_id) == ("Codertocat-Hello-World", "72d3162e")


def test_the_payload_is_published_as_the_bytes_of_the_line() -> None:
    payload = WEBHOOK.partition(b'"payload":')[2][:-1]
    assert checked_outgoing(only(WEBHOOK)).fields[b"data"] == payload


def test_a_webhook_without_action_or_repository_is_an_event_all_the_same() -> None:
    event = only(b'{"name":"ping","payload":{"zen":"Design for failure."}}')
    assert (event.service, event.type, event.property_id) == ("ping", "ping", None)


def test_a_service_on_the_command_line_overrides_that_of_the_lines() -> None:
    assert only(WEBHOOK, service="tasks").service == "tasks"


def test_empty_lines_are_skipped() -> None:
    lines = [b"\n", b'{"service":"tasks","data":1}\n', b"  \n"]
    assert len(list(events_of_lines(lines, org="acme"))) == 1
    assert list(data_of_lines([b"\n", b" 1 \n", b'{"a":2}'])) == [b"1", b'{"a":2}']


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{nope", "line 2 is not JSON"),
        (b"[1]", "line 2 is no JSON object"),
        (b'{"service":"tasks"}', 'line 2 has no "data"'),
        (b'{"data":1}', "line 2 .*names no service"),
    ],
)
def test_a_bad_line_is_named_by_its_number(line: bytes, said: str) -> None:
    with pytest.raises(InvalidEvent, match=said):
        list(events_of_lines([b'{"service":"tasks","data":1}', line], org="acme"))


@pytest.mark.parametrize("text", ["a/b", "Codertocat/Hello World", "x" * 99, "ünï/cödé-9", ".a."])
def test_a_foreign_name_becomes_one_of_the_alphabet(text: str) -> None:
    assert is_valid_id(as_name(text))
