"""`POST /v2/realtime/publish`: who may, what is taken, and what goes to Redis."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fanwire.auth.claims import Claims
from fanwire.core.keys import Keys
from gateway.edge.request_body import BodyLimits
from gateway.routes import publish
from gateway.routes.event_writer import EventWriter
from gateway.routes.publish import MAX_EVENTS, Publish
from shared.redis.pipelined import PipelinedRedis, RedisUnavailable, Reply
from shared.redis.scripts import Argument, Script
from tests.support.gateway_values import some_claims
from tests.support.memory_redis import NO_REDIS
from tests.support.one_token import callers_with
from tests.support.telemetry import a_gateways_signals
from tests.support.tracing import RecordedSpans, a_traceparent, context_of, spelled

MAX_BODY_BYTES = 128 * 1024
AN_EVENT: dict[str, object] = {"service": "tasks", "data": {"n": 1}}
OWN = a_traceparent(7, 8)


class RecordingScripts(PipelinedRedis):
    """Keeps what each script was called with, and answers as it is told to."""

    def __init__(self) -> None:
        super().__init__(NO_REDIS)
        self.runs: list[tuple[list[str], list[Argument]]] = []
        self.reply: Reply | Exception | None = None

    async def run_script(self, script: Script, keys: list[str], arguments: list[Argument]) -> Reply:
        self.runs.append((keys, arguments))
        if isinstance(self.reply, Exception):
            raise self.reply
        count = len(events_in(arguments))
        return self.reply or [1, [b"1-%d" % number for number in range(count)]]


def events_in(arguments: Sequence[Argument]) -> list[tuple[int, dict[Any, Any]]]:
    """Return the events that a script was given: which key, and the fields."""
    found, at = [], 1
    while at < len(arguments):
        key, count = int(arguments[at]), int(arguments[at + 1])
        pairs = iter(arguments[at + 2 : at + 2 + count])
        found.append((key, dict(zip(pairs, pairs, strict=True))))
        at += 2 + count
    return found


class PublishEndpoint:
    """The route behind as much of a gateway as it asks for."""

    def __init__(
        self,
        claims: Claims | None = None,
        *,
        burst: int = 100,
        spans: RecordedSpans | None = None,
    ) -> None:
        self.redis = RecordingScripts()
        self.signals = a_gateways_signals()
        route = Publish(
            callers_with(claims or some_claims(publish=True), self.signals, burst=burst),
            EventWriter(self.redis, Keys()),
            self.signals.published,
            BodyLimits(MAX_BODY_BYTES, 1_000),
            None if spans is None else spans.tracer,
        )
        self._api = FastAPI()
        self._api.add_api_route(publish.PATH, route.answer, methods=["POST"])

    async def post(self, token: str | None = "good", **request: Any) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self._api)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post("/v2/realtime/publish", headers=headers, **request)

    @property
    def written(self) -> list[dict[Any, Any]]:
        """The fields of the events of the only request that reached Redis."""
        [(_, arguments)] = self.redis.runs
        return [fields for _, fields in events_in(arguments)]


async def test_one_event_is_written_with_its_fields() -> None:
    endpoint = PublishEndpoint()
    texts = {"type": "t", "entityType": "task", "entityId": "42", "eventId": "e1"}
    answer = await endpoint.post(json=AN_EVENT | texts | {"propertyId": "p9", "traceparent": OWN})
    assert (answer.status_code, answer.json()) == (200, {"entryIds": ["1-0"]})
    [(keys, _)] = endpoint.redis.runs
    assert keys == ["events:{acme}:tasks"]
    assert endpoint.written == [
        {
            b"type": b"t",
            b"entityType": b"task",
            b"entityId": b"42",
            b"eventId": b"e1",
            b"propertyId": b"p9",
            b"traceparent": OWN.encode(),
            b"data": b'{"n":1}',
        }
    ]


async def test_many_events_are_written_at_once_and_in_order() -> None:
    endpoint = PublishEndpoint()
    services = ("tasks", "users", "tasks")
    events = [{"service": name, "data": n} for n, name in enumerate(services)]
    answer = await endpoint.post(json={"events": events})
    assert answer.json() == {"entryIds": ["1-0", "1-1", "1-2"]}
    [(keys, arguments)] = endpoint.redis.runs
    assert keys == ["events:{acme}:tasks", "events:{acme}:users"]
    assert [(key, fields[b"data"]) for key, fields in events_in(arguments)] == [
        (1, b"0"),
        (2, b"1"),
        (1, b"2"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b'{ "n": 1.0, "m":1e5 }',
        b"123456789012345678901234567890",
        b'"\\u00e9\\/"',
        b"[{},[]]",
        b"null",
    ],
)
@pytest.mark.parametrize("around", [b"%b", b'{"events": [ %b ]}', rb' { "\u0065vents" :[%b] } '])
async def test_data_travels_as_the_bytes_that_were_sent(data: bytes, around: bytes) -> None:
    endpoint = PublishEndpoint()
    body = around % (b'{ "data" : %b , "service":"tasks"}' % data)
    assert (await endpoint.post(content=body)).status_code == 200
    assert [fields[b"data"] for fields in endpoint.written] == [data]


async def test_an_event_without_an_id_gets_one() -> None:
    endpoint = PublishEndpoint()
    await endpoint.post(json={"events": [AN_EVENT, AN_EVENT]})
    first, second = (fields[b"eventId"] for fields in endpoint.written)
    assert first != second


@pytest.mark.parametrize(
    ("claims", "event"),
    [
        (some_claims(), AN_EVENT),
        (some_claims(services=[], publish=True), AN_EVENT),
        (some_claims(services=["users"], publish=True), AN_EVENT),
        (some_claims(properties=["p1"], publish=True), AN_EVENT | {"propertyId": "p2"}),
    ],
    ids=["no claim", "B105-no service", "another service", "another property"],
)
async def test_what_the_token_does_not_allow_is_forbidden(
    claims: Claims, event: dict[str, object]
) -> None:
    endpoint = PublishEndpoint(claims)
    answer = await endpoint.post(json={"events": [event]})
    assert (answer.status_code, answer.json()["name"]) == (403, "forbidden")
    assert endpoint.redis.runs == []


@pytest.mark.parametrize("token", [None, "bad"])
async def test_without_a_good_token_nothing_is_published(token: str | None) -> None:
    endpoint = PublishEndpoint()
    answer = await endpoint.post(token, json=AN_EVENT)
    assert (answer.status_code, answer.json()["name"]) == (401, "unauthorized")
    assert endpoint.redis.runs == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "service"),
        ({"service": "tasks"}, "data"),
        ({"data": 1}, "service"),
        ({"events": None}, "events"),
        ({"events": {}}, "events"),
        ({"events": []}, "events"),
        ({"events": [None]}, "events.0"),
        ({"events": [AN_EVENT], "service": "tasks"}, "service"),
        ({"events": [AN_EVENT, {"service": "tasks"}]}, "events.1.data"),
        ({"events": [AN_EVENT] * (MAX_EVENTS + 1)}, "events"),
        (AN_EVENT | {"org": "other"}, "org"),
        (AN_EVENT | {"service": "{tasks}"}, "service"),
        (AN_EVENT | {"service": 7}, "service"),
        (AN_EVENT | {"entityId": 42}, "entityId"),
        (AN_EVENT | {"eventId": True}, "eventId"),
        (AN_EVENT | {"property_id": "p9"}, "property_id"),
        (AN_EVENT | {"traceparent": "00-mine"}, "traceparent"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
@pytest.mark.parametrize("case", ["B95"])
async def test_wrong_fields_are_named(body: dict[str, object], named: str, case: str) -> None:
    endpoint = PublishEndpoint()
    answer = await endpoint.post(json=body)
    assert (answer.status_code, answer.json()["name"]) == (422, "invalid_body")
    assert named in answer.json()["message"]
    assert endpoint.redis.runs == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (AN_EVENT | {"data": "x" * 70_000}, "70002 bytes"),
        (AN_EVENT | {"data": "\ud83d"}, "half of a surrogate pair"),
        (AN_EVENT | {"eventId": ""}, "eventId ''"),
        (AN_EVENT | {"entityId": "a\0b"}, "entityId"),
        (AN_EVENT | {"type": "\ud83d"}, "UTF-8"),
    ],
)
async def test_one_event_that_a_worker_would_set_aside_is_named_and_nothing_is_written(
    wrong: dict[str, object], said: str
) -> None:
    endpoint = PublishEndpoint()
    answer = await endpoint.post(content=json.dumps({"events": [AN_EVENT, wrong]}))
    assert (answer.status_code, answer.json()["name"]) == (400, "invalid_event")
    assert answer.json()["message"].startswith("events.1: ")
    assert said in answer.json()["message"]
    assert endpoint.redis.runs == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":NaN,"service":"tasks"}', b"\xff"])
@pytest.mark.parametrize("case", ["B91"])
async def test_what_is_no_strict_json_object_is_refused(body: bytes, case: str) -> None:
    assert (await PublishEndpoint().post(content=body)).status_code == 400


async def test_B93_a_body_beyond_the_bound_is_refused() -> None:
    answer = await PublishEndpoint().post(content=b" " * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()["name"]) == (413, "body_too_large")


async def test_a_full_topic_is_busy_and_says_when_to_come_back() -> None:
    endpoint = PublishEndpoint()
    endpoint.redis.reply = [0, [3, 100_000]]
    answer = await endpoint.post(json={"events": [AN_EVENT, AN_EVENT | {"service": "users"}]})
    assert (answer.status_code, answer.json()["name"]) == (503, "busy")
    assert "acme/users holds 100000 unread" in answer.json()["message"]
    assert answer.headers["Retry-After"] == "1"


async def test_B106_without_redis_there_is_a_time_to_come_back() -> None:
    endpoint = PublishEndpoint()
    endpoint.redis.reply = RedisUnavailable("gone")
    answer = await endpoint.post(json=AN_EVENT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def test_B107_a_user_publishes_no_more_often_than_its_rate() -> None:
    endpoint = PublishEndpoint(burst=2)
    answers = [await endpoint.post(json=AN_EVENT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) >= 1


async def test_events_carry_the_context_of_a_span_like_the_sdk_s() -> None:
    spans = RecordedSpans()
    endpoint = PublishEndpoint(spans=spans)
    await endpoint.post(json={"events": [AN_EVENT, AN_EVENT | {"traceparent": OWN}]})
    assert spans.only.name == "send events"
    assert dict(spans.only.attributes or {}) == {
        "messaging.system": "redis",
        "messaging.operation.name": "send",
        "messaging.destination.name": "acme/tasks",
        "messaging.batch.message_count": 2,
        "fanwire.entry_ids": ("1-0", "1-1"),
    }
    carried = [fields[b"traceparent"].decode() for fields in endpoint.written]
    assert carried == [spelled(context_of(spans.only)), OWN]


async def test_what_came_in_is_counted_and_what_was_refused_by_reason() -> None:
    endpoint = PublishEndpoint()
    await endpoint.post(json={"events": [AN_EVENT, AN_EVENT | {"service": "made-up"}]})
    await endpoint.post(json=AN_EVENT | {"eventId": ""})
    await endpoint.post("bad", json=AN_EVENT)
    assert endpoint.signals.published.written == {"tasks": 1, "_other": 1}
    assert endpoint.signals.published.rejected == {"invalid_event": 1, "unauthorized": 1}
