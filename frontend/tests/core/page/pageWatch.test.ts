import { describe, expect, test, vi } from 'vitest'
import { at, tokenFor } from '../../support/fakeSocket.js'
import { aConnectedPage, aPage, fakeTime, hide, last, pass, settled } from '../../support/page.js'

fakeTime()

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
