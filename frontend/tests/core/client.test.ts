import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UnauthorizedError } from '../../src/core/index.js'
import { at, tokenFor } from '../support/fakeSocket.js'
import { aConnectedPage, aPage, closePages, hide, last, pass, settled } from '../support/page.js'

const REPORT = JSON.parse(
  readFileSync(`${import.meta.dirname}/../../../contract/client_report.json`, 'utf8'),
)

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})

afterEach(() => {
  closePages()
  hide(false)
  vi.useRealTimers()
})

describe('connecting', () => {
  test('the token travels as a subprotocol, what is wanted in the URL', async () => {
    const token = tokenFor(60)
    const page = aPage({ services: ['tasks', 'users'], propertyId: 'p 9', getToken: () => token })
    page.client.start()
    await settled()
    expect(decodeURIComponent(last(page).url)).toBe(
      'wss://rt.example/v2/realtime/stream?services=tasks,users&propertyId=p+9',
    )
    expect(last(page).protocols).toEqual(['rt.v1', `rt.token.${token}`])
  })

  test('a start and a stop and a start at once make one socket', async () => {
    const page = aPage()
    page.client.start()
    page.client.stop()
    page.client.start()
    await settled()
    expect(page.sockets).toHaveLength(1)
    expect(page.getToken).toHaveBeenCalledTimes(1)
  })

  test('a stop while the token is awaited opens no socket', async () => {
    const page = aPage()
    page.client.start()
    page.client.stop()
    await settled()
    expect(page.sockets).toHaveLength(0)
    expect(page.client.status.state).toBe('closed')
  })

  test.each(['wss://rt.example/?token=x', 'wss://me:pw@rt.example', 'ftp://rt.example', '/rt'])(
    'the url %s is refused at once, and not repeated',
    (url) => {
      const make = () => aPage({ url })
      expect(make).toThrow(expect.objectContaining({ name: 'bad_url', retryable: false }))
      expect(make).not.toThrow(/token|pw/)
    },
  )

  test('a hello that does not come within 10 s is a failed attempt', async () => {
    const page = aPage()
    page.client.start()
    await pass(12_000)
    expect(page.sockets.length).toBeGreaterThan(1)
  })

  test('after a failed upgrade the gateway is asked over HTTP what is wrong', async () => {
    const page = aPage()
    const fields = { code: 4403, name: 'forbidden', message: 'no', retryable: false, remedy: 'r' }
    page.answer = () => Response.json(fields, { status: 403 })
    page.client.start()
    await settled()
    last(page).drop()
    await pass(1_000)
    last(page).drop()
    await settled()
    expect(page.calls.map(({ url }) => url)).toEqual([
      'https://rt.example/v2/realtime/positions?services=tasks',
    ])
    expect(page.client.status).toMatchObject({ state: 'closed', code: 4403, terminal: true })
  })
})

test('a token that no upgrade is let in with is final when a fresh one is refused as well', async () => {
  const page = aPage()
  const fields = { code: 4401, name: 'unauthorized', message: 'no', retryable: true, remedy: 'r' }
  page.answer = () => Response.json(fields, { status: 401 })
  page.client.start()
  await settled()
  for (let tries = 0; tries < 3; tries++) {
    last(page).drop()
    await pass(1_000)
  }
  expect(page.getToken).toHaveBeenCalledTimes(2)
  expect(page.client.status).toMatchObject({ state: 'closed', code: 4401, terminal: true })
})

