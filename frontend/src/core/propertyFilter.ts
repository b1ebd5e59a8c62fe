/** The property filter of the page, for code that holds no client. */
import type { Realtime } from './realtime.js'

const started = new Set<Realtime>()

/** Keep `client` among those that the filter is for, until `signal` is aborted. */
export function enlist(client: Realtime, signal: AbortSignal): void {
  started.add(client)
  signal.addEventListener('abort', () => started.delete(client))
}

/** Let only events of this property pass, and events of none; null lets all pass. */
export function setRealtimePropertyFilter(propertyId: string | null): void {
  for (const client of started) client.subscribe({ propertyId })
}
