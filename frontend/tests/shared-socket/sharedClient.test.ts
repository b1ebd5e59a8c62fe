import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Realtime } from '../../src/core/index.js'
import { createSharedClient, type SharedOptions } from '../../src/shared-socket/index.js'
import { fakeTabs } from '../support/fakeBrowser.js'
import { aBatch, at, type FakeSocket, fakeSockets, tokenFor } from '../support/fakeSocket.js'

interface Tab {
  readonly client: Realtime
  readonly seen: string[]
}

let sockets: FakeSocket[]
let changes: Record<string, unknown>[]
let tabs: Tab[]

beforeEach(() => {
  vi.useFakeTimers()
  sockets = fakeSockets()
  fakeTabs()
  changes = []
  tabs = []
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    changes.push(JSON.parse(String(init.body)))
    return Response.json({})
  })
})

afterEach(async () => {
  for (const { client } of tabs) client.stop()
  await pass(0)
  vi.useRealTimers()
})

async function aTab(services: string[], options: Partial<SharedOptions> = {}): Promise<Tab> {
  const client = createSharedClient({
    url: 'wss://rt.example',
    getToken: () => tokenFor(600),
    shareKey: 'demo',
    target: new EventTarget(),
    telemetry: false,
    services,
    ...options,
  })
  const tab: Tab = { client, seen: [] }
  for (const service of ['tasks', 'users']) {
    client.listen<{ n: number }>(service, {
      onEvents: (events) => tab.seen.push(...events.map(({ seq }) => `${service} ${seq}`)),
      onGap: ({ reason }) => tab.seen.push(`${service} gap ${reason}`),
    })
  }
  tabs.push(tab)
  client.start()
  await pass(100)
  return tab
}

async function pass(ms: number): Promise<void> {
  await vi.dynamicImportSettled()
  await vi.advanceTimersByTimeAsync(ms)
}

function socket(): FakeSocket {
  const last = sockets.at(-1)
  if (!last) throw new Error('no socket was opened')
  return last
}

/** Play the gateway's acknowledgement of the last change. */
function acknowledge(...services: string[]): void {
  const rows = services.map((name) => ({ name, tier: 'high', position: at(0) }))
  socket().frame({ type: 'subscriptions', version: 2, propertyId: null, services: rows })
}

test('two tabs have one socket, with the services of both', async () => {
  await aTab(['tasks'])
  socket().greet(['tasks'])
  await aTab(['users'])
  expect(sockets).toHaveLength(1)
  expect(changes).toMatchObject([{ services: ['tasks', 'users'] }])
})

test('each gets what it wants, and not what the other does', async () => {
  const one = await aTab(['tasks'])
  socket().greet(['tasks'])
  const other = await aTab(['users'])
  acknowledge('tasks', 'users')
  socket()
    .frame(aBatch('tasks', 0, {}))
    .frame(aBatch('users', 0, {}, {}))
  await pass(0)
  expect(one.seen).toEqual(['tasks 1'])
  expect(other.seen).toEqual(['users 1', 'users 2'])
})

test('tabs with different properties share a socket without a filter, and each filters', async () => {
  const one = await aTab(['tasks'], { propertyId: 'p1' })
  socket().greet(['tasks'], { propertyId: 'p1' })
  const other = await aTab(['tasks'], { propertyId: 'p2' })
  expect(changes).toMatchObject([{ propertyId: null }])
  acknowledge('tasks')
  socket().batch(0, { propertyId: 'p1' }, { propertyId: 'p2' }, {})
  await pass(0)
  expect(one.seen).toEqual(['tasks 1', 'tasks 3'])
  expect(other.seen).toEqual(['tasks 2', 'tasks 3'])
})

test('all tabs see the state, each with its own services', async () => {
  const one = await aTab(['tasks'])
  socket().greet(['tasks'])
  const other = await aTab(['users'])
  expect(one.client.status).toMatchObject({ state: 'connected', services: { tasks: 'live' } })
  expect(other.client.status).toMatchObject({
    state: 'connected',
    services: { users: 'subscribing' },
  })
  socket().drop(4403)
  await pass(0)
  expect(other.client.status).toMatchObject({ state: 'closed', terminal: true })
  expect(other.client.status.error).toMatchObject({ name: 'forbidden', retryable: false })
  expect(window.__realtimeState?.()).toMatchObject({ url: 'wss://rt.example', code: 4403 })
})

test('when the leading tab goes another resumes, and no tab misses or doubles anything', async () => {
  const leader = await aTab(['tasks'])
  socket().greet(['tasks'])
  const next = await aTab(['tasks'])
  const third = await aTab(['tasks'])
  socket().batch(0, {}, {})
  await pass(0)
  leader.client.stop()
  await pass(1_000)
  expect(sockets).toHaveLength(2)
  expect(decodeURIComponent(socket().url)).toContain(`resume=tasks:${at(2)}`)
  // Played as if the new leader had seen less than the others: one event comes again.
  socket()
    .greet([{ name: 'tasks', seq: 1, recovered: true }])
    .batch(1, {}, {})
  await pass(0)
  expect(next.seen).toEqual(['tasks 1', 'tasks 2', 'tasks 3'])
  expect(third.seen).toEqual(next.seen)
  expect(leader.seen).toEqual(['tasks 1', 'tasks 2'])
})

test('a tab that goes takes its services with it', async () => {
  await aTab(['tasks'])
  socket().greet(['tasks'])
  const other = await aTab(['users'])
  other.client.stop()
  await pass(100)
  expect(changes.at(-1)).toMatchObject({ services: ['tasks'] })
})

test('a gap is a gap in every tab that has the service', async () => {
  const one = await aTab(['tasks'])
  socket().greet(['tasks'])
  const other = await aTab(['tasks'])
  socket().frame({ type: 'reset', service: 'tasks', reason: 'expired', position: at(9) })
  await pass(0)
  expect([one.seen, other.seen]).toEqual([['tasks gap expired'], ['tasks gap expired']])
})

test('a tab from the back-forward cache, which heard nothing, admits a gap', async () => {
  const tab = await aTab(['tasks'])
  socket().greet(['tasks'])
  const event = Object.assign(new Event('pageshow'), { persisted: true })
  window.dispatchEvent(event)
  expect(tab.seen).toEqual(['tasks gap unrecovered'])
})

test('two users share nothing', async () => {
  await aTab(['tasks'])
  await aTab(['tasks'], { shareKey: 'another' })
  expect(sockets).toHaveLength(2)
})

test('a browser that cannot share has a socket of its own', async () => {
  vi.stubGlobal('BroadcastChannel', undefined)
  await aTab(['tasks'])
  await aTab(['tasks'])
  expect(sockets).toHaveLength(2)
})
