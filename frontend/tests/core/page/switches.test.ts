import { describe, expect, test, vi } from 'vitest'
import { aConnectedPage, aPage, fakeTime, last, pass, settled } from '../../support/page.js'

fakeTime()

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
