/** Web Locks and BroadcastChannel between the tabs of one test, in one process. */
import { vi } from 'vitest'

interface Waiting {
  readonly act: () => unknown
  readonly reject: (error: Error) => void
}

class FakeLocks {
  readonly #queues = new Map<string, Waiting[]>()

  request(name: string, { signal }: { signal: AbortSignal }, act: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(name) ?? []
      this.#queues.set(name, queue)
      const waiting: Waiting = {
        reject,
        act: async () => {
          resolve(await act())
          queue.shift()
          void queue[0]?.act()
        },
      }
      signal.addEventListener('abort', () => {
        const index = queue.indexOf(waiting)
        if (index > 0) queue.splice(index, 1)
        reject(new Error('aborted'))
      })
      queue.push(waiting)
      if (queue.length === 1) queueMicrotask(() => void waiting.act())
    })
  }
}

class FakeChannel {
  static readonly open = new Set<FakeChannel>()
  onmessage: ((event: { data: unknown }) => void) | null = null

  constructor(readonly name: string) {
    FakeChannel.open.add(this)
  }

  postMessage(data: unknown): void {
    const copy = structuredClone(data)
    for (const other of FakeChannel.open) {
      if (other !== this && other.name === this.name) {
        queueMicrotask(() => FakeChannel.open.has(other) && other.onmessage?.({ data: copy }))
      }
    }
  }

  close(): void {
    FakeChannel.open.delete(this)
  }
}

export function fakeTabs(): void {
  FakeChannel.open.clear()
  vi.stubGlobal('BroadcastChannel', FakeChannel)
  Object.defineProperty(navigator, 'locks', { value: new FakeLocks(), configurable: true })
}
