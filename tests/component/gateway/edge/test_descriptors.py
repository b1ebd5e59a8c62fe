"""A gateway promises no more sockets than it may open."""

import resource

import pytest
from structlog.testing import capture_logs

from fanwire.errors import Overloaded
from gateway.edge.descriptors import SPARE_DESCRIPTORS, fit_descriptors
from shared.settings.loading import SettingsProblem
from tests.component.gateway.edge.test_admission import a_door


def test_B136_what_does_not_fit_is_lowered_with_a_warning_that_says_both() -> None:
    door = a_door(3, max_connections=100)
    with capture_logs() as lines:
        fit_descriptors(door, descriptor_limit=SPARE_DESCRIPTORS + 3)
    [warning] = lines
    assert (warning["log_level"], warning["event"]) == ("warning", "descriptors.few")
    assert (warning["wanted_connections"], warning["lowered_to"]) == (100, 3)
    assert str(SPARE_DESCRIPTORS + 100) in warning["remedy"]
    with pytest.raises(Overloaded, match="its 3 connections"):
        door.check_node()


@pytest.mark.parametrize("limit", [SPARE_DESCRIPTORS + 4, 1_048_576, resource.RLIM_INFINITY])
def test_B136_what_fits_is_left_as_it_is(limit: int) -> None:
    door = a_door(3, max_connections=4)
    with capture_logs() as lines:
        fit_descriptors(door, descriptor_limit=limit)
    assert lines == []
    assert door.max_connections == 4
    door.check_node()


def test_B136_no_room_for_any_socket_is_refused() -> None:
    with pytest.raises(SettingsProblem, match=r"^GATEWAY_MAX_CONNECTIONS .*ulimit -Hn"):
        fit_descriptors(a_door(), descriptor_limit=SPARE_DESCRIPTORS)
