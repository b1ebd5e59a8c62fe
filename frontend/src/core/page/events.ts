/**
 * What pages receive: one CustomEvent for each batch, and one for each gap.
 *
 * `<service>-stream-events`, `<service>-stream-gap` and `<service>-stream-live` are dispatched on
 * the window, so that code which knows nothing of this SDK can listen as well.
 */
import { type RealtimeError, typedError } from '../protocol/errors.js'
import type { RealtimeEvent } from '../protocol/frames.js'
import type { Gap } from '../protocol/session.js'

/** What a page does with a service. A gap must be answered by fetching the state again. */
export interface ServiceListener<Data = unknown> {
  readonly onEvents: (events: readonly RealtimeEvent<Data>[]) => void
  readonly onGap: (gap: Gap) => void
  /** Events flow from now on. What was fetched earlier may lack what happened in between. */
  readonly onLive?: (() => void) | undefined
}

export interface StreamEventsDetail<Data = unknown> {
  readonly service: string
  readonly events: readonly RealtimeEvent<Data>[]
}

export type StreamKind = 'events' | 'gap' | 'live'

export const streamEventName = (service: string, kind: StreamKind) => `${service}-stream-${kind}`

/** Attach a listener to a service, and return how to detach it. */
export function listenTo<Data>(
  target: EventTarget,
  service: string,
  { onEvents, onGap, onLive }: ServiceListener<Data>,
  onError: (error: RealtimeError) => void,
): () => void {
  const attached = new AbortController()
  const attach = (kind: StreamKind, act: (detail: never) => void) => {
    const guarded = (event: Event) => {
      try {
        act((event as CustomEvent).detail as never)
      } catch (thrown) {
        // One page's mistake must not keep the event from the others.
        onError(typedError(thrown, 'listener_failed'))
      }
    }
    target.addEventListener(streamEventName(service, kind), guarded, { signal: attached.signal })
  }
  attach('events', ({ events }: StreamEventsDetail<Data>) => onEvents(events))
  attach('gap', onGap)
  attach('live', () => onLive?.())
  return () => attached.abort()
}
