/**
 * What the connection is doing, and what must happen next.
 *
 * `step` is pure: it returns the timers and socket calls it wants as effects, and
 * connection.ts performs them, so every path is testable without a socket or a clock. Every
 * transition is a row of NEXT and nowhere else; a pair without a row changes nothing, since
 * timers and sockets report late.
 */
import { backoffMs } from './backoff.js'
import { localError, type RealtimeError } from './errors.js'

export const STABLE_MS = 10_000
export const RECHECK_OFF_MS = 30_000

/** What outlasts one attempt: attempts are counted until a connection was stable. */
export interface Past {
  readonly failedCount: number
  readonly wasRefused: boolean
}

export type ConnectionState =
  | { readonly name: 'idle' }
  | ({ readonly name: 'connecting' } & Past)
  | ({
      readonly name: 'connected'
      readonly sinceMs: number
      readonly leaveAtMs: number | null
    } & Past)
  | ({
      readonly name: 'reconnecting'
      readonly error: RealtimeError
      readonly retryInMs: number
      /** `ours` may be cut short; `asked` was named by the server; `opening` is over. */
      readonly wait: 'ours' | 'asked' | 'opening'
    } & Past)
  | { readonly name: 'off'; readonly error: RealtimeError; readonly retryInMs: number }
  | { readonly name: 'closed'; readonly error: RealtimeError | null }

export type ConnectionInput =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'greeted'; readonly nowMs: number }
  | {
      readonly type: 'ended'
      readonly error: RealtimeError
      readonly chance: number
      readonly nowMs: number
    }
  | { readonly type: 'drained'; readonly afterMs: number; readonly nowMs: number }
  | { readonly type: 'switchedOff'; readonly error: RealtimeError }
  | { readonly type: 'timerFired' }
  /** The network or the tab came back: a wait of our own has lost its reason. */
  | { readonly type: 'woken' }

/** A number starts the timer, in place of one that runs, with this delay in ms. */
export type ConnectionEffect = 'openSocket' | 'closeSocket' | 'stopTimer' | 'discardToken' | number

export interface Step {
  readonly state: ConnectionState
  readonly effects: readonly ConnectionEffect[]
}

type Named<Name extends ConnectionState['name']> = Extract<ConnectionState, { name: Name }>
type Attempting = Named<'connecting' | 'reconnecting'>
type Typed<Type> = Extract<ConnectionInput, { type: Type }>
type Table = {
  readonly [Name in ConnectionState['name']]: {
    readonly [Type in ConnectionInput['type']]?: (state: Named<Name>, input: Typed<Type>) => Step
  }
}

const NEXT: Table = {
  idle: { start, stop, switchedOff },
  connecting: { greeted, ended, switchedOff, stop },
  connected: { ended, drained, timerFired: leave, switchedOff, stop },
  reconnecting: { greeted, ended, timerFired: reopen, woken, switchedOff, stop },
  off: { start, timerFired: start, stop },
  closed: { start },
}

export function step(state: ConnectionState, input: ConnectionInput): Step {
  const row = NEXT[state.name][input.type] as
    | ((state: ConnectionState, input: ConnectionInput) => Step)
    | undefined
  return row ? row(state, input) : { state, effects: [] }
}

function start(): Step {
  const state: ConnectionState = { name: 'connecting', failedCount: 0, wasRefused: false }
  return { state, effects: ['stopTimer', 'openSocket'] }
}

function stop(): Step {
  return { state: { name: 'closed', error: null }, effects: ['stopTimer', 'closeSocket'] }
}

function greeted({ failedCount }: Attempting, { nowMs }: Typed<'greeted'>): Step {
  return {
    state: { name: 'connected', sinceMs: nowMs, leaveAtMs: null, failedCount, wasRefused: false },
    effects: ['stopTimer'],
  }
}

function drained(state: Named<'connected'>, { afterMs, nowMs }: Typed<'drained'>): Step {
  return { state: { ...state, leaveAtMs: nowMs + afterMs }, effects: [afterMs] }
}

function leave(state: Named<'connected'>): Step {
  return opening(state, localError('draining', 'the node is draining'), ['closeSocket'])
}

function reopen(state: Named<'reconnecting'>): Step {
  return state.wait === 'opening' ? stay(state) : opening(state, state.error, [])
}

function woken(state: Named<'reconnecting'>): Step {
  // A wait that the server asked for stands: it knows what it cannot bear.
  return state.wait === 'ours' ? opening(state, state.error, ['stopTimer']) : stay(state)
}

function opening(past: Past, error: RealtimeError, first: readonly ConnectionEffect[]): Step {
  const { failedCount, wasRefused } = past
  return {
    state: { name: 'reconnecting', error, retryInMs: 0, wait: 'opening', failedCount, wasRefused },
    effects: [...first, 'openSocket'],
  }
}

function switchedOff(_: ConnectionState, { error }: Typed<'switchedOff'>): Step {
  const retryInMs = error.retryAfterMs ?? RECHECK_OFF_MS
  return { state: { name: 'off', error, retryInMs }, effects: ['closeSocket', retryInMs] }
}

function ended(
  state: Attempting | Named<'connected'>,
  { error, chance, nowMs }: Typed<'ended'>,
): Step {
  const isRefused = error.name === 'unauthorized'
  // One refusal asks for a fresh token; the fresh one refused as well says that nobody will be
  // let in.
  if (!error.retryable || (isRefused && state.wasRefused)) {
    return { state: { name: 'closed', error }, effects: ['stopTimer', 'closeSocket'] }
  }
  const isLive = state.name === 'connected'
  const attempt = isLive && nowMs - state.sinceMs >= STABLE_MS ? 0 : state.failedCount
  const leaveAtMs = isLive ? state.leaveAtMs : null
  const askedMs = leaveAtMs === null ? error.retryAfterMs : Math.max(0, leaveAtMs - nowMs)
  const retryInMs = askedMs ?? backoffMs(attempt, chance)
  return {
    state: {
      name: 'reconnecting',
      error,
      retryInMs,
      wait: askedMs === undefined ? 'ours' : 'asked',
      failedCount: attempt + 1,
      wasRefused: isRefused,
    },
    effects: isRefused ? ['closeSocket', 'discardToken', retryInMs] : ['closeSocket', retryInMs],
  }
}

function stay(state: ConnectionState): Step {
  return { state, effects: [] }
}
