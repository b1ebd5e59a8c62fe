"""Compiles the load generator and the C write loop, when a source is newer than they are.

They are C because they must outrun what they measure: a Python client that parses frames
is slower than the gateway that writes them, and would measure itself.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TARGET: Final = HERE / "build"
FLAGS: Final = ("-std=c11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror")
SINK_SOURCES: Final = ("sink.c", "handshake.c", "report.c", "frames.c", "options.c")


class NoCompiler(Exception):
    """The machine has no C compiler."""

    def __init__(self) -> None:
        super().__init__(
            "the benchmark's load generator is C, and neither cc nor gcc is on the PATH; "
            "on Debian and Ubuntu: apt-get install gcc libc6-dev"
        )


def sink() -> Path:
    """Return the path of the load generator.

    Raises:
        NoCompiler: If it must be compiled and cannot be.
    """
    return _compiled("sink", SINK_SOURCES)


def write_loop() -> Path:
    """Return the path of the C write loop.

    Raises:
        NoCompiler: If it must be compiled and cannot be.
    """
    return _compiled("write_loop", ("write_loop.c",))


def _compiled(name: str, sources: tuple[str, ...]) -> Path:
    target = TARGET / name
    inputs = [*HERE.glob("*.[ch]"), Path(__file__)]
    if target.exists() and target.stat().st_mtime > max(p.stat().st_mtime for p in inputs):
        return target
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompiler
    TARGET.mkdir(exist_ok=True)
    subprocess.run(
        [compiler, *FLAGS, "-o", str(target), *(str(HERE / source) for source in sources)],
        check=True,
    )
    return target
