import { act, type ReactNode, StrictMode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  RealtimeProvider,
  setRealtimePropertyFilter,
  useConnectionLost,
  useRealtimeService,
  useRealtimeStatus,
} from '../../src/react/index.js'
import { type FakeSocket, fakeSockets, tokenFor } from '../support/fakeSocket.js'

const SERVICES_OF: Record<string, string[]> = { '/tasks': ['tasks'], '/users': ['users', 'staff'] }

let root: Root
let sockets: FakeSocket[]
let calls: Record<string, unknown>[]
let listenerCount: Record<string, number>

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  vi.useFakeTimers()
  sockets = fakeSockets()
  calls = []
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    calls.push(JSON.parse(String(init.body)))
    return Response.json({})
  })
  countListeners()
  root = createRoot(document.createElement('div'))
})

afterEach(async () => {
  await act(async () => root.unmount())
  vi.useRealTimers()
})

/** Keep count of what is attached to the window, by the event's name. */
function countListeners(): void {
  listenerCount = {}
  const { addEventListener, removeEventListener } = window
  const count = (name: string, by: number) => {
    listenerCount[name] = (listenerCount[name] ?? 0) + by
  }
  vi.spyOn(window, 'addEventListener').mockImplementation((...args: unknown[]) => {
    count(String(args[0]), 1)
    const { signal } = (args[2] ?? {}) as AddEventListenerOptions
    signal?.addEventListener('abort', () => count(String(args[0]), -1))
    Reflect.apply(addEventListener, window, args)
  })
  vi.spyOn(window, 'removeEventListener').mockImplementation((...args: unknown[]) => {
    count(String(args[0]), -1)
    Reflect.apply(removeEventListener, window, args)
  })
}

function App(props: { route?: string; propertyId?: string | null; children?: ReactNode }) {
  const { route = '/tasks', propertyId = null, children } = props
  return (
    <RealtimeProvider
      url="wss://rt.example"
      getToken={() => tokenFor(600)}
      services={(path) => SERVICES_OF[path] ?? []}
      route={route}
      propertyId={propertyId}
    >
      {children}
    </RealtimeProvider>
  )
}

async function show(node: ReactNode): Promise<void> {
  await act(async () => root.render(node))
}

async function pass(ms: number): Promise<void> {
  await act(async () => {
    await vi.dynamicImportSettled()
    await vi.advanceTimersByTimeAsync(ms)
  })
}

function socket(): FakeSocket {
  const last = sockets.at(-1)
  if (!last) throw new Error('no socket was opened')
  return last
}

function Log(props: { service: string; enabled?: boolean; onSeen: (text: string) => void }) {
  const { service, enabled = true, onSeen } = props
  useRealtimeService<{ n: number }>(
    service,
    {
      onEvents: (events) => onSeen(events.map(({ data }) => data.n).join()),
      onGap: ({ reason }) => onSeen(`gap ${reason}`),
      onLive: () => onSeen('live'),
    },
    enabled,
  )
  return null
}

describe('the provider', () => {
  test('opens one socket under StrictMode', async () => {
    await show(
      <StrictMode>
        <App />
      </StrictMode>,
    )
    await pass(100)
    expect(sockets).toHaveLength(1)
    expect(socket().url).toContain('services=tasks')
  })

  test('opens none while it renders on a server', () => {
    function Status() {
      return useRealtimeStatus().state
    }
    const html = renderToString(
      <App>
        <Status />
      </App>,
    )
    expect(html).toBe('idle')
    expect(sockets).toHaveLength(0)
  })

  test('follows the route and the property in place, and a burst of both is one call', async () => {
    await show(<App />)
    await act(async () => void socket().greet(['tasks']))
    await show(<App route="/users" />)
    await show(<App route="/users" propertyId="p9" />)
    await pass(100)
    expect(calls).toEqual([
      { services: ['staff', 'users'], propertyId: 'p9', connectionId: 'k7Qm' },
    ])
    expect(sockets).toHaveLength(1)
  })

  test('a render with a new list of the same services changes nothing', async () => {
    await show(<App />)
    await act(async () => void socket().greet(['tasks']))
    for (let renders = 0; renders < 5; renders++) await show(<App />)
    await pass(100)
    expect(calls).toEqual([])
  })

  test('asks the newest getToken', async () => {
    const provider = (getToken: () => string) => (
      <RealtimeProvider url="wss://rt.example" getToken={getToken} services={['tasks']} />
    )
    await show(provider(() => tokenFor(-1)))
    const fresh = tokenFor(60)
    await show(provider(() => fresh))
    await pass(1_000)
    expect(socket().protocols[1]).toBe(`rt.token.${fresh}`)
  })

  test('goes with its tree: socket, timers, listeners', async () => {
    await show(<App />)
    await act(async () => void socket().greet(['tasks']))
    await show(null)
    expect(socket().readyState).toBe(3)
    expect(Object.values(listenerCount).every((count) => count === 0)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a hook outside of one says what is missing', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    await expect(show(<Log service="tasks" onSeen={() => {}} />)).rejects.toThrow(
      /RealtimeProvider/,
    )
  })
})

