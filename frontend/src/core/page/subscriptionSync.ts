/**
 * Brings the open socket's services and filter to what the page wants.
 *
 * A burst of changes is one call, one call is under way at a time, and the newest set wins:
 * a click through five pages causes two calls, not five. Without a socket there is
 * nothing to change; the next one asks for the newest set in its URL.
 */
import type { Wanted } from '../connection/addresses.js'
import { backoffMs } from '../connection/backoff.js'
import type { RealtimeError } from '../protocol/errors.js'
import type { Hello } from '../protocol/frames.js'

/** The unmounts and mounts of one navigation fall into it, and no user notices it. */
const BURST_MS = 25

/** What one socket is to receive from now on. */
export interface Change extends Wanted {
  readonly connectionId: string
}

export interface SyncParts {
  readonly wanted: () => Wanted
  /** The first frame of the open socket, undefined if none is open. */
  readonly hello: () => Hello | undefined
  /** Make the call; rejects with RealtimeError. */
  readonly change: (change: Change) => Promise<void>
  readonly onError: (error: RealtimeError) => void
}

export class SubscriptionSync {
  /** The socket that `#key` and `#refused` are about. */
  #hello: Hello | undefined
  #key = ''
  /** What the gateway refused for good: not asked for again on this socket. */
  #refused = ''
  #isUnderWay = false
  #failedCount = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly parts: SyncParts) {}

  /** Look soon whether the socket has what the page wants. */
  schedule(delayMs = BURST_MS): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#run(), delayMs)
  }

  /** The socket is gone. */
  lost(): void {
    clearTimeout(this.#timer)
  }

  async #run(): Promise<void> {
    const hello = this.parts.hello()
    if (!hello || this.#isUnderWay) return
    if (hello !== this.#hello) {
      this.#hello = hello
      this.#key = keyOf({ services: namesOf(hello), propertyId: hello.propertyId })
      this.#refused = ''
    }
    const { propertyId, services = namesOf(hello) } = this.parts.wanted()
    const change = { connectionId: hello.connectionId, services, propertyId }
    const key = keyOf(change)
    if (key === this.#key || key === this.#refused) return
    this.#isUnderWay = true
    this.schedule(await this.#change(change, key))
  }

  /** Make a call, and return how long the next one waits. */
  async #change(change: Change, key: string): Promise<number> {
    try {
      await this.parts.change(change)
      this.#failedCount = 0
      this.#key = key
      return 0
    } catch (thrown) {
      const error = thrown as RealtimeError
      this.parts.onError(error)
      if (error.retryable) {
        return error.retryAfterMs ?? backoffMs(++this.#failedCount, Math.random())
      }
      this.#refused = key
      return 0
    } finally {
      this.#isUnderWay = false
    }
  }
}

function namesOf({ services }: Hello): readonly string[] {
  return services.map(({ name }) => name)
}

function keyOf({ services, propertyId }: Wanted): string {
  return JSON.stringify([[...new Set(services)].sort(), propertyId])
}
