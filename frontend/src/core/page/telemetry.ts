/**
 * Posts health to the gateway every minute, and once more when the page goes.
 *
 * Counts are what was added since the last report that arrived, so the gateway can sum them. A
 * `fetch` with keepalive rather than sendBeacon: a beacon cannot carry the Authorization header.
 */
import type { HealthMeter } from './health.js'

/** What a dashboard can show; of 10 000 pages it is 170 requests a second. */
const EVERY_MS = 60_000
const COUNTS = ['delivered', 'suppressed', 'reconnects', 'gaps'] as const
/** The most that the gateway takes in one report. */
const MAX_SERVICES = 32

type Counts = readonly number[]
export type Report = Readonly<Record<string, Readonly<Record<string, number | null>>>>

export class Telemetry {
  readonly #reported = new Map<string, Counts>()
  #isUnderWay = false

  constructor(
    private readonly meters: ReadonlyMap<string, HealthMeter>,
    private readonly post: (services: Report, isLast: boolean) => Promise<unknown>,
  ) {}

  start(signal: AbortSignal): void {
    const timer = setInterval(() => this.flush(false), EVERY_MS)
    signal.addEventListener('abort', () => clearInterval(timer))
    window.addEventListener('pagehide', () => this.flush(true), { signal })
  }

  /** Report what is new. What does not arrive is reported the next time. */
  flush(isLast: boolean): void {
    const fresh = [...this.meters]
      .map(([service, meter]) => [service, meter, COUNTS.map((name) => meter[name])] as const)
      .filter(([service, , counts]) => `${counts}` !== `${this.#reported.get(service) ?? NOTHING}`)
      .slice(0, MAX_SERVICES)
    // A second report before the first has arrived would count the same twice.
    if (!fresh.length || this.#isUnderWay) return
    this.#isUnderWay = true
    const report = fresh.map(([service, { p95LatencyMs }, counts]) => {
      const reported = this.#reported.get(service) ?? NOTHING
      const added = COUNTS.map((name, index) => [
        name,
        (counts[index] ?? 0) - (reported[index] ?? 0),
      ])
      return [service, { p95LatencyMs, ...Object.fromEntries(added) }]
    })
    this.post(Object.fromEntries(report), isLast)
      .then(() => {
        for (const [service, , counts] of fresh) this.#reported.set(service, counts)
      })
      .catch(() => {}) // a report that is lost is no failure of the app
      .finally(() => {
        this.#isUnderWay = false
      })
  }
}

const NOTHING: Counts = COUNTS.map(() => 0)
