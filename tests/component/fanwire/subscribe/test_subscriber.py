"""The subscriber against a gateway that follows a script."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from fanwire.core.backoff import BackoffLimits
from fanwire.core.position import Position
from fanwire.errors import (
    BadMessage,
    Draining,
    Forbidden,
    Overloaded,
    RealtimeError,
    Unauthorized,
    Unreachable,
)
from fanwire.subscribe.limits import SubscriberLimits
from fanwire.subscribe.reconnect import ReconnectLimits
from fanwire.subscribe.session import Gap
from fanwire.subscribe.states import State, StateChange
from fanwire.subscribe.subscriber import Subscriber
from fanwire.wire.delivered_event import DeliveredEvent
from fanwire.wire.encode import (
    ServiceState,
    encode_drain,
    encode_error,
    encode_heartbeat,
    encode_reset,
    encode_subscriptions,
)
from tests.component.fanwire.subscribe.scripted_gateway import (
    ScriptedGateway,
    Talk,
    batch,
    hello,
    wait_closed,
)
from tests.support.waiting import eventually

QUICK = SubscriberLimits(reconnect=ReconnectLimits(BackoffLimits(1, 5)))
START = ServiceState("tasks", "high", Position(1, 0))


def resumed(seq: int) -> ServiceState:
    return ServiceState("tasks", "high", Position(1, seq), recovered=True, replayed=0)


def a_subscriber(
    url: str,
    *,
    get_token: Callable[[], Any] = lambda: "t",
    limits: SubscriberLimits = QUICK,
    **options: Any,
) -> Subscriber:
    return Subscriber(url, get_token=get_token, services=["tasks"], limits=limits, **options)


async def take(subscriber: Subscriber, count: int) -> list[DeliveredEvent | Gap]:
    """Return the next updates."""
    taken: list[DeliveredEvent | Gap] = []
    async with asyncio.timeout(5), aclosing(subscriber.updates()) as updates:
        async for update in updates:
            taken.append(update)
            if len(taken) == count:
                break
    return taken


def seqs(updates: list[DeliveredEvent | Gap]) -> list[int]:
    return [update.data for update in updates if isinstance(update, DeliveredEvent)]


async def test_events_arrive_and_the_upgrade_carries_the_token_in_a_header_alone() -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(START), batch(1, 2), batch(3, 3))
        await wait_closed(talk)

    gateway = ScriptedGateway(script)
    async with gateway.running() as url, a_subscriber(url, property_id="p9") as subscriber:
        assert subscriber.state is State.CONNECTED
        assert seqs(await take(subscriber, 3)) == [1, 2, 3]
    assert str(subscriber.state) == "closed"
    assert gateway.talks[0].query == {"services": "tasks", "propertyId": "p9"}
    assert gateway.talks[0].headers["Authorization"] == "Bearer t"
    assert gateway.talks[0].headers["Sec-WebSocket-Protocol"] == "rt.v1"


async def test_a_subscriber_that_leaves_says_a_normal_good_bye() -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(START))
        await wait_closed(talk)

    gateway = ScriptedGateway(script)
    async with gateway.running() as url:
        async with a_subscriber(url):
            pass
        await eventually(lambda: gateway.talks[0].close_code == 1000)


async def test_a_cut_connection_is_resumed_from_the_last_position() -> None:
    async def cut(talk: Talk) -> None:
        await talk.say(hello(START), batch(1, 2))
        await talk.close(1013, "busy")

    async def go_on(talk: Talk) -> None:
        await talk.say(hello(resumed(2)), batch(3, 4))
        await wait_closed(talk)

    gateway = ScriptedGateway(cut, go_on)
    states: list[StateChange] = []
    async with (
        gateway.running() as url,
        a_subscriber(url).watch(states.append) as subscriber,
    ):
        assert seqs(await take(subscriber, 4)) == [1, 2, 3, 4]
    assert gateway.talks[1].query["resume"] == "tasks:1-2"
    assert [change.state for change in states] == [
        State.CONNECTING,
        State.CONNECTED,
        State.RECONNECTING,
        State.CONNECTED,
        State.CLOSED,
    ]
    assert (states[2].code, states[2].reason) == (1013, "busy")
    assert states[2].retry_in_ms is not None


async def test_a_lost_batch_leads_to_a_resume_and_not_to_a_hole() -> None:
    async def skipping(talk: Talk) -> None:
        await talk.say(hello(START), batch(1, 1), batch(3, 3))
        await wait_closed(talk)

    async def go_on(talk: Talk) -> None:
        await talk.say(hello(resumed(1)), batch(2, 2), batch(3, 3))
        await wait_closed(talk)

    gateway = ScriptedGateway(skipping, go_on)
    async with gateway.running() as url, a_subscriber(url) as subscriber:
        assert seqs(await take(subscriber, 3)) == [1, 2, 3]
    assert gateway.talks[1].query["resume"] == "tasks:1-1"


async def test_a_reset_reaches_the_app_as_a_gap_in_its_place() -> None:
    async def script(talk: Talk) -> None:
        reset = encode_reset(service="tasks", reason="expired", position=Position(1, 9))
        await talk.say(hello(START), batch(1, 1), reset, batch(10, 10))
        await wait_closed(talk)

    async with ScriptedGateway(script).running() as url, a_subscriber(url) as subscriber:
        first, gap, last = await take(subscriber, 3)
    assert gap == Gap("tasks", "expired", Position(1, 9))
    assert seqs([first, last]) == [1, 10]


async def test_events_alone_never_hide_a_gap(caplog: pytest.LogCaptureFixture) -> None:
    async def script(talk: Talk) -> None:
        reset = encode_reset(service="tasks", reason="expired", position=Position(1, 9))
        await talk.say(hello(START), reset, batch(10, 10))
        await wait_closed(talk)

    gaps: list[Gap] = []
    async with ScriptedGateway(script).running() as url:
        for on_gap in (None, gaps.append):
            async with a_subscriber(url) as subscriber:
                async for event in subscriber.events("tasks", on_gap=on_gap):
                    assert event.data == 10
                    break
    assert [gap.reason for gap in gaps] == ["expired"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_a_drain_is_followed_at_the_moment_that_the_server_chose() -> None:
    async def draining(talk: Talk) -> None:
        await talk.say(hello(START), encode_drain(50), batch(1, 1))
        await wait_closed(talk)

    async def go_on(talk: Talk) -> None:
        await talk.say(hello(resumed(1)), batch(2, 2))
        await wait_closed(talk)

    states: list[StateChange] = []
    gateway = ScriptedGateway(draining, go_on)
    async with (
        gateway.running() as url,
        a_subscriber(url).watch(states.append) as subscriber,
    ):
        assert seqs(await take(subscriber, 2)) == [1, 2]
    reconnecting = states[2]
    assert isinstance(reconnecting.error, Draining)
    assert reconnecting.retry_in_ms == 0


async def test_a_silent_gateway_is_left_after_two_and_a_half_heartbeats() -> None:
    async def silent(talk: Talk) -> None:
        await talk.say(hello(START, heartbeat_ms=20))
        await wait_closed(talk)

    async def go_on(talk: Talk) -> None:
        await talk.say(hello(resumed(0)), batch(1, 1))
        await wait_closed(talk)

    states: list[StateChange] = []
    gateway = ScriptedGateway(silent, go_on)
    async with (
        gateway.running() as url,
        a_subscriber(url).watch(states.append) as subscriber,
    ):
        assert seqs(await take(subscriber, 1)) == [1]
    assert isinstance(states[2].error, Unreachable)


async def test_what_was_taken_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fanwire.subscribe.connection.TELL_EVERY_S", 0.01)
    heard: list[dict[str, Any]] = []

    async def script(talk: Talk) -> None:
        await talk.say(hello(START), batch(1, 2))
        heard.append(await talk.heard())
        await talk.say(encode_heartbeat({"tasks": Position(1, 7)}), batch(8, 8))
        await wait_closed(talk)

    async with ScriptedGateway(script).running() as url, a_subscriber(url) as subscriber:
        # The third event comes only once the first two are acknowledged.
        assert seqs(await take(subscriber, 3)) == [1, 2, 8]
        assert subscriber.positions == {"tasks": "1-7"}
    assert heard == [{"type": "ack", "positions": {"tasks": "1-2"}}]


async def test_a_token_near_its_end_is_refreshed_on_the_open_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fanwire.subscribe.connection.TELL_EVERY_S", 0.01)
    monkeypatch.setattr("fanwire.subscribe.connection.refresh_in_ms", lambda *_: 0)
    tokens = iter(["first", "second"])

    async def script(talk: Talk) -> None:
        await talk.say(hello(START))
        assert await talk.heard() == {"type": "auth", "token": "second"}
        await talk.say(batch(1, 1))
        await wait_closed(talk)

    async def get_token() -> str:
        return next(tokens)

    gateway = ScriptedGateway(script)
    async with gateway.running() as url, a_subscriber(url, get_token=get_token) as subscriber:
        assert seqs(await take(subscriber, 1)) == [1]
    assert len(gateway.talks) == 1


async def test_an_app_that_does_not_keep_up_stops_the_reading_and_loses_nothing() -> None:
    count = 400
    said = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.say(hello(START))
        for seq in range(1, count + 1):
            await talk.say(batch(seq, seq))
        said.set()
        await wait_closed(talk)

    limits = SubscriberLimits(inbox_count=10, reconnect=QUICK.reconnect)
    async with (
        ScriptedGateway(script).running() as url,
        a_subscriber(url, limits=limits) as subscriber,
    ):
        await asyncio.wait_for(said.wait(), 5)
        assert len(subscriber._inbox) <= limits.inbox_count + 2
        assert seqs(await take(subscriber, count)) == list(range(1, count + 1))


@pytest.mark.parametrize("code", [4400, 4403, 4413])
async def test_a_terminal_close_ends_the_iteration_with_its_error(code: int) -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(START), batch(1, 1))
        await talk.close(code, "no more")

    gateway = ScriptedGateway(script)
    async with gateway.running() as url, a_subscriber(url) as subscriber:
        assert seqs(await take(subscriber, 1)) == [1]
        with pytest.raises(RealtimeError, match="no more") as caught:
            await take(subscriber, 1)
    assert caught.value.code == code
    assert gateway.attempt_count == 1


async def test_the_error_frame_before_a_close_tells_more_than_its_code() -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(START), encode_error(BadMessage("type 'dance' is unknown")))
        await talk.close(4400)

    async with ScriptedGateway(script).running() as url, a_subscriber(url) as subscriber:
        with pytest.raises(BadMessage, match="dance"):
            await take(subscriber, 1)


async def test_a_refused_upgrade_raises_when_entering() -> None:
    gateway = ScriptedGateway(wait_closed)
    gateway.refusals = [(403, Forbidden("service 'payroll' is not allowed").as_dict())]
    async with gateway.running() as url:
        with pytest.raises(Forbidden, match="payroll"):
            await a_subscriber(url).__aenter__()
    assert gateway.attempt_count == 1


async def test_a_refused_token_is_fetched_anew_once() -> None:
    refusal = (401, Unauthorized("expired").as_dict())
    asked: list[int] = []
    gateway = ScriptedGateway(wait_closed)
    gateway.refusals = [refusal, refusal, refusal]

    def get_token() -> str:
        asked.append(1)
        return "t"

    async with gateway.running() as url:
        with pytest.raises(Unauthorized):
            await a_subscriber(url, get_token=get_token).__aenter__()
    assert (gateway.attempt_count, len(asked)) == (2, 2)


async def test_an_overloaded_gateway_is_tried_again_after_the_time_that_it_names() -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(START))
        await wait_closed(talk)

    states: list[StateChange] = []
    gateway = ScriptedGateway(script)
    gateway.refusals = [(503, Overloaded("full", retry_after_ms=7).as_dict())]
    async with gateway.running() as url, a_subscriber(url).watch(states.append):
        pass
    assert (states[1].retry_in_ms, states[1].reason) == (7, "full")


async def test_an_app_whose_token_fetch_fails_is_asked_again() -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(START))
        await wait_closed(talk)

    asked: list[int] = []

    def get_token() -> str:
        asked.append(1)
        if len(asked) == 1:
            raise OSError("issuer down")
        return "t"

    async with (
        ScriptedGateway(script).running() as url,
        a_subscriber(url, get_token=get_token) as subscriber,
    ):
        assert subscriber.state is State.CONNECTED


async def test_a_gateway_that_is_not_there_is_tried_until_the_caller_gives_up() -> None:
    states: list[StateChange] = []
    patience = asyncio.timeout(None)

    def give_up_at_the_third(change: StateChange) -> None:
        states.append(change)
        if len(states) > 2:
            patience.reschedule(asyncio.get_running_loop().time())

    subscriber = a_subscriber("ws://127.0.0.1:9").watch(give_up_at_the_third)
    with pytest.raises(TimeoutError):
        async with patience, subscriber:
            raise AssertionError("no gateway listens there")
    assert all(isinstance(change.error, Unreachable) for change in states[1:])


async def test_an_exception_of_the_block_leaves_as_itself() -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(START))
        await wait_closed(talk)

    async with ScriptedGateway(script).running() as url:
        with pytest.raises(ZeroDivisionError):
            async with a_subscriber(url):
                _ = 1 / 0


async def test_two_tasks_may_not_share_one_iteration() -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(START))
        await wait_closed(talk)

    async with ScriptedGateway(script).running() as url, a_subscriber(url) as subscriber:
        both = asyncio.gather(take(subscriber, 1), take(subscriber, 1))
        with pytest.raises(RuntimeError, match="another task"):
            await both


async def test_a_subscription_changed_elsewhere_is_asked_for_at_the_next_connect() -> None:
    async def changed(talk: Talk) -> None:
        users = ServiceState("users", "high", Position(1, 3))
        await talk.say(hello(START))
        await talk.say(encode_subscriptions(version=2, property_id="p1", services=[users]))
        await talk.close(1012)

    async def go_on(talk: Talk) -> None:
        await talk.say(hello(ServiceState("users", "high", Position(1, 3), recovered=True)))
        await talk.say(batch(4, 4, service="users"))
        await wait_closed(talk)

    gateway = ScriptedGateway(changed, go_on)
    async with gateway.running() as url, a_subscriber(url) as subscriber:
        assert seqs(await take(subscriber, 1)) == [4]
    expected = {"services": "users", "propertyId": "p1", "resume": "users:1-3"}
    assert gateway.talks[1].query == expected
