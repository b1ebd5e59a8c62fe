import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { at, tokenFor } from '../../support/fakeSocket.js'
import { aConnectedPage, fakeTime, last, pass, settled } from '../../support/page.js'

const REPORT = JSON.parse(
  readFileSync(`${import.meta.dirname}/../../../../contract/client_report.json`, 'utf8'),
)

fakeTime()

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