describe('tokens', () => {
  test('one that getToken throws for is tried again, with the cause in the error', async () => {
    let isDown = true
    const page = aPage({
      getToken: () => {
        if (isDown) throw new TypeError('issuer down')
        return tokenFor(60)
      },
    })
    page.client.start()
    await settled()
    expect(page.client.status.state).toBe('reconnecting')
    expect(page.client.status.error).toMatchObject({
      code: 4401,
      name: 'token_failed',
      retryable: true,
    })
    expect(page.client.status.error?.cause).toBeInstanceOf(TypeError)
    isDown = false
    await pass(1_000)
    expect(page.sockets).toHaveLength(1)
  })

  test('a getToken that hangs is given up after 10 s', async () => {
    const page = aPage({ getToken: () => new Promise(() => {}) })
    page.client.start()
    await pass(9_999)
    expect(page.client.status.state).toBe('connecting')
    await pass(1)
    expect(page.client.status.error).toMatchObject({ name: 'token_failed', retryable: true })
    expect(page.client.status.reason).toContain('10 s')
  })

  test('an expired token is not sent, and the error tells both times', async () => {
    const page = aPage({ getToken: () => tokenFor(-40) })
    page.client.start()
    await settled()
    expect(page.sockets).toHaveLength(0)
    expect(page.client.status.error).toMatchObject({
      code: 4401,
      name: 'token_expired',
      retryable: true,
    })
    expect(page.client.status.reason).toMatch(
      /token expired 4[01](\.\d+)? s ago; this device says it is \d{4}-.*Z/,
    )
  })

  test('what is no token is refused', async () => {
    const page = aPage({ getToken: () => undefined as unknown as string })
    page.client.start()
    await settled()
    expect(page.client.status.error).toMatchObject({ name: 'token_failed' })
  })

  test('UnauthorizedError stops trying', async () => {
    const page = aPage({
      getToken: () => {
        throw new UnauthorizedError('signed out')
      },
    })
    page.client.start()
    await pass(60_000)
    expect(page.getToken).toHaveBeenCalledTimes(1)
    expect(page.client.status).toMatchObject({
      state: 'closed',
      terminal: true,
      reason: 'signed out',
    })
  })

  test('one that holds is kept for a reconnect, one that ended meanwhile is not', async () => {
    const page = await aConnectedPage({ getToken: () => tokenFor(600) })
    last(page).drop()
    await pass(1_000)
    expect(page.getToken).toHaveBeenCalledTimes(1)
    last(page).greet()
    // The device sleeps: no timer fires while the clock goes on.
    vi.setSystemTime(Date.now() + 3_600_000)
    last(page).drop()
    await pass(1_000)
    expect(page.getToken).toHaveBeenCalledTimes(2)
    expect(page.sockets).toHaveLength(3)
  })

  test('a refused one is not sent again', async () => {
    const page = await aConnectedPage()
    last(page).drop(4401)
    await pass(1_000)
    expect(page.getToken).toHaveBeenCalledTimes(2)
    last(page).drop(4401)
    await pass(60_000)
    expect(page.client.status).toMatchObject({ state: 'closed', code: 4401, terminal: true })
  })

  test('it is refreshed in band at four fifths of its life', async () => {
    const page = aPage({ getToken: () => tokenFor(1_000) })
    page.client.start()
    await settled()
    last(page).greet(['tasks'], { tokenExpiresAt: Date.now() + 1_000_000, heartbeatMs: 900_000 })
    await pass(798_000)
    expect(last(page).ofType('auth')).toHaveLength(0)
    await pass(4_000)
    expect(last(page).ofType('auth')).toHaveLength(1)
    last(page).frame({ type: 'auth', tokenExpiresAt: Date.now() + 1_000_000 })
    await pass(790_000)
    expect(last(page).ofType('auth')).toHaveLength(1)
    expect(page.sockets).toHaveLength(1)
  })

  test('a refresh that fails is told, leaves the socket alone, and is tried again', async () => {
    let calls = 0
    const page = aPage({
      getToken: () => {
        if (calls++) throw new Error('issuer down')
        return tokenFor(100)
      },
    })
    page.client.start()
    await settled()
    last(page).greet(['tasks'], { tokenExpiresAt: Date.now() + 100_000, heartbeatMs: 900_000 })
    await pass(82_000)
    expect(page.errors).toMatchObject([{ name: 'token_failed' }])
    expect(page.client.status.state).toBe('connected')
    await pass(31_000)
    expect(calls).toBe(3)
  })
})

