"""The messages of the bell are written and read as their golden files say."""

from dataclasses import fields
from typing import Any, Final

import pytest

from fanwire.core.bell import BellMessage, TopicMoved, encode_bell, parse_bell
from tests.contract.golden import golden_files

MESSAGES: Final = golden_files("bell")
KNOWN: Final = sorted(name for name, content in MESSAGES.items() if content["means"])
UNREADABLE: Final = "topic_moved_unreadable"


def parts_of(message: BellMessage | None) -> dict[str, Any] | None:
    """Return a message as the files describe it."""
    if message is None:
        return None
    parts: dict[str, Any] = {each.name: getattr(message, each.name) for each in fields(message)}
    if isinstance(message, TopicMoved) and message.position is not None:
        parts["position"] = str(message.position)
    return {"type": type(message).__name__, **parts}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_means_what_its_file_says(name: str) -> None:
    assert parts_of(parse_bell(MESSAGES[name]["message"])) == MESSAGES[name]["means"]


@pytest.mark.parametrize("name", sorted({*KNOWN} - {UNREADABLE}))
def test_a_message_is_written_as_its_file_says(name: str) -> None:
    text = MESSAGES[name]["message"]
    message = parse_bell(text)
    assert message is not None
    assert encode_bell(message) == text


def test_every_kind_of_message_has_a_file() -> None:
    kinds = {content["means"]["type"] for content in MESSAGES.values() if content["means"]}
    assert kinds == {kind.__name__ for kind in BellMessage.__args__}
