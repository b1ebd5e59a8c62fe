/**
 * Posts health to the gateway every minute, and once more when the page goes.
 *
 * Counts are what was added since the last report that arrived, so the gateway can sum them. A
 * `fetch` with keepalive rather than sendBeacon: a beacon cannot carry the Authorization header.
 */
import type { HealthMeter, ServiceHealth } from './health.js'

const EVERY_MS = 60_000
const COUNTS = ['delivered', 'suppressed', 'reconnects', 'gaps'] as const
/** As many as the gateway takes in one report. */
const MAX_SERVICES = 32

export type ServiceReport = Pick<ServiceHealth, 'p95LatencyMs' | (typeof COUNTS)[number]>
export type Report = Readonly<Record<string, ServiceReport>>

export class Telemetry {
  readonly #told = new Map<string, ServiceHealth>()
  #timer: ReturnType<typeof setInterval> | undefined
  #isUnderWay = false

  constructor(
    private readonly meters: ReadonlyMap<string, HealthMeter>,
    private readonly post: (services: Report, isLast: boolean) => Promise<unknown>,
  ) {}

  start(): void {
    this.#timer ??= setInterval(() => this.flush(false), EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Report what is new. What does not arrive is reported the next time. */
  flush(isLast: boolean): void {
    const rows: [string, ServiceHealth, ServiceReport][] = []
    for (const [service, meter] of this.meters) {
      const now = meter.read()
      const fresh = difference(now, this.#told.get(service))
      if (COUNTS.some((name) => fresh[name])) rows.push([service, now, fresh])
    }
    const sent = rows.slice(0, MAX_SERVICES)
    // A second report before the first has arrived would tell the same twice.
    if (!sent.length || this.#isUnderWay) return
    this.#isUnderWay = true
    const report = Object.fromEntries(sent.map(([service, , fresh]) => [service, fresh]))
    this.post(report, isLast)
      .then(() => {
        for (const [service, now] of sent) this.#told.set(service, now)
      })
      .catch(() => {}) // health that nobody heard of is no failure of the app
      .finally(() => {
        this.#isUnderWay = false
      })
  }
}

function difference(now: ServiceHealth, told: ServiceHealth | undefined): ServiceReport {
  const counts = COUNTS.map((name) => [name, now[name] - (told?.[name] ?? 0)])
  return { p95LatencyMs: now.p95LatencyMs, ...Object.fromEntries(counts) } as ServiceReport
}
