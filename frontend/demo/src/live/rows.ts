/**
 * The rows of a service as a value: what was fetched, and the events that came.
 *
 * An event carries all of its entity's state, so the newest one of an entity wins, whichever way
 * it came. Events that arrive while a fetch is under way are put on top of what it brings.
 */
import type { RealtimeEvent } from 'fanwire'
import type { StateEvent } from '../backend.js'

export interface Row<Data> {
  readonly id: string
  readonly type: string
  readonly propertyId: string | null
  readonly ts: number
  /** Any publisher may leave out any field. */
  readonly data: Partial<Data>
  /** Counts the live events of the entity: 0 for a row as it was fetched. */
  readonly revision: number
}

export interface Rows<Data> {
  readonly byId: ReadonlyMap<string, Row<Data>>
  /** What came since the fetch under way was begun; null if none is. */
  readonly since: readonly Row<Data>[] | null
  readonly isLoaded: boolean
}

export type RowsAction<Data> =
  | { readonly type: 'cleared' }
  | { readonly type: 'fetching' }
  | { readonly type: 'fetched'; readonly events: readonly StateEvent<Data>[] }
  | { readonly type: 'arrived'; readonly events: readonly RealtimeEvent<Data>[] }

const MOST_ROWS = 120

export const NO_ROWS: Rows<never> = { byId: new Map(), since: null, isLoaded: false }

export function reduceRows<Data>(rows: Rows<Data>, action: RowsAction<Data>): Rows<Data> {
  switch (action.type) {
    case 'cleared':
      return NO_ROWS
    case 'fetching':
      return { ...rows, since: [] }
    case 'fetched': {
      const byId = merged(new Map(), action.events.map(fetchedRow))
      return { byId: merged(byId, rows.since ?? []), since: null, isLoaded: true }
    }
    case 'arrived': {
      const arrived = action.events.map((event) => arrivedRow(event, rows.byId))
      const since = rows.since && [...rows.since, ...arrived]
      return { ...rows, byId: merged(rows.byId, arrived), since }
    }
  }
}

function merged<Data>(
  byId: ReadonlyMap<string, Row<Data>>,
  newer: readonly Row<Data>[],
): ReadonlyMap<string, Row<Data>> {
  const result = new Map(byId)
  for (const row of newer) {
    const known = result.get(row.id)
    if (known && known.ts > row.ts) continue
    // Deleted first, so that the map's order is the order of change.
    result.delete(row.id)
    result.set(row.id, row)
  }
  for (const id of result.keys()) {
    if (result.size <= MOST_ROWS) break
    result.delete(id)
  }
  return result
}

function fetchedRow<Data>(event: StateEvent<Data>): Row<Data> {
  const { entityId, type, propertyId, ts, data } = event
  return { id: entityId, type: type ?? '', propertyId, ts, data, revision: 0 }
}

function arrivedRow<Data>(
  event: RealtimeEvent<Data>,
  known: ReadonlyMap<string, Row<Data>>,
): Row<Data> {
  const { type = '', propertyId = null, ts, data, position } = event
  const id = event.entityId ?? event.eventId ?? position
  return { id, type, propertyId, ts, data, revision: (known.get(id)?.revision ?? 0) + 1 }
}