describe('frames', () => {
  test('a batch is one call to each listener and one CustomEvent', async () => {
    const heard: unknown[] = []
    const listen = (event: Event) => heard.push((event as CustomEvent).detail)
    window.addEventListener('tasks-stream-events', listen)
    const page = await aConnectedPage()
    last(page).batch(0, { eventId: 'a' }, { eventId: 'b' })
    window.removeEventListener('tasks-stream-events', listen)
    expect(heard).toMatchObject([
      { service: 'tasks', events: [{ eventId: 'a' }, { eventId: 'b' }] },
    ])
    expect(page.events).toHaveLength(2)
  })

  test('a listener that throws keeps nothing from the others', async () => {
    const page = aPage()
    const order: string[] = []
    const listener = (name: string, fails: boolean) => ({
      onEvents: () => {
        order.push(name)
        if (fails) throw new Error('mine')
      },
      onGap: () => {
        if (fails) throw new Error('mine')
        order.push('gap')
      },
    })
    page.client.listen('tasks', listener('first', true))
    page.client.listen('tasks', listener('second', false))
    page.client.start()
    await settled()
    last(page).greet().batch(0, {}).batch(1, {})
    last(page).frame({ type: 'reset', service: 'tasks', reason: 'expired', position: at(9) })
    expect(order).toEqual(['first', 'second', 'first', 'second', 'gap'])
    expect(page.errors).toHaveLength(3)
    expect(page.errors[0]).toMatchObject({ name: 'listener_failed', retryable: false })
    expect(page.client.status.state).toBe('connected')
  })

  test('one that does not parse ends the socket, and the next resumes', async () => {
    const page = await aConnectedPage()
    last(page).batch(0, {}).text('{"type":')
    expect(page.client.status).toMatchObject({
      state: 'reconnecting',
      error: { name: 'bad_frame' },
    })
    await pass(1_000)
    expect(decodeURIComponent(last(page).url)).toContain(`resume=tasks:${at(1)}`)
  })

  test('one of an unknown type is ignored', async () => {
    const page = await aConnectedPage()
    last(page).frame({ type: 'confetti' }).batch(0, {})
    expect(page.client.status.state).toBe('connected')
    expect(page.events).toHaveLength(1)
  })

  test('a batch from the future resumes from mine, with a typed error', async () => {
    const page = await aConnectedPage()
    last(page).batch(0, {}).batch(7, {})
    expect(page.client.status.error).toMatchObject({
      code: 1011,
      name: 'chain_broken',
      retryable: true,
    })
    await pass(1_000)
    expect(decodeURIComponent(last(page).url)).toContain(`resume=tasks:${at(1)}`)
    last(page).greet([{ name: 'tasks', seq: 1, recovered: true, replayed: 7 }])
    last(page).batch(1, ...Array.from({ length: 7 }, () => ({})))
    expect(page.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(page.gaps).toEqual([])
  })

  test('a reset for what was missed while offline reaches the page as a gap', async () => {
    const page = await aConnectedPage()
    last(page).batch(0, {}).drop()
    await pass(1_000)
    last(page).greet([{ name: 'tasks', seq: 90, recovered: false }])
    expect(page.client.status.services).toEqual({ tasks: 'recovering' })
    last(page).frame({ type: 'reset', service: 'tasks', reason: 'expired', position: at(90) })
    expect(page.gaps).toMatchObject([{ service: 'tasks', reason: 'expired', position: at(90) }])
    expect(page.client.status.services).toEqual({ tasks: 'live' })
  })

  test('a gap is not lost with the socket that announced it', async () => {
    const page = await aConnectedPage()
    last(page).batch(0, {}).drop()
    await pass(1_000)
    last(page)
      .greet([{ name: 'tasks', seq: 90, recovered: false }])
      .drop()
    await pass(1_000)
    last(page).greet([{ name: 'tasks', seq: 90, recovered: true }])
    expect(page.gaps).toMatchObject([{ reason: 'unrecovered', position: at(90) }])
  })

  test('events of another property that crossed a change are left out, those of none are not', async () => {
    const page = await aConnectedPage()
    page.client.subscribe({ propertyId: 'p1' })
    last(page).batch(0, { propertyId: 'p1' }, { propertyId: 'p2' }, {})
    expect(page.events.map(({ seq }) => seq)).toEqual([1, 3])
  })

  test('what was taken is acknowledged about once a second, and only if it moved', async () => {
    const page = await aConnectedPage()
    last(page).batch(0, {}).batch(1, {})
    await pass(3_000)
    expect(last(page).ofType('ack')).toEqual([{ type: 'ack', positions: { tasks: at(2) } }])
  })

  test('the error frame before a close says why', async () => {
    const page = await aConnectedPage()
    const fields = {
      code: 4429,
      name: 'rate_limited',
      message: '20/s',
      retryable: true,
      remedy: 'wait',
    }
    last(page)
      .frame({ type: 'error', ...fields, retryAfterMs: 3_000 })
      .drop(4429)
    expect(page.client.status).toMatchObject({ reason: '20/s', retryInMs: 3_000 })
  })
})

describe('reconnecting', () => {
  test('a socket that is silent for two and a half heartbeats is given up', async () => {
    const page = await aConnectedPage()
    await pass(62_000)
    expect(page.client.status.state).toBe('connected')
    await pass(2_000)
    expect(page.client.status.state).toBe('reconnecting')
  })

  test('heartbeats keep it', async () => {
    const page = await aConnectedPage()
    for (let beat = 0; beat < 5; beat++) {
      await pass(25_000)
      last(page).frame({ type: 'heartbeat', positions: {} })
    }
    expect(page.sockets).toHaveLength(1)
  })

  test('a drain is followed at its moment, whatever our back-off would be', async () => {
    const page = await aConnectedPage()
    last(page).frame({ type: 'drain', reconnectAfterMs: 4_000 }).batch(0, {})
    expect(page.events).toHaveLength(1)
    await pass(1_000)
    last(page).drop(1012)
    await pass(2_999)
    expect(page.sockets).toHaveLength(1)
    await pass(1)
    expect(page.sockets).toHaveLength(2)
  })

  test('a network that returns ends the wait', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.99)
    const page = await aConnectedPage()
    last(page).drop()
    window.dispatchEvent(new Event('online'))
    await settled()
    expect(page.sockets).toHaveLength(2)
  })

  test('so does a tab that returns', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.99)
    const page = await aConnectedPage()
    last(page).drop()
    hide(false)
    await settled()
    expect(page.sockets).toHaveLength(2)
  })

  test('late news of an old socket changes nothing', async () => {
    const page = await aConnectedPage()
    const old = last(page)
    const late = old.onmessage
    old.drop()
    await pass(1_000)
    last(page).greet([{ name: 'tasks', seq: 0, recovered: true }])
    old.drop()
    expect(old.onmessage).toBeNull()
    expect(late).not.toBeNull()
    expect(page.client.status.state).toBe('connected')
  })
})

