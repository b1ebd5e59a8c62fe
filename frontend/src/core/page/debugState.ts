/** `window.__realtimeState()`: what support asks a user to paste. Plain JSON, never a token. */
import type { ErrorFields } from '../protocol/errors.js'
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

/** What a client shows of its inside. */
export interface Inside {
  readonly status: RealtimeStatus
  readonly url: string
  readonly propertyId: string | null
  readonly rttMs: number | null
  readonly tokenExpiresAtMs: number | null
  readonly positions: ByService<string>
  readonly meters: ReadonlyMap<string, HealthMeter>
}

export interface DebugState
  extends Omit<RealtimeStatus, 'error'>,
    Omit<Inside, 'status' | 'meters'>,
    HealthByService {
  readonly error: ErrorFields | null
  readonly quarantine: readonly string[]
}

export function debugStateOf({ status, meters, ...rest }: Inside): DebugState {
  const { error, services } = status
  const health = Object.entries(FIELDS).map(([name, field]) => [
    name,
    Object.fromEntries([...meters].map(([service, meter]) => [service, meter[field]])),
  ])
  return {
    ...status,
    error: error?.toJSON() ?? null,
    ...rest,
    quarantine: Object.keys(services).filter((name) => services[name] === 'quarantined'),
    ...(Object.fromEntries(health) as HealthByService),
  }
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