test('setRealtimePropertyFilter changes the filter in place, null clears it', async () => {
  await show(<App />)
  await act(async () => void socket().greet(['tasks']))
  setRealtimePropertyFilter('p1')
  await pass(100)
  setRealtimePropertyFilter(null)
  await pass(100)
  expect(calls.map(({ propertyId }) => propertyId)).toEqual(['p1', null])
})

test('setRealtimePropertyFilter called before the provider is there holds from the start', async () => {
  const inUrl = () => new URL(socket().url).searchParams.get('propertyId')
  setRealtimePropertyFilter('p1')
  await show(
    <RealtimeProvider url="wss://rt.example" getToken={() => tokenFor(600)} services={['tasks']} />,
  )
  expect(inUrl()).toBe('p1')
  setRealtimePropertyFilter(null)
  await show(<App propertyId="p2" />)
  expect(inUrl()).toBe('p2')
})

describe('useRealtimeService', () => {
  test('hands over events, gaps and beginnings', async () => {
    const seen: string[] = []
    await show(
      <App>
        <Log service="tasks" onSeen={(text) => seen.push(text)} />
      </App>,
    )
    await act(async () => {
      socket().greet(['tasks']).batch(0, {}, {})
      socket().frame({ type: 'reset', service: 'tasks', reason: 'expired', position: '9-9' })
    })
    expect(seen).toEqual(['live', '1,2', 'gap expired'])
  })

  test('calls the newest handler without attaching it again', async () => {
    const seen: string[] = []
    for (const name of ['old', 'new']) {
      await show(
        <App>
          <Log service="tasks" onSeen={(text) => seen.push(`${name} ${text}`)} />
        </App>,
      )
    }
    expect(window.addEventListener).toHaveBeenCalledWith('tasks-stream-events', expect.anything(), {
      signal: expect.anything(),
    })
    expect(listenerCount['tasks-stream-events']).toBe(1)
    await act(async () => void socket().greet(['tasks']).batch(0, {}))
    expect(seen).toEqual(['new live', 'new 1'])
  })

  test('is silent while it is not enabled', async () => {
    const seen: string[] = []
    const page = (enabled: boolean) => (
      <App>
        <Log service="tasks" enabled={enabled} onSeen={(text) => seen.push(text)} />
      </App>
    )
    await show(page(false))
    await act(async () => void socket().greet(['tasks']).batch(0, {}))
    await show(page(true))
    await act(async () => void socket().batch(1, {}))
    expect(seen).toEqual(['2'])
  })

  test('fifty navigations leave one listener for each service of the page, and one socket', async () => {
    for (let turn = 0; turn < 50; turn++) {
      const service = turn % 2 ? 'tasks' : 'users'
      await show(
        <StrictMode>
          <App route={`/${service}`}>
            <Log key={turn} service={service} onSeen={() => {}} />
          </App>
        </StrictMode>,
      )
    }
    await pass(100)
    expect(listenerCount['tasks-stream-events']).toBe(1)
    expect(listenerCount['users-stream-events']).toBe(0)
    expect(sockets).toHaveLength(1)
  })

  test('a batch is one render, however many events it has', async () => {
    let renders = 0
    function Count() {
      renders++
      return null
    }
    await show(
      <App>
        <Count />
        <Log service="tasks" onSeen={() => {}} />
      </App>,
    )
    const before = renders
    await act(async () => void socket().greet(['tasks']).batch(0, {}, {}, {}))
    expect(renders).toBe(before)
  })
})

describe('useConnectionLost', () => {
  const seen: boolean[] = []
  function Banner() {
    seen.push(useConnectionLost())
    return null
  }

  test('is true only after 5 s without a connection, and false with the next', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    await show(
      <App>
        <Banner />
      </App>,
    )
    await act(async () => void socket().greet(['tasks']))
    await act(async () => socket().drop())
    await pass(4_900)
    expect(seen.at(-1)).toBe(false)
    await pass(200)
    expect(seen.at(-1)).toBe(true)
    await act(async () => void socket().greet(['tasks']))
    expect(seen.at(-1)).toBe(false)
  })

  test('is true at once when nothing more will be tried', async () => {
    await show(
      <App>
        <Banner />
      </App>,
    )
    await act(async () => socket().drop(4403))
    expect(seen.at(-1)).toBe(true)
  })
})
