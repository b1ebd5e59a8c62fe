/**
 * Follows a page that is hidden, comes back, or is online again.
 *
 * The gateway is told of a hidden page, which gets less. On its return the socket is asked whether
 * it still lives, since it may have died while the tab slept.
 */
import type { Connection } from '../connection/connection.js'
import type { Hello, ServerFrame } from '../protocol/frames.js'

const PATIENCE_MS = 2_000

export type Visibility = EventTarget & { readonly hidden: boolean }

export interface PageWatchParts {
  readonly connection: Connection
  readonly visibility: Visibility
  /** What the open socket was told first, undefined if none is open. */
  readonly hello: () => Hello | undefined
}

export class PageWatch {
  rttMs: number | null = null
  #askedAtMs: number | undefined

  constructor(private readonly parts: PageWatchParts) {}

  /** Watch until `signal` is aborted. */
  start(signal: AbortSignal): void {
    const { visibility } = this.parts
    const seen = () => this.#seen()
    visibility.addEventListener('visibilitychange', seen, { signal })
    // A page from the back-forward cache is visible again without having been hidden.
    window.addEventListener('pageshow', seen, { signal })
    window.addEventListener('online', () => this.#wake(), { signal })
  }

  receive(frame: ServerFrame): void {
    if (frame.type === 'hello') {
      this.rttMs = null
      if (this.parts.visibility.hidden) this.#sendVisibility()
    } else if (frame.type === 'heartbeat' && this.#askedAtMs !== undefined) {
      this.rttMs = performance.now() - this.#askedAtMs
      this.#askedAtMs = undefined
    }
  }

  #seen(): void {
    if (this.parts.hello()) this.#sendVisibility()
    if (!this.parts.visibility.hidden) this.#wake()
  }

  #sendVisibility(): void {
    const { connection, visibility } = this.parts
    connection.stream?.send({ type: 'visibility', hidden: visibility.hidden })
  }

  #wake(): void {
    const { connection, hello } = this.parts
    connection.put({ type: 'woken' })
    if (!hello()) return
    this.#askedAtMs = performance.now()
    connection.stream?.send({ type: 'ping' })
    connection.stream?.expectFrame(PATIENCE_MS)
  }
}
