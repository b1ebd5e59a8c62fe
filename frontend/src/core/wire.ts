/**
 * The frames of protocol v1, decoded and checked.
 *
 * The decoder trusts the gateway's shapes but not its version: unknown fields are ignored and an
 * unknown type is undefined, so that a newer gateway can talk to an older client. A field that is
 * missing or of another type is a RealtimeError, never an `undefined` further on.
 */
import { badFrame, errorOfFields, type RealtimeError } from './errors.js'
import { formatPosition, type Position, parsePosition } from './position.js'

export interface RealtimeEvent<Data = unknown> {
  readonly service: string
  /** `<epoch>-<seq>`: where the event stands in its service. */
  readonly position: string
  readonly seq: number
  /** When Redis took the event, in ms since 1970. */
  readonly ts: number
  readonly data: Data
  readonly type?: string
  readonly entityType?: string
  readonly entityId?: string
  readonly eventId?: string
  readonly propertyId?: string
}

export interface ServiceRow {
  readonly name: string
  readonly position: Position | undefined
  readonly recovered: boolean | undefined
  readonly replayed: number
}

export interface Hello {
  readonly type: 'hello'
  readonly connectionId: string
  readonly node: string
  readonly propertyId: string | null
  readonly heartbeatMs: number
  readonly tokenExpiresAt: number
  readonly services: readonly ServiceRow[]
}

export interface Batch {
  readonly type: 'batch'
  readonly service: string
  readonly prev: Position
  readonly position: Position
  readonly events: readonly RealtimeEvent[]
}

export interface Subscriptions {
  readonly type: 'subscriptions'
  readonly propertyId: string | null
  readonly services: readonly ServiceRow[]
}

export interface Reset {
  readonly type: 'reset'
  readonly service: string
  readonly reason: string
  readonly position: Position
}

export type ServerFrame =
  | Hello
  | Batch
  | Subscriptions
  | Reset
  | { readonly type: 'heartbeat'; readonly positions: ReadonlyMap<string, Position> }
  | { readonly type: 'quarantine'; readonly entered: boolean; readonly services: string[] }
  | { readonly type: 'auth'; readonly tokenExpiresAt: number }
  | { readonly type: 'disabled'; readonly services: string[]; readonly retryAfterMs?: number }
  | { readonly type: 'drain'; readonly reconnectAfterMs: number }
  | { readonly type: 'error'; readonly error: RealtimeError }

export type ClientFrame =
  | { readonly type: 'auth'; readonly token: string }
  | { readonly type: 'ack'; readonly positions: Readonly<Record<string, string>> }
  | { readonly type: 'visibility'; readonly hidden: boolean }
  | { readonly type: 'ping' }

type Fields = Record<string, unknown>

/** Return what a text frame says, undefined if it is of a type that is not known here. */
export function decodeServerFrame(text: unknown): ServerFrame | undefined {
  const fields = objectIn(text)
  const type = asText(fields, 'type')
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined
  return read?.(fields)
}

const READERS: Readonly<Record<string, ((fields: Fields) => ServerFrame) | undefined>> = {
  hello: (fields) => ({
    type: 'hello',
    connectionId: asText(fields, 'connectionId'),
    node: asText(fields, 'node'),
    propertyId: asTextOrNull(fields, 'propertyId'),
    heartbeatMs: asNumber(fields, 'heartbeatMs'),
    tokenExpiresAt: asNumber(fields, 'tokenExpiresAt'),
    services: asRows(fields, 'services').map(serviceRow),
  }),
  batch: readBatch,
  subscriptions: (fields) => ({
    type: 'subscriptions',
    propertyId: asTextOrNull(fields, 'propertyId'),
    services: asRows(fields, 'services').map(serviceRow),
  }),
  reset: (fields) => ({
    type: 'reset',
    service: asText(fields, 'service'),
    reason: asText(fields, 'reason'),
    position: parsePosition(fields.position),
  }),
  heartbeat: (fields) => {
    const heads = Object.entries(asObject(fields.positions, 'positions'))
    const positions = new Map(heads.map(([name, head]) => [name, parsePosition(head)]))
    return { type: 'heartbeat', positions }
  },
  quarantine: (fields) => ({
    type: 'quarantine',
    entered: asText(fields, 'state') === 'entered',
    services: asNames(fields.services ?? []),
  }),
  auth: (fields) => ({ type: 'auth', tokenExpiresAt: asNumber(fields, 'tokenExpiresAt') }),
  disabled: (fields) => ({
    type: 'disabled',
    services: asNames(fields.services),
    ...(fields.retryAfterMs == null ? {} : { retryAfterMs: asNumber(fields, 'retryAfterMs') }),
  }),
  drain: (fields) => ({ type: 'drain', reconnectAfterMs: asNumber(fields, 'reconnectAfterMs') }),
  error: (fields) => {
    const error = errorOfFields(fields)
    if (!error) throw badFrame('error without code and name')
    return { type: 'error', error }
  },
}

function readBatch(fields: Fields): Batch {
  const service = asText(fields, 'service')
  const position = parsePosition(fields.position)
  const [epoch] = position
  return {
    type: 'batch',
    service,
    prev: parsePosition(fields.prev),
    position,
    events: asRows(fields, 'events').map((row) => ({
      ...(row as Pick<RealtimeEvent, 'data' | 'type'>),
      service,
      position: formatPosition([epoch, asNumber(row, 'seq')]),
      seq: asNumber(row, 'seq'),
      ts: asNumber(row, 'ts'),
    })),
  }
}

function serviceRow(row: Fields): ServiceRow {
  return {
    name: asText(row, 'name'),
    position: row.position === undefined ? undefined : parsePosition(row.position),
    recovered: typeof row.recovered === 'boolean' ? row.recovered : undefined,
    replayed: typeof row.replayed === 'number' ? row.replayed : 0,
  }
}

function objectIn(text: unknown): Fields {
  if (typeof text !== 'string') throw badFrame('not text')
  try {
    return asObject(JSON.parse(text), 'it')
  } catch (cause) {
    throw badFrame(`${text} (${String(cause)})`)
  }
}

function asObject(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badFrame(`${what} is no object`)
  }
  return value as Fields
}

function asRows(fields: Fields, name: string): Fields[] {
  const rows = fields[name]
  if (!Array.isArray(rows)) throw badFrame(`${name} is no list`)
  return rows.map((row) => asObject(row, name))
}

function asNames(value: unknown): string[] {
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string')) {
    throw badFrame('services is no list of names')
  }
  return value
}

function asText(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw badFrame(`${name} is no text`)
  return value
}

function asTextOrNull(fields: Fields, name: string): string | null {
  return fields[name] === null ? null : asText(fields, name)
}

function asNumber(fields: Fields, name: string): number {
  const value = fields[name]
  if (typeof value !== 'number') throw badFrame(`${name} is no number`)
  return value
}
