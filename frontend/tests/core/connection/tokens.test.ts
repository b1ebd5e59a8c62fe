import { describe, expect, test, vi } from 'vitest'
import { UnauthorizedError } from '../../../src/core/index.js'
import { tokenFor } from '../../support/fakeSocket.js'
import { aConnectedPage, aPage, fakeTime, last, pass, settled } from '../../support/page.js'

fakeTime()

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
