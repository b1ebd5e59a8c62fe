/** What an app may know of its connection: a plain value, replaced whenever it changes. */
import type { ConnectionState } from '../connection/connectionState.js'
import type { RealtimeError } from '../protocol/errors.js'
import type { Hello } from '../protocol/frames.js'

export type ServiceState = 'subscribing' | 'live' | 'recovering' | 'quarantined' | 'off'

export interface RealtimeStatus {
  /** `off`: the kill switch is on, so poll. `closed`: nothing more is tried. */
  readonly state: ConnectionState['name']
  readonly error: RealtimeError | null
  readonly code: number | null
  readonly reason: string | null
  /** Nothing more will be tried because of `error`. */
  readonly terminal: boolean
  readonly retryInMs: number | null
  readonly connectionId: string | null
  readonly node: string | null
  readonly services: Readonly<Record<string, ServiceState>>
}

export function statusOf(
  state: ConnectionState,
  services: RealtimeStatus['services'],
  hello?: Hello,
): RealtimeStatus {
  const error = 'error' in state ? state.error : null
  const states = Object.values(services)
  // Single services that are off do not end the socket: another page may want others.
  const isAllOff = states.length > 0 && states.every((one) => one === 'off')
  return {
    state: isAllOff && state.name === 'connected' ? 'off' : state.name,
    error,
    code: error?.code ?? null,
    reason: error?.message ?? null,
    terminal: state.name === 'closed' && error !== null,
    retryInMs: 'retryInMs' in state ? state.retryInMs : null,
    connectionId: hello?.connectionId ?? null,
    node: hello?.node ?? null,
    services,
  }
}

export const IDLE = statusOf({ name: 'idle' }, {})
