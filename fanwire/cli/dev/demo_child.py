"""The demo beside the stack: a process of the checkout, like the servers.

It is an application and no part of fanwire: what it needs to know is on its command line.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fanwire.cli.dev.defaults import ORG
from fanwire.cli.dev.plan import (
    CHECKOUT,
    DevPlan,
    PlannedChild,
    free_port,
    is_free,
    stack_environment,
)

DEMO_USER: Final = "demo-backend"
"""Whose the demo's own socket is; it is not counted among those that an event goes to."""

PAGE_FOLDER: Final = CHECKOUT / "frontend" / "demo" / "dist"
_LAST_PORT: Final = 65_535
"""The largest number that TCP has for a port."""


def why_no_page(folder: Path = PAGE_FOLDER) -> str | None:
    """Return why there is no page to serve, and what to do; None if there is one."""
    if (folder / "index.html").is_file():
        return None
    if shutil.which("npm") is None:
        return "left out: npm, which builds it, is not installed (apt-get install npm)"
    return "left out: it is not built (make demo)"


def port_for_page(stack_port: int) -> int:
    """Return the port behind that of the stack, or a free one if it is taken."""
    preferred = stack_port + 1
    return preferred if preferred <= _LAST_PORT and is_free(preferred) else free_port()


def planned_demo(
    plan: DevPlan, redis_url: str, environment: Mapping[str, str]
) -> list[PlannedChild]:
    """Return the process that publishes and serves the page, unless it is to do neither."""
    if not plan.demo and plan.page_port is None:
        return []
    # Without the demo's events its page is still there, and shows what others publish.
    rate = plan.demo_per_s if plan.demo else 0
    options = ["--gateway", plan.url, "--org", ORG, "--user", DEMO_USER, "--rate", f"{rate:g}"]
    ready_url = None
    if plan.page_port is not None:
        options += ["--page", str(PAGE_FOLDER), "--port", str(plan.page_port)]
        ready_url = f"http://127.0.0.1:{plan.page_port}/dev/token"
    command = (sys.executable, "-m", "demo", *options)
    env = stack_environment(plan, redis_url, environment)
    return [PlannedChild("demo", command, env, ready_url)]
