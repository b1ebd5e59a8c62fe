/** Hands updates to the page. */

import type { Update } from '../protocol/session.js'
import { streamEventName } from './events.js'

/** What a page is told. */
export type Delivery = Exclude<Update, { type: 'resume' }>

/** Return what of `update` is for a page with this filter. */
export function deliveryOf(update: Delivery, filter: string | null): Delivery {
  if (update.type !== 'events' || filter === null) return update
  // Events of another property crossed a filter change; those of none are for everybody.
  const events = update.events.filter(({ propertyId = filter }) => propertyId === filter)
  return { ...update, events }
}

/** Dispatch a delivery, unless nothing is in it. */
export function dispatch(detail: Delivery, target: EventTarget): void {
  if (detail.type === 'events' && !detail.events.length) return
  const name = streamEventName(detail.service, detail.type)
  target.dispatchEvent(new CustomEvent(name, { detail }))
}
