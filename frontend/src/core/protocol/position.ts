/**
 * Where a reader stands in a service's log: the pair (epoch, seq), written `<epoch>-<seq>`.
 *
 * Compared as a pair: in a new epoch seq starts at 1 again, so the seq alone says nothing.
 */
import { localError } from './errors.js'

export type Position = readonly [epoch: number, seq: number]

export const ZERO: Position = [0, 0]

/** 16 digits hold 2^53; a longer number is refused before it is rounded. */
const FORM = /^(0|[1-9]\d{0,15})-(0|[1-9]\d{0,15})$/

/** Return the position that `text` spells; throws RealtimeError if it spells none. */
export function parsePosition(text: unknown): Position {
  const found = typeof text === 'string' ? FORM.exec(text) : null
  const position: Position = [Number(found?.[1]), Number(found?.[2])]
  // Beyond 2^53 two positions could look equal, and a batch in between would be dropped.
  if (!position.every(Number.isSafeInteger)) {
    throw localError('bad_frame', `${text} is no position`)
  }
  return position
}

export function formatPosition([epoch, seq]: Position): string {
  return `${epoch}-${seq}`
}

/** Tell whether `one` lies behind `other` in the log. */
export function isAfter(one: Position, other: Position): boolean {
  return one[0] > other[0] || (one[0] === other[0] && one[1] > other[1])
}

export function later(one: Position, other: Position): Position {
  return isAfter(other, one) ? other : one
}
