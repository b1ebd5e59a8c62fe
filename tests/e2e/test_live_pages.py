"""What a user sees while all is well: events at once, on the pages that want them."""

import time

import pytest

from tests.e2e.conftest import ON_VALKEY, OpenDesk
from tests.support.waiting import eventually

pytestmark = ON_VALKEY
SLA_MS = 250
EVENT_COUNT = 20


@pytest.mark.alone
async def test_what_happens_is_seen_in_two_browsers_at_once(
    open_at: OpenDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = await open_at()
    tabs = [await desk.open("tasks"), await desk.open("tasks")]
    for tab in tabs:
        await tab.until_live("tasks")
    latencies_ms = []
    for number in range(EVENT_COUNT):
        entity = f"t{number}"
        published_at_ms = time.time() * 1000
        await desk.publish("tasks", entity)
        for tab in tabs:
            await tab.until_shown(entity)
            latencies_ms.append((await tab.shown_at_ms())[entity] - published_at_ms)
    p95_ms = sorted(latencies_ms)[int(len(latencies_ms) * 0.95) - 1]
    with capsys.disabled():
        print(f"\npublish to visible in two browsers: p95 {p95_ms:.0f} ms, SLA {SLA_MS} ms")
    # Other tests may have the machine to themselves as well; a miss by far is a fault of ours.
    assert p95_ms < 4 * SLA_MS


async def test_another_page_is_one_call_on_the_same_socket(open_at: OpenDesk) -> None:
    desk = await open_at()
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    for route, services in (
        ("users", ["users"]),
        ("dashboard", ["dashboard", "guest-checkin"]),
        ("analytics", ["analytics"]),
    ):
        tab.updates.clear()
        await tab.go(route)
        await tab.until_live(*services)
        assert [sorted(update["services"]) for update in tab.updates] == [services]
    await desk.publish("analytics", "a1")
    await tab.until_shown("a1")
    assert len(tab.sockets) == 1


async def test_another_property_is_one_call_and_only_its_events_show(open_at: OpenDesk) -> None:
    desk = await open_at()
    tab = await desk.open("finance")
    await tab.until_live("finance")
    await eventually(tab.state, what="a client")
    tab.updates.clear()
    await tab.page.select_option(".picker select", "p9")

    async def is_filtered() -> bool:
        return (await tab.state())["propertyId"] == "p9" and len(tab.updates) == 1

    await eventually(is_filtered, what="one call for p9")
    await tab.until_live("finance")
    for entity, place in (("of-p1", "p1"), ("of-p9", "p9"), ("of-none", None)):
        await desk.publish("finance", entity, property_id=place)
    await tab.until_shown("of-none")
    assert sorted(await tab.shown()) == ["of-none", "of-p9"]
    assert [update["propertyId"] for update in tab.updates] == ["p9"]
    assert len(tab.sockets) == 1


async def test_a_page_that_is_about_all_properties_lifts_the_filter(open_at: OpenDesk) -> None:
    desk = await open_at()
    tab = await desk.open("finance")
    await tab.until_live("finance")
    assert (await tab.state())["propertyId"] == "p1"
    tab.updates.clear()
    await tab.go("tasks")
    await tab.until_live("tasks")
    await desk.publish("tasks", "of-p2", property_id="p2")
    await tab.until_shown("of-p2")
    # The services and the filter in one call, not one after the other.
    assert [(update["services"], update["propertyId"]) for update in tab.updates] == [
        (["tasks"], None)
    ]


async def test_fifty_pages_later_there_is_one_socket_and_one_listener(open_at: OpenDesk) -> None:
    desk = await open_at(env={"GATEWAY_REQUESTS_PER_USER_PER_S": "1000"})
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    routes = ("users", "finance", "analytics", "dashboard", "tasks")
    for number in range(50):
        await tab.go(routes[number % len(routes)])
    await tab.until_live("tasks")
    assert await tab.listeners() == {"tasks-stream-events": 1}
    assert len(tab.sockets) == 1
    await desk.publish("tasks", "last")
    await tab.until_shown("last")
    assert await tab.events("tasks") == ["last"]


async def test_strict_mode_mounts_twice_and_opens_one_socket(open_at: OpenDesk) -> None:
    desk = await open_at()
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    # The token for the page's own start, asked for twice as effects run twice under StrictMode,
    # and one for the one attempt to connect.
    assert desk.minted_count == 3
    assert len(tab.sockets) == 1


async def test_two_tabs_on_different_pages_leave_each_other_alone(open_at: OpenDesk) -> None:
    desk = await open_at()
    one = await desk.open("tasks")
    await one.until_live("tasks")
    other = await desk.open("finance", context=one.page.context)
    await other.until_live("finance")
    for route in ("users", "analytics"):
        await other.go(route)
        await other.until_live(route)
    await desk.publish("tasks", "for-one")
    await desk.publish("analytics", "for-other")
    await one.until_shown("for-one")
    await other.until_shown("for-other")
    await one.until_live("tasks")
    assert (await one.events("analytics"), await other.events("tasks")) == ([], [])
    assert {update["connectionId"] for update in other.updates} == {
        (await other.state())["connectionId"]
    }


async def test_a_page_that_goes_reports_how_well_it_was_served(open_at: OpenDesk) -> None:
    desk = await open_at()
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    await desk.publish("tasks", "t1", "t2")
    await tab.until_shown("t2")
    # Across origins and with a header of its own, so the browser asks the gateway first.
    async with tab.page.expect_response("**/telemetry/client") as answered:
        await tab.page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    answer = await answered.value
    assert answer.status == 204
    assert (answer.request.post_data_json or {})["services"]["tasks"]["delivered"] == 2