describe('a tab that was hidden', () => {
  test('says so, and that it is back, and asks whether the socket lives', async () => {
    const page = await aConnectedPage()
    hide(true)
    hide(false)
    expect(last(page).sent).toEqual([
      { type: 'visibility', hidden: true },
      { type: 'visibility', hidden: false },
      { type: 'ping' },
    ])
  })

  test('connects again if no answer comes within 2 s, and misses nothing', async () => {
    const page = await aConnectedPage()
    last(page).batch(0, {})
    hide(true)
    hide(false)
    await pass(3_500)
    expect(page.sockets).toHaveLength(2)
    expect(decodeURIComponent(last(page).url)).toContain(`resume=tasks:${at(1)}`)
  })

  test('keeps its socket if one comes, and knows the round trip', async () => {
    const page = await aConnectedPage()
    hide(true)
    hide(false)
    await pass(30)
    last(page).frame({ type: 'heartbeat', positions: {} })
    await pass(3_000)
    expect(page.sockets).toHaveLength(1)
    expect(window.__realtimeState?.().rttMs).toBe(30)
  })

  test('refreshes a token whose time came while it slept', async () => {
    const page = aPage({ getToken: () => tokenFor(10_000) })
    page.client.start()
    await settled()
    last(page).greet(['tasks'], { tokenExpiresAt: Date.now() + 1_000_000 })
    await settled()
    vi.setSystemTime(Date.now() + 900_000)
    hide(false)
    await settled()
    expect(last(page).ofType('auth')).toHaveLength(1)
  })
})

