/**
 * The frames of protocol v1, decoded and checked by the shape of each type.
 *
 * The decoder trusts the gateway's shapes but not its version: unknown fields are ignored and an
 * unknown type is undefined, so that a newer gateway can talk to an older client. A field that is
 * missing or of another type is a RealtimeError, never an `undefined` further on.
 */
import { errorOfFields, localError, type RealtimeError } from './errors.js'
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

type Fields = Record<string, unknown>
type Check<Value> = (value: unknown, name: string, fields: Fields) => Value
type Shape = Readonly<Record<string, Check<unknown>>>
type Read<S extends Shape> = { readonly [Name in keyof S]: ReturnType<S[Name]> }

const wrong = (name: string) => localError('bad_frame', `${name} is wrong`)

const text: Check<string> = (value, name) => {
  if (typeof value !== 'string') throw wrong(name)
  return value
}
const number: Check<number> = (value, name) => {
  if (typeof value !== 'number') throw wrong(name)
  return value
}
const object: Check<Fields> = (value, name) => {
  if (typeof value !== 'object' || !value || Array.isArray(value)) throw wrong(name)
  return value as Fields
}
const listOf =
  <Value>(check: Check<Value>): Check<Value[]> =>
  (value, name, fields) => {
    if (!Array.isArray(value)) throw wrong(name)
    return value.map((each) => check(each, name, fields))
  }
/** What may be left out, or is not used before it is looked at. */
const anything =
  <Value>(): Check<Value> =>
  (value) =>
    value as Value
const shaped =
  <S extends Shape>(shape: S): Check<Read<S>> =>
  (value, name) => {
    const fields = object(value, name, {})
    const read = Object.entries(shape).map(([key, check]) => [key, check(fields[key], key, fields)])
    return Object.fromEntries(read) as Read<S>
  }

const service = shaped({
  name: text,
  position: (value) => (value === undefined ? value : parsePosition(value)),
  recovered: anything<boolean | undefined>(),
})

const event: Check<RealtimeEvent> = (value, name, batch) => {
  const row = object(value, name, batch)
  const seq = number(row.seq, 'seq', row)
  number(row.ts, 'ts', row)
  const [epoch] = parsePosition(batch.position)
  const position = formatPosition([epoch, seq])
  return { ...(row as unknown as RealtimeEvent), service: batch.service as string, position }
}

const heads: Check<[string, Position][]> = (value, name, fields) =>
  Object.entries(object(value, name, fields)).map(([of, head]) => [of, parsePosition(head)])

const error: Check<RealtimeError> = (_value, name, fields) => {
  const read = errorOfFields(fields)
  if (!read) throw wrong(name)
  return read
}

const SHAPES = {
  hello: {
    connectionId: text,
    node: text,
    propertyId: anything<string | null>(),
    heartbeatMs: number,
    tokenExpiresAt: number,
    services: listOf(service),
  },
  batch: { service: text, prev: parsePosition, position: parsePosition, events: listOf(event) },
  subscriptions: { propertyId: anything<string | null>(), services: listOf(service) },
  reset: { service: text, reason: text, position: parsePosition },
  heartbeat: { positions: heads },
  quarantine: { state: text, services: listOf(text) },
  auth: { tokenExpiresAt: number },
  disabled: { services: listOf(text), retryAfterMs: anything<number | undefined>() },
  drain: { reconnectAfterMs: number },
  error: { error },
} satisfies Record<string, Shape>

type Type = keyof typeof SHAPES
type FrameOf<T extends Type> = T extends Type
  ? { readonly type: T } & Read<(typeof SHAPES)[T]>
  : never

export type ServerFrame = FrameOf<Type>
export type Hello = FrameOf<'hello'>
export type Batch = FrameOf<'batch'>
export type Subscriptions = FrameOf<'subscriptions'>
export type ServiceRow = Hello['services'][number]

export type ClientFrame =
  | { readonly type: 'auth'; readonly token: string }
  | { readonly type: 'ack'; readonly positions: Readonly<Record<string, string>> }
  | { readonly type: 'visibility'; readonly hidden: boolean }
  | { readonly type: 'ping' }

/** Return what a text frame says, undefined if it is of a type that is not known here. */
export function decodeServerFrame(received: unknown): ServerFrame | undefined {
  const fields = object(parsed(received), 'frame', {})
  const type = text(fields.type, 'type', fields) as Type
  if (!Object.hasOwn(SHAPES, type)) return undefined
  return { type, ...shaped<Shape>(SHAPES[type])(fields, type, fields) } as ServerFrame
}

function parsed(received: unknown): unknown {
  try {
    return JSON.parse(received as string)
  } catch {
    throw wrong(String(received).slice(0, 80))
  }
}
