"""Switches: what is off, and what is only a typing error."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.switches import Switches, all_off, read_switches, switch_name

fields = st.dictionaries(st.text(max_size=20), st.text(max_size=6), max_size=8)


def test_a_service_is_off_by_its_field_alone() -> None:
    switches = read_switches({"disable:guest-checkin": "1", "disable:tasks": "0"}).switches
    assert all_off(switches, ["tasks", "guest-checkin"]) == ["guest-checkin"]


def test_an_emergency_switches_everything_off() -> None:
    switches = read_switches({"emergency": "on"}).switches
    assert switches.is_off("finance")
    assert switches.is_off("a-service-nobody-named")


def test_off_by_any_source_is_off() -> None:
    either = Switches(services=frozenset({"TASKS"})) | Switches(services=frozenset({"USERS"}))
    assert all_off(either, ["tasks", "users", "staff"]) == ["tasks", "users"]
    assert (either | Switches(emergency=True)).is_off("staff")


def test_the_environment_and_the_flags_spell_alike() -> None:
    assert switch_name("guest-checkin") == "GUEST_CHECKIN"


def test_what_is_not_understood_is_named_and_switches_nothing() -> None:
    read = read_switches({"emergncy": "1", "disable:": "1", "disable:a*": "1", "emergency": "?"})
    assert read.not_understood == ("disable:", "disable:a*", "emergency", "emergncy")
    assert read.switches == Switches()


@given(fields)
def test_reading_never_fails(read: dict[str, str]) -> None:
    result = read_switches(read)
    assert set(result.not_understood) <= read.keys()
