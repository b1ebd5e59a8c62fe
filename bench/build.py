"""Compiles the load generator and the C write loop, when a source is newer than they are.

They are C because they must outrun what they measure: a Python client that parses frames
is slower than the gateway that writes them, and would measure itself.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from bench.programs import Unmeasurable

HERE: Final = Path(__file__).parent
TARGET: Final = HERE / "build"
FLAGS: Final = ("-std=c11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra")
NO_COMPILER: Final = (
    "the load generator is C, and neither cc nor gcc is on the PATH; "
    "on Debian and Ubuntu: apt-get install gcc libc6-dev"
)
SINK_SOURCES: Final = ("sink.c", "handshake.c", "report.c", "frames.c", "options.c")


def sink() -> Path:
    """Return the path of the load generator.

    Raises:
        Unmeasurable: If it must be compiled and cannot be.
    """
    return _compiled("sink", SINK_SOURCES)


def write_loop() -> Path:
    """Return the path of the C write loop.

    Raises:
        Unmeasurable: If it must be compiled and cannot be.
    """
    return _compiled("write_loop", ("write_loop.c",))


def _compiled(name: str, sources: tuple[str, ...]) -> Path:
    target = TARGET / name
    inputs = [*HERE.glob("*.[ch]"), Path(__file__)]
    if target.exists() and target.stat().st_mtime > max(p.stat().st_mtime for p in inputs):
        return target
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Unmeasurable(NO_COMPILER)
    TARGET.mkdir(exist_ok=True)
    paths = [str(HERE / source) for source in sources]
    done = subprocess.run([compiler, *FLAGS, "-o", str(target), *paths], check=False)
    if done.returncode:
        raise Unmeasurable(f"{compiler} could not compile {name}; see above")
    return target
