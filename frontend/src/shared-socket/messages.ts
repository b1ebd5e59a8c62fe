/** What tabs say to each other. All of it is plain data, so that it can be cloned. */
import type { DebugState } from '../core/page/debugState.js'
import type { RealtimeStatus } from '../core/page/status.js'
import type { ErrorFields } from '../core/protocol/errors.js'

export interface TabSubscription {
  readonly kind: 'subscribe'
  readonly tab: string
  readonly services: readonly string[]
  readonly propertyId: string | null
  readonly isHidden: boolean
}

/** An event of the leader's client, as it dispatched it; `n` counts so that a loss is noticed. */
export interface Relayed {
  readonly kind: 'relayed'
  readonly leader: string
  readonly n: number
  readonly name: string
  readonly detail: unknown
}

export interface LeaderState {
  readonly kind: 'state'
  readonly status: Omit<RealtimeStatus, 'error'> & { readonly error: ErrorFields | null }
  /** Undefined until the leader knows its own. */
  readonly debug: DebugState | undefined
}

export type Message =
  | TabSubscription
  | Relayed
  | LeaderState
  | { readonly kind: 'newLeader' }
  | { readonly kind: 'left'; readonly tab: string }