describe('changing what is received', () => {
  test('a burst of changes is one call, with the newest set', async () => {
    const page = await aConnectedPage()
    for (const services of [['users'], ['finance'], ['tasks', 'users']])
      page.client.subscribe({ services })
    page.client.subscribe({ propertyId: 'p9' })
    await pass(100)
    expect(page.calls.map(({ url, body }) => ({ url, body }))).toEqual([
      {
        url: 'https://rt.example/v2/realtime/update-services',
        body: { services: ['tasks', 'users'], propertyId: 'p9', connectionId: 'k7Qm' },
      },
    ])
    expect(page.sockets).toHaveLength(1)
  })

  test('where the code that makes the call cannot be loaded, a new socket asks for it', async () => {
    vi.doMock('../../src/core/page/extras.js', () => {
      throw new TypeError('offline')
    })
    const page = await aConnectedPage()
    vi.doUnmock('../../src/core/page/extras.js')
    page.client.subscribe({ services: ['users'] })
    await pass(1_000)
    expect(page.calls).toEqual([])
    expect(decodeURIComponent(last(page).url)).toContain('services=users')
    expect(page.sockets).toHaveLength(2)
  })

  test('while one call is under way the next waits, and only the newest set is asked for', async () => {
    const page = await aConnectedPage()
    let answer = (_: Response) => {}
    page.answer = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    page.client.subscribe({ services: ['a'] })
    await pass(100)
    page.client.subscribe({ services: ['b'] })
    await pass(100)
    page.client.subscribe({ services: ['c'] })
    await pass(100)
    expect(page.calls).toHaveLength(1)
    answer(Response.json({}))
    await pass(100)
    expect(page.calls.map(({ body }) => body?.services)).toEqual([['a'], ['c']])
  })

  test('back to what it was is no call', async () => {
    const page = await aConnectedPage()
    page.client.subscribe({ services: ['users'] })
    page.client.subscribe({ services: ['tasks'] })
    await pass(100)
    expect(page.calls).toEqual([])
  })

  test('without a socket it is in the next URL', async () => {
    const page = await aConnectedPage()
    last(page).drop()
    page.client.subscribe({ services: ['users'] })
    await pass(1_000)
    expect(decodeURIComponent(last(page).url)).toContain('services=users')
    last(page).greet(['users'])
    await pass(100)
    expect(page.calls).toEqual([])
  })

  test('what changed while the hello was on its way is changed after it', async () => {
    const page = aPage()
    page.client.start()
    await settled()
    page.client.subscribe({ services: ['users'] })
    await pass(100)
    last(page).greet(['tasks'])
    await pass(100)
    expect(page.calls.map(({ body }) => body?.services)).toEqual([['users']])
  })

  test('a call that fails is told and tried again, one that is forbidden only told', async () => {
    const page = await aConnectedPage()
    page.answer = () => new Response('bad gateway', { status: 502 })
    page.client.subscribe({ services: ['users'] })
    await pass(100)
    expect(page.errors).toMatchObject([{ name: 'unreachable', retryable: true }])
    const fields = { code: 4403, name: 'forbidden', message: 'no', retryable: false, remedy: 'r' }
    page.answer = () => Response.json(fields, { status: 403 })
    await pass(60_000)
    expect(page.errors[1]).toMatchObject({ name: 'forbidden', retryable: false })
    expect(page.calls).toHaveLength(2)
  })

  test('a service is subscribing until the gateway says that it is live', async () => {
    const page = await aConnectedPage()
    page.client.subscribe({ services: ['tasks', 'users'] })
    expect(page.client.status.services).toEqual({ tasks: 'live', users: 'subscribing' })
    const rows = ['tasks', 'users'].map((name) => ({ name, tier: 'high', position: at(0) }))
    last(page).frame({ type: 'subscriptions', version: 2, propertyId: null, services: rows })
    expect(page.client.status.services).toEqual({ tasks: 'live', users: 'live' })
    expect(page.live).toEqual(['tasks', 'users'])
  })
})

