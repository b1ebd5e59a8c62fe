"""What a benchmark says in the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fanwire.cli.bench.latencies import QUANTILES, Slo
from fanwire.cli.bench.load import BenchLoad
from fanwire.cli.bench.tally import Tally


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The outcome of one run."""

    load: BenchLoad
    subscribers: int
    published_s: float
    tally: Tally
    slos: Sequence[Slo]

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was lost, doubled or changed, and every bound held."""
        return self.tally.is_clean and all(slo.is_met(self.tally.latencies) for slo in self.slos)

    @property
    def published_mb(self) -> float:
        """The published data in megabytes."""
        expected = self.tally.delivered or 1
        return self.tally.bytes / expected * self.load.count / 1e6

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome for `--json`."""
        tally = self.tally
        counts = {name: value for name, value in tally.as_dict().items() if name != "buckets"}
        return {
            "published": self.load.count,
            "publishedPerS": round(self.load.count / self.published_s, 1),
            "publishedMBPerS": round(self.published_mb / self.published_s, 3),
            "subscribers": self.subscribers,
            "services": len(self.load.services),
            "skipped": self.load.too_big_count,
            **counts,
            "latencyMs": {name: tally.latencies.at(q) for name, q in QUANTILES.items()},
            "slo": {slo.name: slo.is_met(tally.latencies) for slo in self.slos},
            "ok": self.is_good,
        }


def report_text(report: BenchReport) -> str:
    """Return the outcome for people."""
    load, tally = report.load, report.tally
    latencies = "  ".join(f"{name} {tally.latencies.at(q):.1f}" for name, q in QUANTILES.items())
    rates = _rates(report, load.count, report.published_mb)
    heard = _rates(report, tally.delivered, tally.bytes / 1e6)
    services = f"{len(load.services)} services"
    lines = [
        f"published  {load.count} events in {report.published_s:.1f} s  {rates}  {services}",
        f"delivered  {tally.delivered} to {report.subscribers} subscribers  {heard}",
        f"latency    {latencies}  ms, data compared byte for byte",
        f"outcome    {_outcome(tally)}",
    ]
    if load.too_big_count:
        lines.append(f"skipped    {load.too_big_count} lines that exceed what may be published")
    lines += [_slo_line(slo, report) for slo in report.slos]
    return "\n".join(lines)


def _rates(report: BenchReport, count: int, megabytes: float) -> str:
    return f"{count / report.published_s:.0f}/s  {megabytes / report.published_s:.2f} MB/s"


def _outcome(tally: Tally) -> str:
    failures = {
        "lost": tally.lost,
        "duplicates": tally.duplicates,
        "corrupted": tally.corrupted,
        "gaps": tally.gaps,
    }
    told = [f"[{'red' if value else 'green'}]{name} {value}[/]" for name, value in failures.items()]
    told += [f"suppressed {tally.suppressed}", f"reconnects {tally.reconnects}"]
    return "  ".join(told)


def _slo_line(slo: Slo, report: BenchReport) -> str:
    met = slo.is_met(report.tally.latencies)
    mark = "[green]met[/]" if met else "[red]missed[/]"
    return f"slo        {slo.name} ≤ {slo.limit_ms:g} ms: {mark}"
