/**
 * Events into a TanStack Query cache, which is known here by its shape alone.
 *
 * An event that `update` can apply changes the cached value; every other one, every gap and every
 * new subscription invalidates it, so the query fetches what is true.
 */
import type { RealtimeEvent, ServiceListener } from '../core/index.js'

export interface QueryCacheLike {
  setQueryData(key: readonly unknown[], updater: (cached: never) => unknown): unknown
  invalidateQueries(filters: { readonly queryKey: readonly unknown[] }): unknown
}

export interface CacheRules<Cached, Data> {
  readonly queryKey: readonly unknown[]
  /** Return the new value; undefined if this event cannot be applied. */
  readonly update?: (cached: Cached, event: RealtimeEvent<Data>) => Cached | undefined
}

/** Return the handler for `useRealtimeService` that keeps one query up to date. */
export function applyToQueryCache<Cached, Data = unknown>(
  cache: QueryCacheLike,
  { queryKey, update }: CacheRules<Cached, Data>,
): ServiceListener<Data> {
  const invalidate = () => void cache.invalidateQueries({ queryKey })
  const onEvents = (events: readonly RealtimeEvent<Data>[]) => {
    let isApplied = update !== undefined
    const apply = (cached: Cached | undefined): Cached | undefined => {
      let value = cached
      for (const event of events) value = value && update?.(value, event)
      isApplied &&= value !== undefined
      return value ?? cached
    }
    if (update) cache.setQueryData(queryKey, apply)
    if (!isApplied) invalidate()
  }
  return { onEvents, onGap: invalidate, onLive: invalidate }
}
