/**
 * What the connection is doing, and what must happen next.
 *
 * `step` is pure: it returns the timers and socket calls it wants as effects, and
 * connection.ts performs them, so every path is testable without a socket or a clock. Every
 * transition is a row of NEXT and nowhere else; a pair without a row changes nothing, since
 * timers and sockets report late.
 */

import { localError, type RealtimeError } from '../protocol/errors.js'
import { backoffMs } from './backoff.js'

/** A shorter connection was a failed try: a gateway that accepts and drops is not asked faster. */
export const STABLE_MS = 10_000
/** As long as the gateway says of its own switch; the page's switch names no time. */
const RECHECK_OFF_MS = 30_000

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
      /** `backoff` may be cut short; `server` was named by the gateway; `opening` is over. */
      readonly wait: 'backoff' | 'server' | 'opening'
    } & Past)
  | { readonly name: 'off'; readonly error: RealtimeError; readonly retryInMs: number }
  | { readonly name: 'closed'; readonly error: RealtimeError | null }

export type ConnectionInput =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'hello'; readonly nowMs: number }
  | {
      readonly type: 'ended'
      readonly error: RealtimeError
      readonly chance: number
      readonly nowMs: number
    }
  | { readonly type: 'drained'; readonly afterMs: number; readonly nowMs: number }
  | { readonly type: 'switchedOff'; readonly error: RealtimeError }
  | { readonly type: 'timerFired' }
  /** The network or the tab came back: a back-off has lost its reason. */
  | { readonly type: 'woken' }

/** A number starts the timer, in place of one that runs, with this delay in ms. */
export type ConnectionEffect = 'openSocket' | 'closeSocket' | 'stopTimer' | 'discardToken' | number

/** The next state, and what must happen now. */
export type Step = readonly [state: ConnectionState, ...effects: ConnectionEffect[]]

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
  connecting: { hello, ended, switchedOff, stop },
  connected: { ended, drained, timerFired: leave, switchedOff, stop },
  reconnecting: { hello, ended, timerFired: reopen, woken, switchedOff, stop },
  off: { start, timerFired: recheck, stop },
  closed: { start },
}

export function step(state: ConnectionState, input: ConnectionInput): Step {
  const row = NEXT[state.name][input.type] as
    | ((state: ConnectionState, input: ConnectionInput) => Step)
    | undefined
  return row ? row(state, input) : [state]
}

function start(): Step {
  return [{ name: 'connecting', failedCount: 0, wasRefused: false }, 'stopTimer', 'openSocket']
}

/** As after a failed try, so that a refused upgrade is asked about at once. */
function recheck(): Step {
  return [{ name: 'connecting', failedCount: 1, wasRefused: false }, 'stopTimer', 'openSocket']
}

function stop(): Step {
  return closed(null)
}

function closed(error: RealtimeError | null): Step {
  return [{ name: 'closed', error }, 'stopTimer', 'closeSocket']
}

function hello({ failedCount }: Attempting, { nowMs: sinceMs }: Typed<'hello'>): Step {
  const past = { failedCount, wasRefused: false }
  return [{ name: 'connected', sinceMs, leaveAtMs: null, ...past }, 'stopTimer']
}

function drained(state: Named<'connected'>, { afterMs, nowMs }: Typed<'drained'>): Step {
  return [{ ...state, leaveAtMs: nowMs + afterMs }, afterMs]
}

function leave(state: Named<'connected'>): Step {
  return opening(state, localError('draining', 'the node drains'), 'closeSocket')
}

function reopen(state: Named<'reconnecting'>): Step {
  return state.wait === 'opening' ? [state] : opening(state, state.error)
}

function woken(state: Named<'reconnecting'>): Step {
  // A wait that the server asked for stands: it knows what it cannot bear.
  return state.wait === 'backoff' ? opening(state, state.error, 'stopTimer') : [state]
}

function opening(
  { failedCount, wasRefused }: Past,
  error: RealtimeError,
  ...first: ConnectionEffect[]
): Step {
  const next = { retryInMs: 0, wait: 'opening', failedCount, wasRefused } as const
  return [{ name: 'reconnecting', error, ...next }, ...first, 'openSocket']
}

function switchedOff(_: ConnectionState, { error }: Typed<'switchedOff'>): Step {
  const retryInMs = error.retryAfterMs ?? RECHECK_OFF_MS
  return [{ name: 'off', error, retryInMs }, 'closeSocket', retryInMs]
}

function ended(
  state: Attempting | Named<'connected'>,
  { error, chance, nowMs }: Typed<'ended'>,
): Step {
  const wasRefused = error.name === 'unauthorized'
  // After one refusal a fresh token is fetched. If that is refused as well, no token will do.
  if (!error.retryable || (wasRefused && state.wasRefused)) return closed(error)
  const live = state.name === 'connected' ? state : null
  const tries = live && nowMs - live.sinceMs >= STABLE_MS ? 0 : state.failedCount
  const leaveAtMs = live?.leaveAtMs
  const askedMs = leaveAtMs ? Math.max(0, leaveAtMs - nowMs) : error.retryAfterMs
  const retryInMs = askedMs ?? backoffMs(tries, chance)
  const wait = askedMs === undefined ? 'backoff' : 'server'
  const past = { failedCount: tries + 1, wasRefused }
  const effects = wasRefused ? (['discardToken'] as const) : []
  return [
    { name: 'reconnecting', error, retryInMs, wait, ...past },
    'closeSocket',
    ...effects,
    retryInMs,
  ]
}
