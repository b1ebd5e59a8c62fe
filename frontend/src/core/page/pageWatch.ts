/**
 * Follows a page that is hidden, comes back, or is online again.
 *
 * The gateway sends a hidden page less, so it must know. When the page returns, a ping asks whether
 * the socket still works, since it may have died while the tab slept.
 */
import type { Connection } from '../connection/connection.js'
import type { Hello, ServerFrame } from '../protocol/frames.js'

/** A slow mobile network answers within it; a user who is back would notice a longer wait. */
const PATIENCE_MS = 2_000

export type Visibility = EventTarget & { readonly hidden: boolean }

export interface PageWatchParts {
  readonly connection: Connection
  readonly visibility: Visibility
  /** The first frame of the open socket, undefined if none is open. */
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
