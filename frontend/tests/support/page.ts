/** A page with a client on it: fake sockets, fake HTTP, fake time. */
import { afterEach, beforeEach, vi } from 'vitest'
import {
  type Gap,
  RealtimeClient,
  type RealtimeError,
  type RealtimeEvent,
} from '../../src/core/index.js'
import type { RealtimeOptions } from '../../src/core/realtime.js'
import { type FakeSocket, fakeSockets, tokenFor } from './fakeSocket.js'

export interface HttpCall {
  readonly url: string
  readonly body: Record<string, unknown> | null
  readonly init: RequestInit
}

export interface Page {
  readonly client: RealtimeClient
  readonly sockets: FakeSocket[]
  readonly calls: HttpCall[]
  readonly errors: RealtimeError[]
  readonly events: RealtimeEvent[]
  readonly gaps: Gap[]
  readonly live: string[]
  readonly getToken: ReturnType<typeof vi.fn>
  /** What HTTP answers; a test may replace it. */
  answer: (call: HttpCall) => Response | Promise<Response>
}

const pages: Page[] = []

export function aPage(options: Partial<RealtimeOptions> = {}): Page {
  const sockets = fakeSockets()
  const errors: RealtimeError[] = []
  const getToken = vi.fn(options.getToken ?? (() => tokenFor(3600)))
  const client = new RealtimeClient({
    url: 'wss://rt.example',
    services: ['tasks'],
    onError: (error) => errors.push(error),
    ...options,
    getToken,
  })
  const page: Page = {
    client,
    sockets,
    errors,
    getToken,
    calls: [],
    events: [],
    gaps: [],
    live: [],
    answer: () => new Response('{}'),
  }
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : null
    page.calls.push({ url, body, init })
    return page.answer({ url, body, init })
  })
  for (const service of ['tasks', 'users']) {
    client.listen(service, {
      onEvents: (events) => page.events.push(...events),
      onGap: (gap) => page.gaps.push(gap),
      onLive: () => page.live.push(service),
    })
  }
  pages.push(page)
  return page
}

/** A page whose socket has said hello. */
export async function aConnectedPage(options: Partial<RealtimeOptions> = {}): Promise<Page> {
  const page = aPage(options)
  page.client.start()
  await settled()
  last(page).greet(options.services ?? ['tasks'])
  await pass(100)
  return page
}

/** Let each test of a file begin with a clock that it moves itself, and end without a page. */
export function fakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
  })
  afterEach(() => {
    for (const page of pages.splice(0)) page.client.stop()
    hide(false)
    vi.useRealTimers()
  })
}

export function last(page: Page): FakeSocket {
  const socket = page.sockets.at(-1)
  if (!socket) throw new Error('no socket was opened')
  return socket
}

/** Let imports, promises and timers that are due now run. */
export async function settled(): Promise<void> {
  await vi.dynamicImportSettled()
  await vi.advanceTimersByTimeAsync(0)
}

export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

export function hide(isHidden: boolean): void {
  Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}
