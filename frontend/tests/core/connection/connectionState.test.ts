import { describe, expect, test } from 'vitest'
import { backoffMs } from '../../../src/core/connection/backoff.js'
import {
  type ConnectionInput,
  type ConnectionState,
  STABLE_MS,
  step,
} from '../../../src/core/connection/connectionState.js'
import {
  errorOfClose,
  localError,
  RealtimeError,
  UnauthorizedError,
} from '../../../src/core/protocol/errors.js'

const IDLE: ConnectionState = { name: 'idle' }
const START: ConnectionInput = { type: 'start' }
const UNREACHABLE = localError('unreachable', 'gone')
/** An error of the server, which says when to come back. */
const asking = (retryAfterMs: number, name = 'overloaded') =>
  new RealtimeError({ code: 1013, name, message: '', retryable: true, remedy: '', retryAfterMs })
const hello = (nowMs = 0): ConnectionInput => ({ type: 'hello', nowMs })
const ended = (error = UNREACHABLE, nowMs = 0, chance = 1): ConnectionInput => ({
  type: 'ended',
  error,
  nowMs,
  chance,
})

function put(from: ConnectionState, input: ConnectionInput) {
  const [state, ...effects] = step(from, input)
  return { state, effects }
}

/** Put one input after another, and return the last step. */
function after(...inputs: readonly ConnectionInput[]) {
  return inputs.reduce((last, input) => put(last.state, input), put(IDLE, { type: 'woken' }))
}

describe('the way to a connection', () => {
  test('a start opens a socket and a hello makes it connected', () => {
    expect(after(START).effects).toContain('openSocket')
    expect(after(START, hello()).state.name).toBe('connected')
  })

  test('a second start while the first is under way opens nothing', () => {
    expect(after(START, START).effects).toEqual([])
    expect(after(START, hello(), START).effects).toEqual([])
  })

  test('a connection that ends is tried again after a wait', () => {
    const { state, effects } = after(START, hello(), ended())
    expect(state).toMatchObject({ name: 'reconnecting', wait: 'backoff', retryInMs: 250 })
    expect(effects).toContainEqual(250)
    expect(put(state, { type: 'timerFired' }).effects).toEqual(['openSocket'])
  })

  test('the wait doubles from try to try, has any length below its cap, and ends at 20 s', () => {
    const waits = Array.from({ length: 12 }, (_, tries) => {
      const retries = Array.from({ length: tries }, () => [
        ended(),
        { type: 'timerFired' } as ConnectionInput,
      ]).flat()
      const { state } = after(START, ...retries, ended(UNREACHABLE, 0, 0.5))
      return 'retryInMs' in state ? state.retryInMs : null
    })
    expect(waits.slice(0, 3)).toEqual([125, 250, 500])
    expect(waits.at(-1)).toBe(10_000)
  })

  test('after tries without number the longest wait stands', () => {
    expect(backoffMs(5_000, 1)).toBe(20_000)
  })

  test('only a connection that was stable forgets the tries before it', () => {
    const twice: ConnectionInput[] = [START, ended(), { type: 'timerFired' }, hello(0)]
    expect(after(...twice, ended(UNREACHABLE, STABLE_MS - 1)).state).toMatchObject({
      retryInMs: 500,
    })
    expect(after(...twice, ended(UNREACHABLE, STABLE_MS)).state).toMatchObject({ retryInMs: 250 })
  })
})

describe('waits', () => {
  test('the wait that the server asks for wins over the back-off', () => {
    const error = asking(7_000)
    expect(after(START, ended(error)).state).toMatchObject({ retryInMs: 7_000, wait: 'server' })
  })

  test('a wait of our own ends when the network or the tab comes back', () => {
    expect(after(START, ended(), { type: 'woken' }).effects).toEqual(['stopTimer', 'openSocket'])
  })

  test('a wait that the server asked for does not', () => {
    const error = asking(7_000)
    expect(after(START, ended(error), { type: 'woken' }).effects).toEqual([])
  })

  test('a drain leaves the socket open until its time', () => {
    const { state, effects } = after(START, hello(), { type: 'drained', afterMs: 900, nowMs: 50 })
    expect(state).toMatchObject({ name: 'connected', leaveAtMs: 950 })
    expect(effects).toEqual([900])
    expect(put(state, { type: 'timerFired' }).effects).toEqual(['closeSocket', 'openSocket'])
  })

  test('a drained socket that is closed earlier waits for what is left', () => {
    const drained: ConnectionInput = { type: 'drained', afterMs: 900, nowMs: 50 }
    const { state } = after(START, hello(), drained, ended(errorOfClose(1012, ''), 350))
    expect(state).toMatchObject({ name: 'reconnecting', retryInMs: 600, wait: 'server' })
  })
})

describe('ends', () => {
  test.each([4400, 4403, 4413])('%i is final', (code) => {
    const { state, effects } = after(START, hello(), ended(errorOfClose(code, '')))
    expect(state).toMatchObject({ name: 'closed', error: { code } })
    expect(effects).toEqual(['stopTimer', 'closeSocket'])
  })

  test.each([1006, 1012, 1013, 4410, 4429])('%i is tried again', (code) => {
    expect(after(START, hello(), ended(errorOfClose(code, ''))).state.name).toBe('reconnecting')
  })

  test('a refused token is discarded, and a fresh one that is refused as well is final', () => {
    const refused = ended(errorOfClose(4401, ''))
    const once = after(START, refused)
    expect(once.effects).toContain('discardToken')
    const again = after(START, refused, { type: 'timerFired' }, refused)
    expect(again.state).toMatchObject({ name: 'closed', error: { name: 'unauthorized' } })
  })

  test('a refusal after a hello is the first one again', () => {
    const refused = ended(errorOfClose(4401, ''))
    const { state } = after(START, refused, { type: 'timerFired' }, hello(), refused)
    expect(state.name).toBe('reconnecting')
  })

  test('an app that says UnauthorizedError is believed at once', () => {
    expect(after(START, ended(new UnauthorizedError())).state.name).toBe('closed')
  })

  test('after a stop nothing that comes late does anything', () => {
    const { state } = after(START, hello(), { type: 'stop' })
    const late: ConnectionInput[] = [hello(), ended(), { type: 'timerFired' }, { type: 'woken' }]
    for (const input of late) expect(put(state, input)).toEqual({ state, effects: [] })
  })

  test('a closed client may be started again', () => {
    expect(after(START, { type: 'stop' }, START).effects).toContain('openSocket')
  })
})

describe('the kill switch', () => {
  const error = asking(5_000, 'disabled')
  const off: ConnectionInput = { type: 'switchedOff', error }

  test.each([
    ['connecting', [START]],
    ['connected', [START, hello()]],
    ['reconnecting', [START, ended()]],
  ] as const)('it ends what is %s and looks again when it is told to', (_, inputs) => {
    const { state, effects } = after(...inputs, off)
    expect(state).toMatchObject({ name: 'off', retryInMs: 5_000 })
    expect(effects).toEqual(['closeSocket', 5_000])
    expect(put(state, { type: 'timerFired' }).effects).toContain('openSocket')
  })

  test('looking again counts as a second try: why an upgrade fails is asked at once', () => {
    const { state } = after(START, off, { type: 'timerFired' })
    expect(state).toMatchObject({ name: 'connecting', failedCount: 1 })
  })
})
