"""The image: what goes into it, as whom it runs, and that a linter finds nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from fanout.settings import FanoutSettings
from gateway.settings import GatewaySettings
from tests.support.dockerfile import (
    DOCKERFILE,
    IGNORE_FILE,
    copied_from_checkout,
    instructions,
    of_stage,
)
from tests.support.source_tree import CHECKOUT, SERVED


def sent_to_the_builder() -> list[str]:
    lines = IGNORE_FILE.read_text().splitlines()
    assert "*" in lines, "what is not named is not sent"
    return [line.removeprefix("!").rstrip("/") for line in lines if line.startswith("!")]


@pytest.mark.slow
def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize("stage", ["page", "build"])
def test_everything_copied_exists_and_is_sent_to_the_builder(stage: str) -> None:
    copied = copied_from_checkout(stage)
    assert copied
    assert [source for source in copied if not (CHECKOUT / source).exists()] == []
    assert {source.split("/")[0] for source in copied} <= set(sent_to_the_builder())


def test_nothing_is_sent_to_the_builder_that_is_not_copied() -> None:
    copied = {
        source.split("/")[0]
        for stage in ("page", "build")
        for source in copied_from_checkout(stage)
    }
    assert copied == set(sent_to_the_builder())


def test_every_package_that_is_served_is_in_the_image() -> None:
    assert {f"{package}/" for package in SERVED} <= set(copied_from_checkout("build"))


def test_the_libraries_are_those_that_were_tested() -> None:
    (install,) = (each for each in of_stage("build", "RUN") if "pip" in each.words)
    assert install.words[install.words.index("--constraint") + 1] == "constraints.txt"
    assert install.words[-1] == ".[server]"


def test_it_runs_as_a_numbered_user_who_is_not_root() -> None:
    # By name, Kubernetes could not tell, and `runAsNonRoot` would refuse the pod.
    (user,) = of_stage("runtime", "USER")
    uid, gid = user.value.split(":")
    assert int(uid) >= 10_000
    assert int(gid) >= 10_000
    assert not [each for each in instructions() if each.name == "USER" and each is not user]


def test_the_ports_are_those_of_the_settings() -> None:
    defaults = {
        GatewaySettings.model_fields["port"].default,
        GatewaySettings.model_fields["internal_port"].default,
        FanoutSettings.model_fields["internal_port"].default,
    }
    (exposed,) = of_stage("runtime", "EXPOSE")
    assert {int(port) for port in exposed.words} == defaults


def test_what_a_build_without_target_makes_is_the_servers_alone() -> None:
    assert instructions()[-1].value == "runtime AS server"
    pages = [each for each in instructions() if "--from=page" in each.value]
    assert [each.stage for each in pages] == ["demo"]
