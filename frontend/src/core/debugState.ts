/** `window.__realtimeState()`: what support asks a user to paste. Plain JSON, never a token. */
import type { ErrorFields } from './errors.js'
import type { HealthMeter, ServiceHealth } from './health.js'
import type { RealtimeStatus } from './status.js'

type ByService<Value> = Readonly<Record<string, Value>>

export interface DebugState extends Omit<RealtimeStatus, 'error'> {
  readonly error: ErrorFields | null
  readonly url: string
  readonly propertyId: string | null
  readonly rttMs: number | null
  readonly tokenExpiresAtMs: number | null
  readonly positions: ByService<string>
  readonly quarantine: readonly string[]
  readonly gaps: ByService<number>
  readonly byServiceP95LatencyMs: ByService<number | null>
  readonly byServiceLastEventAt: ByService<number | null>
  readonly byServiceDelivered: ByService<number>
  readonly byServiceSuppressed: ByService<number>
  readonly byServiceReconnects: ByService<number>
}

export function healthByService(meters: ReadonlyMap<string, HealthMeter>) {
  const rows = [...meters].map(([name, meter]) => [name, meter.read()] as const)
  const of = <Field extends keyof ServiceHealth>(field: Field): ByService<ServiceHealth[Field]> =>
    Object.fromEntries(rows.map(([name, health]) => [name, health[field]]))
  return {
    gaps: of('gaps'),
    byServiceP95LatencyMs: of('p95LatencyMs'),
    byServiceLastEventAt: of('lastEventAtMs'),
    byServiceDelivered: of('delivered'),
    byServiceSuppressed: of('suppressed'),
    byServiceReconnects: of('reconnects'),
  }
}

declare global {
  interface Window {
    __realtimeState?: () => DebugState
  }
}

/** Put `read` on the window, and return how to take it away. */
export function exposeDebugState(read: () => DebugState): () => void {
  window.__realtimeState = read
  return () => {
    if (window.__realtimeState === read) delete window.__realtimeState
  }
}
