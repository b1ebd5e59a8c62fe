/** What components use. Each must stand below a `<RealtimeProvider>`. */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { IDLE, type RealtimeStatus, type ServiceListener } from '../core/index.js'
import { useLatest, useRealtime } from './RealtimeProvider.js'

/** A deploy moves a client in less; a banner for that would only worry. */
const CONNECTION_LOST_MS = 5_000

/**
 * Attach `handler` to a service while the component is mounted and `enabled`.
 *
 * It may be a new object at each render. Its `onGap` is not optional: after a gap the state that
 * the page shows may be wrong until it is fetched again.
 */
export function useRealtimeService<Data = unknown>(
  service: string,
  handler: ServiceListener<Data>,
  enabled = true,
): void {
  const client = useRealtime()
  const latest = useLatest(handler)
  useEffect(() => {
    if (!enabled) return
    return client.listen<Data>(service, {
      onEvents: (events) => latest.current.onEvents(events),
      onGap: (gap) => latest.current.onGap(gap),
      onLive: () => latest.current.onLive?.(),
    })
  }, [client, latest, service, enabled])
}

/** Return the status, and render again when it changes. */
export function useRealtimeStatus(): RealtimeStatus {
  const client = useRealtime()
  const watch = useCallback((callback: () => void) => client.onStatus(callback), [client])
  return useSyncExternalStore(
    watch,
    () => client.status,
    () => IDLE,
  )
}

/** Tell whether there has been no connection for 5 s: shorter ones are not worth a banner. */
export function useConnectionLost(afterMs = CONNECTION_LOST_MS): boolean {
  const { state, terminal } = useRealtimeStatus()
  const isMissing = state === 'connecting' || state === 'reconnecting'
  const [isLost, setIsLost] = useState(false)
  useEffect(() => {
    if (!isMissing) return
    const timer = setTimeout(() => setIsLost(true), afterMs)
    return () => {
      clearTimeout(timer)
      setIsLost(false)
    }
  }, [isMissing, afterMs])
  return isLost || terminal
}
