"""What `make test` installs, and what it says where it may not."""

from dataclasses import replace

import pytest

from tests.runner.needs import (
    NEEDS,
    CannotRun,
    Install,
    Machine,
    Ready,
    is_node_old,
    missing_needs,
    typed_command,
    verdict,
)

ALL = frozenset(need.program for need in NEEDS)
BARE = Machine("debian", frozenset({"npm", "ensurepip"}), node_major=20, is_root=True)
WITH_SUDO = replace(BARE, is_root=False, has_sudo=True)
ORDINARY = replace(BARE, is_root=False)


def installed_by(machine: Machine) -> list[str]:
    found = verdict(machine)
    assert isinstance(found, Install)
    return [" ".join(command) for command in found.commands]


def refused_to(machine: Machine) -> str:
    found = verdict(machine)
    assert isinstance(found, CannotRun)
    return found.saying


def test_a_machine_with_everything_is_ready() -> None:
    assert verdict(Machine("other", ALL, node_major=22)) == Ready()


def test_what_is_there_is_not_missing() -> None:
    machine = replace(BARE, found=ALL - {"nginx", "promtool"})
    assert [need.program for need in missing_needs(machine)] == ["nginx", "promtool"]


def test_root_on_debian_gets_what_is_missing_and_no_server_is_started() -> None:
    update, install = installed_by(BARE)
    assert update == "apt-get update -qq"
    assert install == (
        "env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install"
        " -y -qq --no-install-recommends redis-server haproxy nginx prometheus chromium"
    )


def test_it_says_in_one_line_what_it_installs_and_why() -> None:
    found = verdict(replace(BARE, found=ALL - {"redis-server", "promtool"}))
    assert isinstance(found, Install)
    assert found.saying == (
        "installing what the tests need: redis-server (Redis 7 beside Valkey),"
        " prometheus (tries the alerts)"
    )


def test_systemd_is_told_not_to_start_the_servers_now_or_later() -> None:
    machine = replace(BARE, found=ALL - {"nginx", "chromium"}, has_systemd=True)
    assert [command for command in installed_by(machine) if "systemctl" in command] == [
        "systemctl --quiet --runtime mask nginx.service",
        "systemctl --quiet --runtime unmask nginx.service",
        "systemctl --quiet disable nginx.service",
    ]


def test_a_user_whom_sudo_asks_nothing_installs_through_it() -> None:
    assert all(command.startswith("sudo -n ") for command in installed_by(WITH_SUDO))


def test_an_ordinary_user_is_given_one_command_and_the_way_without_it() -> None:
    saying = refused_to(ORDINARY)
    assert (
        "  sudo RUNLEVEL=1 apt-get install --no-install-recommends"
        " redis-server haproxy nginx prometheus chromium\n" in saying
    )
    assert "make test-here" in saying


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.program)
def test_each_missing_program_is_named_with_its_reason(need: object) -> None:
    (missing,) = (each for each in NEEDS if each is need)
    saying = refused_to(replace(ORDINARY, found=ALL - {missing.program}))
    assert missing.program in saying
    assert missing.why in saying


def test_a_mac_is_told_what_homebrew_has() -> None:
    machine = replace(ORDINARY, system="macos")
    assert (
        "  brew install redis haproxy nginx prometheus && brew install --cask google-chrome\n"
        in refused_to(machine)
    )


def test_a_mac_without_a_browser_alone_is_told_of_the_cask_alone() -> None:
    machine = replace(ORDINARY, system="macos", found=ALL - {"chromium"})
    assert "  brew install --cask google-chrome\n" in refused_to(machine)


def test_root_on_an_unknown_system_is_told_the_programs() -> None:
    machine = replace(BARE, system="other")
    assert "install redis-server, haproxy, nginx, promtool, chromium" in refused_to(machine)


def test_ubuntu_has_its_own_name_for_the_browser() -> None:
    machine = replace(BARE, system="ubuntu")
    assert typed_command(missing_needs(machine), machine).endswith(" chromium-browser")
    assert installed_by(machine)[1].endswith(" chromium-browser")


def test_an_old_node_ends_it_before_anything_is_installed() -> None:
    machine = replace(BARE, node_major=18)
    assert is_node_old(machine)
    assert "needs Node 20 or later, and node is 18" in refused_to(machine)


def test_without_node_its_package_is_installed() -> None:
    machine = replace(BARE, found=BARE.found - {"npm"}, node_major=None)
    assert installed_by(machine)[1].endswith(" npm")
