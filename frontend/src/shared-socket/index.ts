/** One socket for all tabs of a user: an optional stand-in for `RealtimeClient`. */
import { RealtimeClient } from '../core/client.js'
import type { Realtime, RealtimeOptions } from '../core/realtime.js'
import { SharedClient } from './sharedClient.js'

export interface SharedOptions extends RealtimeOptions {
  /**
   * Who shares: the user's id, at least. Tabs with the same key get the same events, under the
   * token of whichever leads, so two users must never have the same.
   */
  readonly shareKey: string
  readonly services: readonly string[]
}

/** Return a client that shares its socket, or a plain one where the browser cannot. */
export function createSharedClient({ shareKey, ...options }: SharedOptions): Realtime {
  const canShare =
    typeof window !== 'undefined' &&
    typeof BroadcastChannel === 'function' &&
    navigator.locks !== undefined
  return canShare
    ? new SharedClient(options, `fanwire:${options.url}:${shareKey}`)
    : new RealtimeClient(options)
}
