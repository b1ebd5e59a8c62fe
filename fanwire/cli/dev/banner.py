"""What `fanwire dev` says when the stack is ready."""

from typing import Final

from fanwire.cli.dev.defaults import SERVICES, USER
from fanwire.cli.dev.plan import DevPlan
from fanwire.cli.dev.stack import Running

_SHOWN_SERVICES: Final = 4
"""What fits beside the rate on a line of 80 columns."""


def banner(plan: DevPlan, running: Running, token: str, page: str) -> list[tuple[str, str, str]]:
    """Return the lines: what it is, its name, more about it; `page` is its URL, or why none."""
    gateways = " ".join(chr(ord("a") + number) for number in range(plan.gateways))
    shared = f"   ({plan.gateways} processes, one port)" if plan.gateways > 1 else ""
    name, _, version = running.redis_version.partition(" ")
    embedded = plan.redis_url is None
    lines = [
        (
            name,
            f"{version} embedded" if embedded else version,
            "unix socket, temporary" if embedded else "",
        ),
        ("fanout", "w1", f"owns {running.partitions}/128 partitions"),
        ("gateway", gateways, f"{running.word.url}{shared}"),
    ]
    if plan.demo:
        services = " ".join(SERVICES[:_SHOWN_SERVICES])
        lines.append(("demo", f"{services} …", f"{plan.demo_per_s:g} events/s"))
    lines.append(("demo page", page, ""))
    lines.append(("token", token, f"org {running.word.org}, user {USER}, 1 h, dev key"))
    return lines


def hints(running: Running) -> list[tuple[str, str]]:
    """Return what to try next."""
    org = running.word.org
    return [
        ("see", "fanwire sub tasks --property p9"),
        ("try", f'fanwire pub {org} tasks \'{{"title":"Fix sink"}}\' --property p9'),
        ("stop", "Ctrl-C"),
    ]
