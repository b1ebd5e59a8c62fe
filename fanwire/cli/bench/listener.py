"""A process that subscribes, measures and reports: `python -m fanwire.cli.bench.listener`.

Its plan is the first line of stdin; it answers `ready` when every socket is connected. The
second line holds the numbers sent, per service; it then waits for them, within bounds, and
reports. The end of stdin without it ends the process.
"""

import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from fanwire.cli.bench.stamp import checksum, read_stamp
from fanwire.cli.bench.tally import Ear, Tally
from fanwire.errors import RealtimeError
from fanwire.subscribe.session import Gap
from fanwire.subscribe.states import State, StateChange
from fanwire.subscribe.subscriber import Subscriber

_LOOK_EVERY_S: Final = 0.02
"""Short beside the patience of the run, which it can lengthen by no more than this."""


@dataclass(frozen=True, slots=True)
class SocketPlan:
    """One socket to open."""

    services: list[str]
    token: str


@dataclass(frozen=True, slots=True)
class ListenerPlan:
    """What one process does."""

    url: str
    run: str
    sockets: list[SocketPlan]
    connect_s: float
    patience_s: float

    def encode(self) -> bytes:
        """Return the plan as a line."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "ListenerPlan":
        """Return what `encode` gave."""
        fields: dict[str, Any] = orjson.loads(line)
        sockets = [SocketPlan(**socket) for socket in fields.pop("sockets")]
        return cls(sockets=sockets, **fields)


class _Listener:
    """One socket and its ear."""

    def __init__(self, plan: ListenerPlan, socket: SocketPlan) -> None:
        self.services = socket.services
        self.ear = Ear()
        self._run = plan.run
        self._subscriber = Subscriber(
            plan.url,
            get_token=lambda: socket.token,
            services=socket.services,
        ).watch(self._count_reconnects)

    async def listen(self, connected: asyncio.Semaphore) -> None:
        """Count what arrives, until cancelled."""
        async with self._subscriber as subscriber:
            connected.release()
            async for update in subscriber.updates():
                if isinstance(update, Gap):
                    self.ear.tally.gaps += 1
                    continue
                stamp = read_stamp(update.event_id, self._run)
                if stamp is not None:
                    data = update.data_bytes
                    self.ear.hear(stamp, len(data), checksum(data), now_ns=time.time_ns())

    def settle(self, sent: dict[str, list[int]]) -> Tally:
        """Return the counts in the end."""
        self.ear.tally.suppressed = self._subscriber.suppressed_count
        return self.ear.settle(_numbers(sent, self.services))

    def is_done(self, sent: dict[str, list[int]]) -> bool:
        """Tell whether as much has arrived as was sent."""
        return self.ear.tally.delivered >= sum(len(sent.get(name, ())) for name in self.services)

    def _count_reconnects(self, change: StateChange) -> None:
        self.ear.tally.reconnects += change.state is State.RECONNECTING


def _numbers(sent: dict[str, list[int]], services: list[str]) -> set[int]:
    return {number for service in services for number in sent.get(service, ())}


async def _run(plan: ListenerPlan) -> None:
    listeners = [_Listener(plan, socket) for socket in plan.sockets]
    connected = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        listening = [tasks.create_task(one.listen(connected)) for one in listeners]
        async with asyncio.timeout(plan.connect_s):
            for _ in listeners:
                await connected.acquire()
        _say({"ready": True})
        line = await asyncio.to_thread(sys.stdin.buffer.readline)
        if line:
            sent = orjson.loads(line)
            await _wait(listeners, sent, plan.patience_s)
            total = Tally()
            for one in listeners:
                total.merge(one.settle(sent))
            _say(total.as_dict())
        for task in listening:
            task.cancel()


async def _wait(listeners: list[_Listener], sent: dict[str, list[int]], patience_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            # A look now and then: a check at each arrival would be part of what is measured.
            while not all(one.is_done(sent) for one in listeners):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_EVERY_S)


def _say(fields: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(fields) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Run the plan on stdin."""
    plan = ListenerPlan.decode(sys.stdin.buffer.readline())
    try:
        asyncio.run(_run(plan))
    except* RealtimeError as group:
        _say({"error": str(group.exceptions[0])})
    except* TimeoutError:
        _say({"error": f"not every socket was connected within {plan.connect_s:g} s"})


if __name__ == "__main__":
    main()
