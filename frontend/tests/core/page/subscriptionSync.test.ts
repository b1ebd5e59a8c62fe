import { describe, expect, test, vi } from 'vitest'
import { at } from '../../support/fakeSocket.js'
import { aConnectedPage, aPage, fakeTime, last, pass, settled } from '../../support/page.js'

fakeTime()

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
    vi.doMock('../../../src/core/page/extras.js', () => {
      throw new TypeError('offline')
    })
    const page = await aConnectedPage()
    vi.doUnmock('../../../src/core/page/extras.js')
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
