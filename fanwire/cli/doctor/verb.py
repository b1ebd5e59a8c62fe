"""The order of the checks, and which of them make others pointless."""

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Final

import redis
import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.doctor.cluster import cluster_findings
from fanwire.cli.doctor.dead_letters import dead_letter_findings
from fanwire.cli.doctor.findings import Check, CheckResult, Finding, good, of_error, within
from fanwire.cli.doctor.redis_rules import keyspace_finding, server_findings, skew_finding
from fanwire.cli.doctor.way_in import WayIn, http_findings, token_findings, upgrade_findings
from fanwire.cli.exit_codes import Exit
from fanwire.cli.inspect.nodes import server_ms
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.redis_calls import redis_client
from fanwire.core.clock import now_ms, wall_ms
from fanwire.core.keys import Keys
from fanwire.errors import RealtimeError
from fanwire.redis.errors import as_realtime_error
from fanwire.subscribe.addresses import parse_gateway

CHECK_S: Final = 3.0
"""No single answer is waited for longer: the whole must not hang."""


def doctor(
    ctx: typer.Context,
    *,
    token: Annotated[str | None, typer.Option(help="By default FANWIRE_TOKEN or dev's.")] = None,
) -> None:
    """Check Redis, workers, gateways and the way in, and say how to mend what is wrong.

    ✓ is good, ! is advice for production, ✗ must be mended and makes the exit code 1.

    Example:

        fanwire doctor --redis redis://10.0.0.5 --url wss://realtime.example.com --token "$TOKEN"
    """
    context = context_of(ctx)
    verdicts = [_shown(context, finding) for finding in _Examination(context, token).findings()]
    failed_count = verdicts.count(CheckResult.FAILED)
    if not context.output.json:
        advice_count = verdicts.count(CheckResult.ADVICE)
        context.output.note(f"{failed_count} to mend, {advice_count} to consider")
    if failed_count:
        raise SystemExit(Exit.FAILED)


def _shown(context: Context, finding: Finding) -> CheckResult:
    context.output.result(finding.as_dict(), finding.text())
    return finding.verdict


class _Examination:
    """One run over all that can be examined."""

    def __init__(self, context: Context, token: str | None) -> None:
        self._context = context
        self._given_token = token
        self._timeout_s = min(context.timeout_s, CHECK_S)
        self._redis_url: str | None = None
        """Only where a server answers."""

    def findings(self) -> Iterator[Finding]:
        """Yield each finding when it is there."""
        yield from self._redis()
        yield from self._way_in()

    def _redis(self) -> Iterator[Finding]:
        try:
            url = self._context.redis()
        except RealtimeError as error:
            yield of_error("redis", error)
            return
        reached = self._within("redis", self._asking(url, _reach))
        yield from reached
        if any(finding.verdict is CheckResult.FAILED for finding in reached):
            return
        self._redis_url = url
        keys = Keys(self._context.key_prefix())
        yield from self._within("redis", self._asking(url, _server))
        yield from self._within("cluster", self._asking(url, lambda c: cluster_findings(c, keys)))
        dead_letters = self._asking(url, lambda c: dead_letter_findings(c, keys))
        yield from self._within("dead letters", dead_letters)

    def _way_in(self) -> Iterator[Finding]:
        try:
            gateway = parse_gateway(self._context.gateway())
            token = self._context.token(self._given_token)
        except (RealtimeError, ValueError) as error:
            wrong = error if isinstance(error, RealtimeError) else UsageMistake(f"the URL: {error}")
            yield of_error("gateway", wrong)
            return
        # A little less than the check may take, so that the more telling error comes first.
        way = WayIn(gateway, token, self._timeout_s * 0.9)
        yield from self._within("token", lambda: token_findings(way))
        reached = self._within("http", lambda: http_findings(way))
        yield from reached
        if any(finding.verdict is CheckResult.FAILED for finding in reached):
            return
        prefix = self._context.key_prefix()
        yield from within(
            "upgrade",
            lambda: upgrade_findings(way, redis_url=self._redis_url, prefix=prefix),
            timeout_s=3 * self._timeout_s,
        )

    def _within(self, what: str, check: Check) -> list[Finding]:
        return within(what, check, timeout_s=self._timeout_s)

    def _asking(self, url: str, question: Callable[[Any], Iterable[Finding]]) -> Check:
        def ask() -> Iterable[Finding]:
            client = redis_client(url, timeout_s=self._timeout_s * 0.9)
            try:
                return list(question(client))
            except redis.RedisError as failure:
                raise as_realtime_error(failure) from failure
            finally:
                client.close()

        return ask


def _reach(client: Any) -> Iterator[Finding]:
    start_ms = now_ms()
    client.ping()
    yield good("redis", f"answers in {now_ms() - start_ms:.1f} ms")


def _server(client: Any) -> Iterator[Finding]:
    yield from server_findings(client.info())
    try:
        flags = client.config_get("notify-keyspace-events")["notify-keyspace-events"]
    except (redis.ResponseError, KeyError):
        flags = None
    yield keyspace_finding(flags)
    start_ms = now_ms()
    redis_ms = server_ms(client)
    round_trip_ms = now_ms() - start_ms
    skew_ms = wall_ms() - round_trip_ms / 2 - redis_ms
    yield skew_finding(skew_ms, round_trip_ms=round_trip_ms)
