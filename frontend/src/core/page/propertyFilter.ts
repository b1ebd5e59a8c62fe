/** The property filter of the page, for code that holds no client. */
/** What the filter of the page changes: any client, whether its socket is its own or shared. */
interface Filtered {
  subscribe(change: { readonly propertyId: string | null }): void
}

const started = new Set<Filtered>()
/** Undefined until it was set; from then on also for clients that start later. */
let chosen: string | null | undefined

/** Keep `client` among those that the filter is for, until `signal` is aborted. */
export function enlist(client: Filtered, hasOwnFilter: boolean, signal: AbortSignal): void {
  started.add(client)
  signal.addEventListener('abort', () => started.delete(client))
  if (chosen !== undefined && !hasOwnFilter) client.subscribe({ propertyId: chosen })
}

/** Let only events of this property pass, and events of none; null lets all pass. */
export function setRealtimePropertyFilter(propertyId: string | null): void {
  chosen = propertyId
  for (const client of started) client.subscribe({ propertyId })
}
