import { describe, expect, test, vi } from 'vitest'
import { aConnectedPage, fakeTime, hide, last, pass, settled } from '../../support/page.js'

fakeTime()

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
