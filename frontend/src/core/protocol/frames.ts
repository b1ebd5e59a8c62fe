/**
 * The frames of protocol v1, decoded and checked by the shape of each type.
 *
 * The decoder trusts the gateway's shapes but not its version: unknown fields are ignored and an
 * unknown type is undefined, so that a newer gateway can talk to an older client. A field that is
 * missing or of another type is a RealtimeError, never an `undefined` further on.
 */
import { localError } from './errors.js'
import { type Position, parsePosition } from './position.js'

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

/** An event as its batch carries it, which says once for all where they stand. */
export type WireEvent = Omit<RealtimeEvent, 'service' | 'position'>

/** Returns what a field says, undefined if it may not say that. */
type Reader<Value> = (value: unknown) => Value | undefined
type Shape = Readonly<Record<string, Reader<unknown>>>
type Read<S extends Shape> = {
  readonly [Name in keyof S]: Exclude<ReturnType<S[Name]>, undefined>
}

const primitive =
  <Value>(kind: string): Reader<Value> =>
  (value) =>
    typeof value === kind ? (value as Value) : undefined
const text = primitive<string>('string')
const number = primitive<number>('number')
const boolean = primitive<boolean>('boolean')

/** What may be left out is null then. */
const optional =
  <Value>(read: Reader<Value>): Reader<Value | null> =>
  (value) =>
    value == null ? null : read(value)

const listOf =
  <Value>(read: Reader<Value>): Reader<Value[]> =>
  (value) => {
    const rows = Array.isArray(value) ? value.map(read) : [undefined]
    return rows.includes(undefined) ? undefined : (rows as Value[])
  }

const heads: Reader<[string, Position][]> = (value) =>
  typeof value === 'object'
    ? Object.entries(value ?? {}).map(([name, head]) => [name, parsePosition(head)])
    : undefined

/** Fields that the shape does not name are kept as they came. */
const shaped =
  <S extends Shape>(shape: S): Reader<Read<S>> =>
  (fields) => {
    const read = { ...(fields as Read<S>) }
    for (const [name, reader] of Object.entries<Reader<unknown>>(shape)) {
      const value = reader(read[name])
      if (value === undefined) throw wrong(name)
      Object.assign(read, { [name]: value })
    }
    return read
  }

const service = shaped({
  name: text,
  position: optional(parsePosition),
  recovered: optional(boolean),
})
const subscribed = { propertyId: optional(text), services: listOf(service) }

const SHAPES = {
  hello: {
    ...subscribed,
    connectionId: text,
    node: text,
    heartbeatMs: number,
    tokenExpiresAt: number,
  },
  batch: {
    service: text,
    prev: parsePosition,
    position: parsePosition,
    events: listOf(shaped({ seq: number, ts: number }) as Reader<WireEvent>),
  },
  subscriptions: subscribed,
  reset: { service: text, reason: text, position: parsePosition },
  heartbeat: { positions: heads },
  quarantine: { state: text, services: listOf(text) },
  auth: { tokenExpiresAt: number },
  disabled: { services: listOf(text) },
  drain: { reconnectAfterMs: number },
  error: { code: number, name: text, message: text, retryable: boolean, remedy: text },
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

/** Of a frame that is not JSON: enough to recognise a proxy's error page, one line in a log. */
const SHOWN_CHARS = 80

const typed = shaped({ type: text })

/** Return what a text frame says, undefined if it is of a type that is not known here. */
export function decodeServerFrame(received: unknown): ServerFrame | undefined {
  const frame = typed(parsed(received))
  const type = frame?.type as Type
  return Object.hasOwn(SHAPES, type)
    ? (shaped<Shape>(SHAPES[type])(frame) as ServerFrame)
    : undefined
}

function parsed(received: unknown): unknown {
  try {
    return JSON.parse(received as string)
  } catch {
    throw wrong(String(received).slice(0, SHOWN_CHARS))
  }
}

function wrong(what: string) {
  return localError('bad_frame', `${what} is wrong`)
}
