"""Where the programs are that the tests run: servers, balancers, a browser, Node.

Only the standard library: `make test` asks before there is an environment.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

SBIN: Final = ("/usr/sbin", "/usr/local/sbin")
"""Where Debian puts servers; an ordinary user's path does not lead there."""

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "chromium": (
        "chromium",
        "chromium-browser",
        "google-chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    )
}
"""What else a program is called, in the order of preference."""

_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")


def find_program(name: str) -> str | None:
    """Return the path of a program, or None where it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SBIN])
    found = (shutil.which(each, path=path) for each in ALIASES.get(name, (name,)))
    return next(filter(None, found), None)


def version_of(program: str) -> str:
    """Return the version that a program says it has, or an empty text."""
    said = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=20, check=False
    )
    return first_version(said.stdout + said.stderr)


def first_version(text: str) -> str:
    """Return the first thing in a text that looks like a version, or an empty text."""
    match = _VERSION.search(text)
    return match[0] if match else ""
