/** How well each service is delivered, measured here: what users see, not what servers hope. */

import type { RealtimeEvent } from '../protocol/frames.js'
import type { Delivery } from './deliveries.js'

/** Six samples lie above the 95th percentile, so one alone does not make it; 1 KB a service. */
const LATENCIES_KEPT = 128

/** The counts of one service; latencies in a ring of the newest. */
export class HealthMeter {
  delivered = 0
  suppressed = 0
  reconnects = 0
  gaps = 0
  lastEventAtMs: number | null = null
  readonly #latenciesMs: number[] = []
  #count = 0

  /** From Redis taking an event to its handing over; null until one was measured. */
  get p95LatencyMs(): number | null {
    return percentile95(this.#latenciesMs)
  }

  /**
   * Count events that were handed over.
   *
   * What is older than the connection is a replay, whose age says nothing about the delivery.
   */
  count(events: readonly RealtimeEvent[], atMs: number, connectedAtMs: number): void {
    this.delivered += events.length
    for (const { ts } of events) {
      this.lastEventAtMs = atMs
      // A device whose clock is behind the server's would see events before they happened.
      if (ts >= connectedAtMs)
        this.#latenciesMs[this.#count++ % LATENCIES_KEPT] = Math.max(0, atMs - ts)
    }
  }
}

/** The meters of a client, one for each service that it ever had. */
export class Health {
  readonly meters = new Map<string, HealthMeter>()

  /** Count a reconnect for the services that it interrupted. */
  countReconnect(services: Iterable<string>): void {
    for (const service of services) this.#meter(service).reconnects++
  }

  countDelivery(delivery: Delivery, atMs: number, connectedAtMs: number): void {
    const meter = this.#meter(delivery.service)
    if (delivery.type === 'gap') meter.gaps++
    if (delivery.type !== 'events') return
    meter.suppressed += delivery.suppressedCount
    meter.count(delivery.events, atMs, connectedAtMs)
  }

  #meter(service: string): HealthMeter {
    const meter = this.meters.get(service) ?? new HealthMeter()
    this.meters.set(service, meter)
    return meter
  }
}

/** Return the nearest-rank 95th percentile, null of nothing. */
function percentile95(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null
}
