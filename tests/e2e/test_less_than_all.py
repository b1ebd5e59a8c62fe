"""What a user sees while the server gives less: of what matters least, or of nothing at all."""

from typing import Final

from tests.e2e.conftest import ON_VALKEY, OpenDesk
from tests.support.browser import Desk, Tab
from tests.support.waiting import eventually

pytestmark = ON_VALKEY
# The dashboard's page has one service of the lowest tier and, so, one of the highest.
SENSITIVE: Final = {
    "REALTIME_TIERS": "guest-checkin:critical",
    "GATEWAY_LAGGING_MS": "500",
    "GATEWAY_QUARANTINE_MS": "4000",
}
SERVICES: Final = ("dashboard", "guest-checkin")
RETRY_AFTER_MS: Final = 30_000


async def publish_to_all(desk: Desk, start: int, stop: int) -> None:
    for number in range(start, stop):
        await desk.publish("dashboard", f"d{number}")
        await desk.publish("guest-checkin", f"g{number}")


async def until_received(tab: Tab, service: str, wanted: list[str]) -> None:
    """Wait until exactly these events reached the page, in order."""

    async def has_all() -> bool:
        events = await tab.events(service)
        assert events == wanted, f"{len(events)} of {len(wanted)}: {events[-3:]}"
        return True

    await eventually(has_all, 30, every_s=0.1, what=f"all of {service}")


def numbered(letter: str, stop: int) -> list[str]:
    return [f"{letter}{number}" for number in range(stop)]


async def services_of(tab: Tab) -> dict[str, str]:
    return dict((await tab.state())["services"])


async def test_a_page_that_lags_is_told_gets_what_matters_and_later_the_rest(
    open_at: OpenDesk,
) -> None:
    desk = await open_at(is_proxied=True, env=SENSITIVE)
    tab = await desk.open("dashboard")
    await tab.until_live(*SERVICES)
    count = 0

    async def is_entered() -> bool:
        nonlocal count
        await publish_to_all(desk, count, count + 1)
        count += 1
        return "quarantine.entered" in desk.stack.gateway.stderr

    desk.proxy.to_client.latency_ms = 2_000
    await eventually(is_entered, 20, every_s=0.1, what="a quarantine")
    desk.proxy.heal()
    await tab.until_pill("Slowed down")
    assert await services_of(tab) == {"dashboard": "quarantined", "guest-checkin": "live"}
    assert (await tab.state())["quarantine"] == ["dashboard"]
    await publish_to_all(desk, count, count + 5)
    await until_received(tab, "guest-checkin", numbered("g", count + 5))
    assert len(await tab.events("dashboard")) <= count
    await tab.until_pill("Live")
    await until_received(tab, "dashboard", numbered("d", count + 5))
    assert await tab.gaps() == []
    assert {*numbered("d", count + 5)} <= {*await tab.shown()}
    assert len(tab.sockets) == 1


async def test_a_service_that_is_switched_off_is_polled_and_the_others_live_on(
    open_at: OpenDesk,
) -> None:
    desk = await open_at()
    tab = await desk.open("dashboard")
    await tab.until_live(*SERVICES)
    await desk.switch("disable:dashboard", is_on=True)
    await tab.until_pill("Partly paused")
    assert await services_of(tab) == {"dashboard": "off", "guest-checkin": "live"}
    await publish_to_all(desk, 0, 3)
    await until_received(tab, "guest-checkin", numbered("g", 3))
    await tab.until_shown("d2")  # by polling, as no event came
    assert await tab.events("dashboard") == []
    await desk.switch("disable:dashboard", is_on=False)
    await tab.until_pill("Live")
    await until_received(tab, "dashboard", numbered("d", 3))
    assert (await tab.gaps(), len(tab.sockets)) == ([], 1)


async def test_an_emergency_is_shown_and_ends_without_a_reload(open_at: OpenDesk) -> None:
    desk = await open_at()
    tab = await desk.open("tasks", can_skip_time=True)
    await tab.until_live("tasks")
    await desk.switch("emergency", is_on=True)
    await tab.until_pill("Live updates off")
    newcomer = await desk.open("tasks", can_skip_time=True)  # who meets the 503
    await newcomer.until_pill("Live updates off")
    for told in (await tab.state(), await newcomer.state()):
        assert (told["error"]["name"], told["retryInMs"]) == ("disabled", RETRY_AFTER_MS)
    tries = len(tab.sockets), len(newcomer.sockets)
    await desk.publish("tasks", "meanwhile")
    for each in (tab, newcomer):
        await each.until_shown("meanwhile")
        assert await each.events("tasks") == []
    await desk.switch("emergency", is_on=False)
    gateway = desk.stack.gateway
    await eventually(lambda: gateway.stderr.count("flags.changed") == 2, what="the flag is seen")
    # The page polls every five seconds; realtime is left alone until the time that was named.
    for each in (tab, newcomer):
        await each.skip(RETRY_AFTER_MS // 2)
    assert (len(tab.sockets), len(newcomer.sockets)) == tries
    for each in (tab, newcomer):
        await each.skip(RETRY_AFTER_MS // 2)
        await each.until_live("tasks")
    assert (len(tab.sockets), len(newcomer.sockets)) == (tries[0] + 1, tries[1] + 1)
    await desk.publish("tasks", "afterwards")
    await until_received(tab, "tasks", ["meanwhile", "afterwards"])
    await until_received(newcomer, "tasks", ["afterwards"])
