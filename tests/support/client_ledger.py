"""What one client's app was given over all its sockets, checked frame by frame.

O3: between resets a client sees a contiguous run of each service. O4: resets come only where
a fault allows them, with the right reason; the test names those it allows. O5: nothing of
another org. The rules are those of a client, without its tolerance: a repeated batch, which
an SDK drops in silence, is counted here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from fanwire.core.position import ZERO, Position, parse_position
from tests.support.stream_client import Frame, StreamClient


class ClientLedger:
    """The session of one client; `take` each of its sockets in turn."""

    def __init__(self, *, is_filtered: bool = False) -> None:
        self.positions: dict[str, Position] = {}
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.resets: list[tuple[str, str]] = []
        self.repeated_count = 0
        self.conflated_counts: Counter[str] = Counter()
        self._is_filtered = is_filtered
        self._taken_counts: dict[StreamClient, int] = {}

    @property
    def resume(self) -> dict[str, str]:
        """What the next socket of this client asks for."""
        return {service: str(at) for service, at in self.positions.items()}

    def take(self, client: StreamClient) -> None:
        """Take in the frames of a socket that were not taken in before."""
        for frame in client.frames[self._taken_counts.get(client, 0) :]:
            self.take_frame(frame)
        self._taken_counts[client] = len(client.frames)

    def check(
        self, service: str, numbers: Iterable[int], *, resets: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Fail unless exactly these numbers came in this order, with these resets alone."""
        assert self.resets == list(resets)
        assert self.repeated_count == 0
        found, wanted = self.numbers[service], list(numbers)
        lost = sorted(set(wanted) - set(found))
        assert not lost, f"{len(lost)} lost of {service}: {lost[:10]}…"
        assert found == wanted, f"{len(found) - len(wanted)} doubled, or another order"

    def take_frame(self, frame: Frame) -> None:
        """Take in one frame, in the order in which they came."""
        match frame.type:
            case "hello" | "subscriptions":
                for row in frame.fields["services"]:
                    self._begin(row)
            case "batch":
                self._apply(frame.fields)
            case "reset":
                service = frame.fields["service"]
                self.resets.append((service, frame.fields["reason"]))
                self.positions[service] = parse_position(frame.fields["position"])
            case "heartbeat":
                for service, head in frame.fields["positions"].items():
                    self._move(service, parse_position(head))

    def _begin(self, row: dict[str, Any]) -> None:
        if "position" not in row:
            return  # a replay of it is still on its way
        service, position = row["name"], parse_position(row["position"])
        if service not in self.positions or row.get("recovered") is False:
            self.positions[service] = position
        else:
            self._move(service, position)

    def _move(self, service: str, position: Position) -> None:
        mine = self.positions[service]
        if self._is_filtered:
            assert position >= mine, f"{service} was sent back from {mine} to {position}"
            self.positions[service] = position
        else:
            assert position == mine, f"{service} stands at {position} without {mine} to there"

    def _apply(self, batch: dict[str, Any]) -> None:
        service = batch["service"]
        prev, position = parse_position(batch["prev"]), parse_position(batch["position"])
        mine = self.positions.get(service)
        assert mine is not None, f"a batch of {service}, which was not subscribed to"
        if position <= mine:
            self.repeated_count += 1
            return
        follows = prev <= mine if self._is_filtered else prev == mine
        assert follows, f"{service} has a hole between {mine} and {prev}"
        left_out = batch.get("conflated", 0)
        self.conflated_counts[service] += left_out
        if not self._is_filtered and not left_out:
            first = batch["events"][0]["seq"]
            assert first == (prev.seq + 1 if prev.epoch == position.epoch else 1) or prev == ZERO
        if not self._is_filtered and prev.epoch == position.epoch:
            spanned = position.seq - prev.seq
            told = len(batch["events"]) + left_out
            # A worker leaves out events before it numbers them, a gateway after that.
            is_whole = told == spanned or (left_out and told >= spanned)
            assert is_whole, f"{service} spans {spanned} events and tells of {told}"
        self.positions[service] = position
        self.numbers[service] += [event["data"]["n"] for event in batch["events"]]
