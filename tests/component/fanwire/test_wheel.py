"""What `pip install fanwire` brings: the package alone, and no more libraries than it uses.

The wheel is built from the checkout and unpacked. Its code runs in processes in which what an
install would not bring cannot be imported.
"""

import subprocess
import sys
from collections.abc import Iterable
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from tests.support.source_tree import CHECKOUT

pytestmark = pytest.mark.slow

LIBRARIES: Final = {"httpx", "orjson", "redis", "websockets"}
"""What every install brings."""

OF_CLI: Final = {"jwt", "rich", "typer"}
"""Modules that the extra `cli` brings."""

WITH_CLI: Final = OF_CLI | {"click", "pydantic"}
"""The same, and what those need."""

OF_SERVERS: Final = {"fastapi", "hiredis", "starlette", "structlog", "uvicorn"}
OF_CHECKOUT: Final = {"demo", "fanout", "gateway", "shared"}

ISOLATED: Final = """
import sys

class NotInstalled:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, *more):
        is_blocked = name.partition(".")[0] in {blocked!r}
        return None if is_blocked else self.finder.find_spec(name, *more)

sys.meta_path[:] = [NotInstalled(finder) for finder in sys.meta_path]
sys.path.insert(0, {site!r})
import fanwire
assert fanwire.__file__.startswith({site!r}), fanwire.__file__
{code}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """A folder of installed packages that has the wheel's alone."""
    folder = wheel.parent / "site"
    with ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def metadata(site: Path) -> Message:
    (file,) = site.glob("*.dist-info/METADATA")
    return Parser().parsestr(file.read_text())


def run(site: Path, code: str, *, without: Iterable[str]) -> subprocess.CompletedProcess[str]:
    script = ISOLATED.format(blocked=set(without), site=str(site), code=code)
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=site.parent,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_it_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = [Path(name) for name in ZipFile(wheel).namelist()]
    (record,) = {name.parts[0] for name in names} - {"fanwire"}
    assert record.endswith(".dist-info")
    sources = {path.relative_to(CHECKOUT) for path in (CHECKOUT / "fanwire").rglob("*.py")}
    package = {name for name in names if name.parts[0] == "fanwire"}
    assert package == sources | {Path("fanwire/py.typed")}


def needs(metadata: Message, extra: str) -> set[str]:
    """Return the names of what an install with this extra brings, or without one."""
    all_needs = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    return {
        need.name for need in all_needs if not need.marker or need.marker.evaluate({"extra": extra})
    }


def test_an_install_brings_what_publisher_and_subscriber_use_and_no_more(
    metadata: Message,
) -> None:
    assert needs(metadata, "") == LIBRARIES


def test_the_command_line_and_the_servers_are_extras(metadata: Message) -> None:
    of_cli = needs(metadata, "cli")
    assert of_cli == LIBRARIES | {"pyjwt", "rich", "typer"}
    assert needs(metadata, "server") > of_cli


def test_a_publisher_needs_redis_and_orjson_alone(site: Path) -> None:
    code = (
        "from fanwire import AsyncPublisher, NewEvent, Publisher; Publisher.from_url('redis://h')"
    )
    blocked = WITH_CLI | OF_SERVERS | OF_CHECKOUT | {"httpx", "websockets"}
    ran = run(site, code, without=blocked)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_subscriber_needs_no_command_line_and_no_servers(site: Path) -> None:
    code = "from fanwire import Subscriber; Subscriber('ws://h', get_token=str)"
    ran = run(site, code, without=WITH_CLI | OF_SERVERS | OF_CHECKOUT)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("missing", sorted(OF_CLI))
def test_without_its_extra_the_command_says_what_to_install(site: Path, missing: str) -> None:
    ran = run(site, "from fanwire.cli import main; main(['errors'])", without={missing})
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert "pip install 'fanwire[cli]'" in line


def test_with_its_extra_every_verb_is_there_without_a_checkout(site: Path) -> None:
    code = """
from fanwire.cli.app import VERBS
from fanwire.cli.lazy_verbs import imported
for verb in VERBS:
    imported(verb)
"""
    ran = run(site, code, without=OF_SERVERS | OF_CHECKOUT)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_stack_of_a_checkout_is_refused_without_one(site: Path) -> None:
    code = "from fanwire.cli import main; main(['dev'])"
    ran = run(site, code, without=OF_SERVERS | OF_CHECKOUT)
    assert ran.returncode == 1
    assert "no_checkout" in ran.stderr
    assert "make dev" in ran.stderr