describe('switches', () => {
  test('the option opens no socket and shows it', async () => {
    const page = aPage({ emergencyDisable: true })
    page.client.start()
    await pass(60_000)
    expect(page.sockets).toHaveLength(0)
    expect(page.client.status).toMatchObject({ state: 'off', error: { name: 'disabled' } })
  })

  test('the global variable ends a socket, and its absence opens one again', async () => {
    const page = await aConnectedPage()
    vi.stubGlobal('REALTIME_EMERGENCY_DISABLE', '1')
    last(page).frame({ type: 'heartbeat', positions: {} })
    expect(page.client.status.state).toBe('off')
    vi.stubGlobal('REALTIME_EMERGENCY_DISABLE', 'false')
    await pass(31_000)
    expect(page.sockets).toHaveLength(2)
  })

  test('a service that the operator switched off is shown as off, and the others live on', async () => {
    const page = await aConnectedPage({ services: ['tasks', 'users'] })
    last(page).frame({ type: 'disabled', services: ['users'], retryAfterMs: 30_000 })
    expect(page.client.status).toMatchObject({
      state: 'connected',
      services: { tasks: 'live', users: 'off' },
    })
  })

  test('what a later notice leaves out is on again', async () => {
    const page = await aConnectedPage({ services: ['tasks', 'users'] })
    last(page).frame({ type: 'disabled', services: ['users'] })
    last(page).frame({ type: 'disabled', services: [] })
    expect(page.client.status.services).toEqual({ tasks: 'live', users: 'live' })
  })

  test('if it is all that the page has, the page is told that realtime is off', async () => {
    const page = await aConnectedPage()
    last(page).frame({ type: 'disabled', services: ['tasks'] })
    expect(page.client.status.state).toBe('off')
    last(page).batch(0, {})
    expect(page.client.status.state).toBe('connected')
  })

  test('all of realtime switched off ends the socket until the time that was named', async () => {
    const page = await aConnectedPage()
    const fields = { name: 'disabled', message: 'off', retryable: true, remedy: 'Poll.' }
    last(page).frame({ type: 'error', code: 1013, ...fields, retryAfterMs: 5_000 })
    last(page).drop(1013)
    expect(page.client.status).toMatchObject({ state: 'off', retryInMs: 5_000 })
    await pass(5_000)
    expect(page.sockets).toHaveLength(2)
  })

  test('a client that looks again and is refused stays off, without a try in between', async () => {
    const page = await aConnectedPage()
    const fields = { code: 1013, name: 'disabled', message: 'off', retryable: true, remedy: 'r' }
    page.answer = () => Response.json({ ...fields, retryAfterMs: 7_000 }, { status: 503 })
    last(page).frame({ type: 'error', ...fields, retryAfterMs: 5_000 })
    last(page).drop(1013)
    await pass(5_000)
    last(page).drop()
    await settled()
    expect(page.client.status).toMatchObject({ state: 'off', retryInMs: 7_000 })
    expect(page.sockets).toHaveLength(2)
  })

  test('a quarantine is shown, and its end', async () => {
    const page = await aConnectedPage()
    last(page).frame({ type: 'quarantine', state: 'entered', services: ['tasks'], until: 1 })
    expect(page.client.status.services).toEqual({ tasks: 'quarantined' })
    last(page).frame({ type: 'quarantine', state: 'cleared', services: ['tasks'] })
    expect(page.client.status.services).toEqual({ tasks: 'live' })
  })
})

