import { describe, expect, test } from 'vitest'
import { at, tokenFor } from '../support/fakeSocket.js'
import { aConnectedPage, aPage, fakeTime, last, pass, settled } from '../support/page.js'

fakeTime()

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
