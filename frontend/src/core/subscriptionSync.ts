/**
 * Brings the open socket's services and filter to what the page wants.
 *
 * A burst of changes is one call, one call is under way at a time, and the newest set wins:
 * whoever clicks through five pages causes two calls, not five. Without a socket there is
 * nothing to change; the next one asks for the newest set in its URL.
 */
import type { Wanted } from './addresses.js'
import { backoffMs } from './backoff.js'
import type { RealtimeError } from './errors.js'

const BURST_MS = 25

export interface Change extends Wanted {
  readonly connectionId: string
}

export interface SyncListener {
  /** Make the call; rejects with RealtimeError. */
  readonly change: (change: Change) => Promise<void>
  readonly onError: (error: RealtimeError) => void
}

export class SubscriptionSync {
  #connectionId = ''
  #held: Wanted | undefined
  /** What the gateway refused for good: not asked for again on this socket. */
  #refused = ''
  #isUnderWay = false
  #failedCount = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    public wanted: Wanted,
    private readonly listener: SyncListener,
  ) {}

  want(change: Partial<Wanted>): void {
    this.wanted = { ...this.wanted, ...change }
    this.#schedule(BURST_MS)
  }

  /** A socket is open and holds this. */
  greeted(connectionId: string, held: Wanted): void {
    this.#connectionId = connectionId
    this.#held = held
    this.#refused = ''
    this.#schedule(0)
  }

  /** The socket is gone. */
  lost(): void {
    this.#held = undefined
    clearTimeout(this.#timer)
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#run(), delayMs)
  }

  async #run(): Promise<void> {
    const held = this.#held
    if (!held || this.#isUnderWay) return
    const { propertyId, services = held.services } = this.wanted
    const next = { services, propertyId }
    const key = keyOf(next)
    if (key === keyOf(held) || key === this.#refused) return
    this.#isUnderWay = true
    const connectionId = this.#connectionId
    let delayMs = 0
    try {
      await this.listener.change({ ...next, connectionId })
      this.#failedCount = 0
      // Another socket may be open by now, which never heard of this.
      if (this.#held && this.#connectionId === connectionId) this.#held = next
    } catch (thrown) {
      const error = thrown as RealtimeError
      this.listener.onError(error)
      if (!error.retryable) this.#refused = key
      else delayMs = error.retryAfterMs ?? backoffMs(++this.#failedCount, Math.random())
    }
    this.#isUnderWay = false
    this.#schedule(delayMs)
  }
}

function keyOf({ services, propertyId }: Wanted): string {
  return JSON.stringify([[...new Set(services)].sort(), propertyId])
}
