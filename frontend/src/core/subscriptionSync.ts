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
  readonly services: readonly string[]
  readonly connectionId: string
}

export interface SyncListener {
  /** Make the call; rejects with RealtimeError. */
  readonly change: (change: Change) => Promise<unknown>
  readonly onError: (error: RealtimeError) => void
}

export class SubscriptionSync {
  #wanted: Wanted
  #held: Change | undefined
  #refused = ''
  #isUnderWay = false
  #failedCount = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    wanted: Wanted,
    private readonly listener: SyncListener,
  ) {
    this.#wanted = wanted
  }

  get wanted(): Wanted {
    return this.#wanted
  }

  want(change: Partial<Wanted>): void {
    this.#wanted = { ...this.#wanted, ...change }
    this.#schedule(BURST_MS)
  }

  /** A socket is open and holds this. */
  greeted(held: Change): void {
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
    const next: Change = {
      ...held,
      ...this.#wanted,
      services: this.#wanted.services ?? held.services,
    }
    if (keyOf(next) === keyOf(held) || keyOf(next) === this.#refused) return
    this.#isUnderWay = true
    const delayMs = await this.#change(next)
    this.#isUnderWay = false
    this.#schedule(delayMs)
  }

  /** Make the change, and return when to look again. */
  async #change(next: Change): Promise<number> {
    try {
      await this.listener.change(next)
      this.#failedCount = 0
      // Another socket may be open by now, which never heard of this.
      if (this.#held?.connectionId === next.connectionId) this.#held = next
      return 0
    } catch (thrown) {
      const error = thrown as RealtimeError
      this.listener.onError(error)
      if (error.retryable)
        return error.retryAfterMs ?? backoffMs(++this.#failedCount, Math.random())
      this.#refused = keyOf(next)
      return 0
    }
  }
}

function keyOf({ services, propertyId }: Change): string {
  return JSON.stringify([[...new Set(services)].sort(), propertyId])
}
