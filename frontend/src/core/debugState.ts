/** `window.__realtimeState()`: what support asks a user to paste. Plain JSON, never a token. */
import type { ErrorFields } from './errors.js'
import type { HealthMeter } from './health.js'
import type { RealtimeStatus } from './status.js'

const FIELDS = {
  gaps: 'gaps',
  byServiceP95LatencyMs: 'p95LatencyMs',
  byServiceLastEventAt: 'lastEventAtMs',
  byServiceDelivered: 'delivered',
  byServiceSuppressed: 'suppressed',
  byServiceReconnects: 'reconnects',
} as const

type ByService<Value> = Readonly<Record<string, Value>>
type HealthByService = {
  readonly [Name in keyof typeof FIELDS]: ByService<HealthMeter[(typeof FIELDS)[Name]]>
}

export interface DebugState extends Omit<RealtimeStatus, 'error'>, HealthByService {
  readonly error: ErrorFields | null
  readonly url: string
  readonly propertyId: string | null
  readonly rttMs: number | null
  readonly tokenExpiresAtMs: number | null
  readonly positions: ByService<string>
  readonly quarantine: readonly string[]
}

export function healthByService(meters: ReadonlyMap<string, HealthMeter>): HealthByService {
  const rows = Object.entries(FIELDS).map(([name, field]) => [
    name,
    Object.fromEntries([...meters].map(([service, meter]) => [service, meter[field]])),
  ])
  return Object.fromEntries(rows) as HealthByService
}

declare global {
  interface Window {
    __realtimeState?: () => DebugState
  }
}

/** Put `read` on the window until `signal` is aborted. */
export function exposeDebugState(read: () => DebugState, signal: AbortSignal): void {
  window.__realtimeState = read
  signal.addEventListener('abort', () => {
    if (window.__realtimeState === read) delete window.__realtimeState
  })
}
