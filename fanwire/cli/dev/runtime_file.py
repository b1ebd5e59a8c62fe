"""Where a running `fanwire dev` leaves word of itself, for `pub`, `sub` and the others.

A file in a folder of the user alone, since it holds the development secret. It is written
when the stack is ready and removed when it ends; one whose process is gone counts as absent.
"""

import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_FILE: Final = "dev.json"


@dataclass(frozen=True, slots=True)
class DevStack:
    """How to reach a running development stack, and how to make tokens for it."""

    pid: int
    redis_url: str
    url: str
    org: str
    secret: str
    issuer: str
    audience: str
    key_prefix: str = ""


def runtime_folder() -> Path:
    """Return the folder for what lives as long as a session, made if need be.

    Raises:
        PermissionError: If somebody else owns the folder or may read it.
    """
    session = os.environ.get("XDG_RUNTIME_DIR")
    parent, name = (
        (Path(session), "fanwire")
        if session and os.access(session, os.W_OK)
        else (Path(tempfile.gettempdir()), f"fanwire-{os.getuid()}")
    )
    folder = parent / name
    folder.mkdir(mode=0o700, exist_ok=True)
    # In a shared temporary folder somebody else may have been first.
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise PermissionError(f"{folder} must be a folder of yours that only you can read")
    return folder


def announce(stack: DevStack) -> None:
    """Leave word of a running stack."""
    path = runtime_folder() / _FILE
    draft = path.with_suffix(f".{stack.pid}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(stack)))
    draft.replace(path)


def withdraw(pid: int) -> None:
    """Take the word back, unless another stack has left its own since."""
    stack = _read()
    if stack is not None and stack.pid == pid:
        (runtime_folder() / _FILE).unlink(missing_ok=True)


def running_stack() -> DevStack | None:
    """Return the stack that is running, if one is."""
    stack = _read()
    return stack if stack is not None and _is_alive(stack.pid) else None


def _read() -> DevStack | None:
    try:
        return DevStack(**json.loads((runtime_folder() / _FILE).read_text()))
    except (OSError, ValueError, TypeError):
        # Absent, half-written or of another version: none that could be used.
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
