/** How well each service is delivered, measured here: what users see, not what servers hope. */

import type { RealtimeEvent } from './wire.js'

const LATENCIES_KEPT = 128

export interface ServiceHealth {
  /** From Redis taking an event to its handing over; null until one was measured. */
  readonly p95LatencyMs: number | null
  readonly lastEventAtMs: number | null
  readonly delivered: number
  readonly suppressed: number
  readonly reconnects: number
  readonly gaps: number
}

/** The counts of one service; latencies in a ring of the newest. */
export class HealthMeter {
  delivered = 0
  suppressed = 0
  reconnects = 0
  gaps = 0
  readonly #latenciesMs: number[] = []
  #count = 0
  #lastEventAtMs: number | null = null

  /** Count events that were handed over at `nowMs`, measured unless they are a replay. */
  deliver(events: readonly RealtimeEvent[], nowMs: number, isReplay: boolean): void {
    this.delivered += events.length
    if (events.length) this.#lastEventAtMs = nowMs
    if (isReplay) return
    for (const { ts } of events) {
      // A device whose clock is behind the server's would see events before they happened.
      this.#latenciesMs[this.#count++ % LATENCIES_KEPT] = Math.max(0, nowMs - ts)
    }
  }

  read(): ServiceHealth {
    const { delivered, suppressed, reconnects, gaps } = this
    const p95LatencyMs = percentile95(this.#latenciesMs)
    const lastEventAtMs = this.#lastEventAtMs
    return { p95LatencyMs, lastEventAtMs, delivered, suppressed, reconnects, gaps }
  }
}

/** Return the nearest-rank 95th percentile, null of nothing. */
export function percentile95(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null
}
