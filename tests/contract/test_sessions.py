"""The golden sessions of `contract/sessions/`, as the Python session runs them.

TypeScript runs the same files. What they hold is said in contract/README.md.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fanwire.core.position import parse_position
from fanwire.subscribe.addresses import parse_gateway
from fanwire.subscribe.session import Gap, Resume, Session, Update
from fanwire.wire.decode import decode_server_frame
from fanwire.wire.delivered_event import DeliveredEvent

SESSIONS = sorted((Path(__file__).parents[2] / "contract" / "sessions").glob("*.json"))
GATEWAY = parse_gateway("wss://rt.example")
CLIENT = {"services", "propertyId", "resumeFrom"}
STEPS = {
    "connect": {"connect"},
    "subscribe": {"subscribe"},
    "frame": {"frame", "updates", "positions", "suppressed", "reconnect"},
}

Fields = dict[str, Any]


class SessionClient:
    """A session, and what its app wants to receive."""

    def __init__(self, fields: Fields) -> None:
        resume_from = fields.get("resumeFrom", {})
        self._wanted = fields
        self._session = Session({name: parse_position(at) for name, at in resume_from.items()})

    def perform(self, step: Fields) -> Fields:
        """Do what `step` says, and return what can be seen of it."""
        if "subscribe" in step:
            self._wanted = self._wanted | _known(step["subscribe"], {"services", "propertyId"})
            return {}
        return self._receive(step["frame"]) if "frame" in step else {"connect": self._query()}

    def _query(self) -> Fields:
        url = GATEWAY.stream(
            self._wanted.get("services"), self._wanted.get("propertyId"), self._session.positions
        )
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))

    def _receive(self, frame: Fields) -> Fields:
        before = self._session.suppressed_count
        verdict = self._session.receive(decode_server_frame(json.dumps(frame).encode()))
        return {
            "updates": [] if isinstance(verdict, Resume) else _spelled(verdict),
            "positions": {name: str(at) for name, at in self._session.positions.items()},
            "suppressed": self._session.suppressed_count - before,
            "reconnect": isinstance(verdict, Resume),
        }


def _spelled(updates: Iterable[Update]) -> list[Fields]:
    rows: list[Fields] = []
    for update in updates:
        if isinstance(update, Gap):
            position = str(update.position)
            rows.append({"service": update.service, "gap": update.reason, "position": position})
        elif isinstance(update, DeliveredEvent):
            if not rows or "events" not in rows[-1]:
                rows.append({"service": update.service, "events": []})
            rows[-1]["events"].append(str(update.position))
    return rows


def _known(fields: Fields, names: set[str]) -> Fields:
    unknown = fields.keys() - names
    if unknown:
        raise ValueError(f"unknown: {sorted(unknown)}")
    return fields


def _expected(step: Fields, positions: Fields) -> Fields:
    if "frame" not in step:
        return {"connect": step["connect"]} if "connect" in step else {}
    return {
        "updates": step.get("updates", []),
        "positions": step.get("positions", positions),
        "suppressed": step.get("suppressed", 0),
        "reconnect": step.get("reconnect", False),
    }


def run(session: Fields) -> None:
    """Run a session, and fail at its first step that goes another way."""
    _known(session, {"what", "client", "steps"})
    client = SessionClient(_known(session["client"], CLIENT))
    positions: Fields = {}
    for index, step in enumerate(session["steps"]):
        (kind,) = step.keys() & STEPS
        expected = _expected(_known(step, STEPS[kind]), positions)
        assert client.perform(step) == expected, f"step {index}: {step}"
        positions = expected.get("positions", positions)


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_a_golden_session_goes_as_its_file_says(path: Path) -> None:
    run(json.loads(path.read_text()))


def test_the_golden_sessions_are_found() -> None:
    assert len(SESSIONS) > 30


@pytest.mark.parametrize(
    "session",
    [
        {"what": "", "client": {}, "steps": [], "extra": 1},
        {"what": "", "client": {"extra": 1}, "steps": []},
        {"what": "", "client": {}, "steps": [{"connect": {}, "updates": []}]},
        {"what": "", "client": {}, "steps": [{"subscribe": {"extra": 1}}]},
        {"what": "", "client": {}, "steps": [{"frame": {"type": "x"}, "extra": 1}]},
        {"what": "", "client": {}, "steps": [{"extra": {}}]},
        {"what": "", "client": {}, "steps": [{"connect": {}, "frame": {"type": "x"}}]},
    ],
)
def test_a_key_that_is_not_understood_fails(session: Fields) -> None:
    with pytest.raises(ValueError, match=r"unknown|unpack"):
        run(session)
