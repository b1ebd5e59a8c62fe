"""Real payloads: what GitHub's webhooks sent to people who gave it away.

The collection comes from npm (tests/fixtures/package.json, `make integration` fetches it). A
test that needs it is skipped where it is not there: made-up payloads would not do instead.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

COLLECTION: Final = (
    Path(__file__).parents[1]
    / "fixtures/node_modules/@octokit/webhooks-examples/api.github.com/index.json"
)


@dataclass(frozen=True)
class Webhook:
    """One delivery."""

    service: str
    """The webhook's event name."""
    delivery: str
    property_id: str | None
    """The repository, spelled as an id."""
    payload: bytes


def webhooks() -> list[Webhook]:
    """Return the whole collection."""
    if not COLLECTION.exists():
        pytest.skip("real payloads come from npm; `make integration` fetches them where npm is")
    return list(_deliveries(json.loads(COLLECTION.read_bytes())))


def _deliveries(collection: list[dict[str, Any]]) -> Iterator[Webhook]:
    for webhook in collection:
        for number, example in enumerate(webhook["examples"]):
            repository = example.get("repository") or {}
            name = repository.get("full_name")
            yield Webhook(
                service=webhook["name"],
                delivery=f"{webhook['name']}.{number}",
                property_id=None if name is None else re.sub(r"[^A-Za-z0-9._-]", "-", name),
                payload=_as_received(example, number),
            )


def _as_received(example: dict[str, Any], number: int) -> bytes:
    # Receivers see compact and spaced, plain and escaped JSON; so do we.
    separators = (",", ":") if number % 2 else (", ", ": ")
    text = json.dumps(example, ensure_ascii=number % 3 == 0, separators=separators)
    return text.encode()
