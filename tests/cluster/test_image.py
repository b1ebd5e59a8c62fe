"""What the image holds is enough to run, and runs without writing a byte.

No container engine is needed: the tree is laid out as the Dockerfile does it, and the programs
are started from it. Only a module that was forgotten in the image could come from elsewhere,
since the tests' environment knows the checkout too; so where each came from is looked at.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fanwire.cli.app import VERBS
from tests.support.dockerfile import copied_from_checkout, of_stage
from tests.support.role import inherited_environment
from tests.support.source_tree import CHECKOUT

pytestmark = pytest.mark.slow

PROGRAMS = {
    "gateway": ["gateway.__main__"],
    "fanout": ["fanout.__main__"],
    "fanwire": ["fanwire.cli.app", *(verb.module for verb in VERBS)],
    "demo": ["demo.__main__"],
    "health": ["shared.health"],
}
SHOW_SOURCES = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps([file for file in files if file]))
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's /app, compiled by the Dockerfile's own command."""
    app = tmp_path_factory.mktemp("image") / "app"
    app.mkdir()
    for source in copied_from_checkout("build"):
        origin = CHECKOUT / source
        if origin.is_dir():
            shutil.copytree(origin, app / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, app / source)
    (compiled,) = (each.words for each in of_stage("build", "RUN") if "compileall" in each.words)
    command = [sys.executable, *compiled[1:-2], str(app)]
    subprocess.run(command, check=True)
    return app


def contents(app: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in app.rglob("*")}


def run(app: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=app,
        env=inherited_environment() | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(app)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_module_of_a_program_comes_from_the_image(image: Path, program: str) -> None:
    ran = run(image, "-c", SHOW_SOURCES, *PROGRAMS[program])
    assert ran.returncode == 0, ran.stderr
    environment = Path(sys.prefix).resolve()
    sources = [Path(file).resolve() for file in json.loads(ran.stdout)]
    assert any(source.is_relative_to(image) for source in sources)
    assert [
        str(source)
        for source in sources
        if source.is_relative_to(CHECKOUT) and not source.is_relative_to(environment)
    ] == []


@pytest.mark.parametrize("program", ["gateway", "fanout"])
def test_a_server_starts_from_its_bytecode_and_writes_nothing(image: Path, program: str) -> None:
    before = contents(image)
    assert any(path.endswith(".pyc") for path in before)
    ran = run(image, "-m", program)
    # Without settings it says which one is missing: as far as one gets without a Redis.
    assert ran.returncode == 78, ran.stderr
    assert "REALTIME_REDIS_URL" in ran.stderr
    assert contents(image) == before
