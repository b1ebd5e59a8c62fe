"""The demo's story: what happened before the stack started, and then event by event."""

import asyncio
import time
from collections.abc import Callable
from itertools import islice
from typing import Final

from demo.state import DemoState
from demo.world import DemoWorld
from fanwire import AsyncPublisher, RealtimeError

_PAST_EVENTS: Final = 260
"""Enough for every page to have rows, the rarest service's, with 3 in 106 events, too."""

_PAST_STEP_MS: Final = 40_000
"""So that the past is three hours long, as times on the pages show."""

_SEED: Final = 7
"""Any number would do; a fixed one makes every run, and every bug report, begin alike."""


class Story:
    """The demo's world and what its pages may fetch of it."""

    def __init__(self, org: str) -> None:
        self.state = DemoState()
        self._events = DemoWorld(org, _SEED).events()

    def begin(self, now_ms: float) -> None:
        """Let three hours pass unpublished, so that no page is empty at first sight."""
        for age, event in enumerate(islice(self._events, _PAST_EVENTS)):
            self.state.publishing(event, now_ms - (_PAST_EVENTS - age) * _PAST_STEP_MS)

    async def go_on(
        self, publisher: AsyncPublisher, per_s: float, on_error: Callable[[RealtimeError], None]
    ) -> None:
        """Publish until cancelled; what Redis refuses is reported and left out."""
        for event in self._events:
            self.state.publishing(event, wall_ms())
            try:
                await publisher.publish_many([event])
            except RealtimeError as error:
                on_error(error)
            await asyncio.sleep(1 / per_s)


def wall_ms() -> float:
    """Return the time of day as events carry it."""
    return time.time() * 1000  # noqa: TID251 - compared with the entries' times
