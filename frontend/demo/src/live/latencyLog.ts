/** How long events took from Redis to this page, for the chart; the newest few hundred. */
import type { RealtimeEvent } from 'fanwire'

export interface Latency {
  readonly atMs: number
  readonly service: string
  readonly ms: number
}

const KEPT = 600
const log: Latency[] = []

export function noteLatency(service: string, events: readonly RealtimeEvent[]): void {
  const atMs = Date.now()
  for (const { ts } of events) log.push({ atMs, service, ms: Math.max(0, atMs - ts) })
  log.splice(0, log.length - KEPT)
}

export function latenciesSince(ms: number): readonly Latency[] {
  return log.filter(({ atMs }) => atMs >= ms)
}
