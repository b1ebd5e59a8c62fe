"""Heartbeats are written and read as their golden files say, also across versions."""

from typing import Final

import pytest

from fanwire.core.heartbeats import (
    GatewayHeartbeat,
    Heartbeat,
    WorkerHeartbeat,
    beat_fields,
    decode_beat,
    encode_beat,
)
from tests.contract.golden import golden_files

BEATS: Final = golden_files("heartbeats")
WRITTEN: Final = sorted(name for name, content in BEATS.items() if content["written"])


def decoded(name: str) -> Heartbeat | None:
    """Return what a reader of this version makes of a file."""
    stored = BEATS[name]["stored"].encode()
    if BEATS[name]["node"] == "gateway":
        return decode_beat(GatewayHeartbeat, stored)
    return decode_beat(WorkerHeartbeat, stored)


@pytest.mark.parametrize("name", BEATS)
def test_a_heartbeat_means_what_its_file_says(name: str) -> None:
    beat = decoded(name)
    assert (beat and beat_fields(beat)) == BEATS[name]["means"]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_heartbeat_is_written_as_its_file_says(name: str) -> None:
    beat = decoded(name)
    assert beat is not None
    assert encode_beat(beat).decode() == BEATS[name]["stored"]


def test_both_kinds_of_nodes_write_every_field() -> None:
    for name in ("gateway", "worker"):
        assert None not in BEATS[name]["means"].values()
