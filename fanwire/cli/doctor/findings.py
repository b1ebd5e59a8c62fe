"""What a check finds, and how long it may take.

Each check runs in a thread of its own and is waited for no longer than its time: a name server that
does not answer blocks where no timeout of a library reaches.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from queue import Empty, Queue
from threading import Thread

from fanwire.cli.output import escaped
from fanwire.errors import RealtimeError


class CheckResult(StrEnum):
    """How a check ended. Advice is for production, and does not fail the command."""

    OK = "ok"
    ADVICE = "advice"
    FAILED = "failed"


MARKS = {
    CheckResult.OK: "[green]✓[/green]",
    CheckResult.ADVICE: "[yellow]![/yellow]",
    CheckResult.FAILED: "[red]✗[/red]",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    what: str
    verdict: CheckResult
    told: str
    fix: str | None = None

    def text(self) -> str:
        """Return it for people."""
        line = f"{MARKS[self.verdict]} {self.what:<12} {escaped(self.told)}"
        return line if self.fix is None else f"{line}\n{'':15}{escaped(self.fix)}"

    def as_dict(self) -> dict[str, object]:
        """Return it for `--json`."""
        return {
            "check": self.what,
            "verdict": self.verdict,
            "told": self.told,
            "fix": self.fix,
        }


def good(what: str, told: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(what, CheckResult.OK, told)


def advice(what: str, told: str, fix: str) -> Finding:
    """Return that something works, and not for ever."""
    return Finding(what, CheckResult.ADVICE, told, fix)


def bad(what: str, told: str, fix: str) -> Finding:
    """Return that something must be mended."""
    return Finding(what, CheckResult.FAILED, told, fix)


def of_error(what: str, error: RealtimeError) -> Finding:
    """Return the finding that an error is."""
    return bad(what, str(error), error.remedy)


Check = Callable[[], Iterable[Finding]]


def within(what: str, check: Check, *, timeout_s: float) -> list[Finding]:
    """Return what a check finds, or that it found nothing in time; it never raises."""
    answers: Queue[list[Finding]] = Queue()

    def run() -> None:
        try:
            answers.put(list(check()))
        except RealtimeError as error:
            answers.put([of_error(what, error)])
        except Exception as failure:  # a check that breaks is a finding, too
            answers.put([bad(what, f"{type(failure).__name__}: {failure}", "Report this.")])

    Thread(target=run, daemon=True).start()
    try:
        return answers.get(timeout=timeout_s)
    except Empty:
        fix = "Check the address, its name server and what is in between."
        return [bad(what, f"no answer within {timeout_s:g} s", fix)]