describe('health', () => {
  test('the debug state is plain JSON without the token', async () => {
    const token = tokenFor(600)
    const page = await aConnectedPage({ getToken: () => token })
    last(page).batch(0, { eventId: 'a' }, { eventId: 'a' })
    await settled()
    const state = window.__realtimeState?.()
    expect(JSON.parse(JSON.stringify(state))).toEqual(state)
    expect(JSON.stringify(state)).not.toContain(token)
    expect(state).toMatchObject({
      state: 'connected',
      url: 'wss://rt.example',
      node: 'gw-1',
      positions: { tasks: at(2) },
      byServiceP95LatencyMs: { tasks: 20 },
      byServiceDelivered: { tasks: 1 },
      byServiceSuppressed: { tasks: 1 },
      byServiceReconnects: { tasks: 0 },
      byServiceLastEventAt: { tasks: Date.now() },
      gaps: { tasks: 0 },
      quarantine: [],
    })
    page.client.stop()
    expect(window.__realtimeState).toBeUndefined()
  })

  test('a replay counts as delivered and not as slow', async () => {
    const page = await aConnectedPage()
    last(page).drop()
    await pass(1_000)
    last(page).greet([{ name: 'tasks', recovered: true, replayed: 1 }])
    last(page).batch(0, { ts: 0 })
    await pass(100)
    last(page).batch(1, {})
    await settled()
    expect(window.__realtimeState?.()).toMatchObject({
      byServiceDelivered: { tasks: 2 },
      byServiceP95LatencyMs: { tasks: 20 },
      byServiceReconnects: { tasks: 1 },
    })
  })

  test('what is new since the last report is posted each minute, with the token in a header', async () => {
    const page = await aConnectedPage({ services: ['tasks', 'users'] })
    last(page).batch(0, {}, {})
    last(page).frame({ type: 'reset', service: 'users', reason: 'expired', position: at(9) })
    await pass(60_000)
    expect(page.calls).toEqual([
      // The gateway is held to the same body.
      { url: 'https://rt.example/telemetry/client', body: REPORT, init: expect.anything() },
    ])
    expect(page.calls[0]?.init.headers).toMatchObject({
      Authorization: expect.stringMatching(/^Bearer e30/),
    })
    last(page).batch(2, {})
    await settled()
    window.dispatchEvent(new Event('pagehide'))
    await settled()
    expect(page.calls[1]).toMatchObject({
      body: { services: { tasks: { delivered: 1 } } },
      init: { keepalive: true },
    })
  })

  test('a gateway that wants no more reports is left alone until the next minute', async () => {
    const page = await aConnectedPage()
    const fields = { code: 4429, name: 'rate_limited', message: 'm', retryable: true, remedy: 'r' }
    page.answer = () => Response.json({ ...fields, retryAfterMs: 1_000 }, { status: 429 })
    last(page).batch(0, {})
    await pass(60_000)
    last(page).frame({ type: 'heartbeat', positions: {} })
    await pass(59_000)
    expect(page.calls).toHaveLength(1)
    expect(page.errors).toEqual([])
    expect(page.client.status.state).toBe('connected')
  })

  test('a report that does not arrive is made up for by the next; nothing new is no report', async () => {
    const page = await aConnectedPage()
    last(page).batch(0, {})
    page.answer = () => new Response('', { status: 500 })
    await pass(60_000)
    page.answer = () => Response.json({})
    last(page).batch(1, {})
    last(page).frame({ type: 'heartbeat', positions: {} })
    await pass(60_000)
    expect(page.calls.map(({ body }) => body?.services)).toMatchObject([
      { tasks: { delivered: 1 } },
      { tasks: { delivered: 2 } },
    ])
    last(page).frame({ type: 'heartbeat', positions: {} })
    await pass(60_000)
    expect(page.calls).toHaveLength(2)
    expect(page.errors).toEqual([])
  })
})
