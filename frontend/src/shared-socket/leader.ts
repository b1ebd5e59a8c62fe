/**
 * The tab that holds the socket: subscribes to what all tabs want together, and relays.
 *
 * Tabs with different properties share no filter, so the socket then has none and each tab drops
 * what is not its own.
 */
import { RealtimeClient } from '../core/client.js'
import type { RealtimeOptions } from '../core/realtime.js'
import type { Message, TabSubscription } from './messages.js'

export interface LeaderParts {
  readonly options: RealtimeOptions
  readonly id: string
  readonly lockOf: (tab: string) => string
  /** Reaches every tab, this one included. */
  readonly broadcast: (message: Message) => void
}

/** Hands what a client dispatches to `relay` in place of listeners. */
class RelayTarget extends EventTarget {
  constructor(private readonly relay: (event: CustomEvent) => void) {
    super()
  }

  override dispatchEvent(event: Event): boolean {
    this.relay(event as CustomEvent)
    return true
  }
}

class SharedVisibility extends EventTarget {
  hidden = false

  set(isHidden: boolean): void {
    if (this.hidden === isHidden) return
    this.hidden = isHidden
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

export class Leader {
  readonly #tabs = new Map<string, TabSubscription>()
  readonly #visibility = new SharedVisibility()
  readonly #client: RealtimeClient
  readonly #abort = new AbortController()
  #count = 0

  constructor(private readonly parts: LeaderParts) {
    const target = new RelayTarget(({ type: name, detail }) => {
      parts.broadcast({ kind: 'relayed', leader: parts.id, n: ++this.#count, name, detail })
    })
    this.#client = new RealtimeClient({
      ...parts.options,
      target,
      visibility: this.#visibility,
    })
    this.#client.onStatus(() => this.broadcastState())
  }

  start(): void {
    this.#client.start()
    this.parts.broadcast({ kind: 'newLeader' })
  }

  stop(): void {
    this.#abort.abort()
    this.#client.stop()
  }

  receive(subscription: TabSubscription): void {
    const isNew = !this.#tabs.has(subscription.tab)
    this.#tabs.set(subscription.tab, subscription)
    if (isNew) this.#watchTab(subscription.tab)
    this.#subscribe()
    this.broadcastState()
  }

  leave(tab: string): void {
    if (this.#tabs.delete(tab)) this.#subscribe()
  }

  broadcastState(): void {
    const { status } = this.#client
    const error = status.error?.toJSON() ?? null
    const debug = this.#client.debugState
    this.parts.broadcast({ kind: 'state', status: { ...status, error }, debug })
  }

  /** A tab holds its lock as long as it lives: once the lock is granted here, the tab is gone. */
  #watchTab(tab: string): void {
    if (tab === this.parts.id) return
    const { signal } = this.#abort
    navigator.locks
      .request(this.parts.lockOf(tab), { signal }, () => this.leave(tab))
      .catch(() => {}) // this leader went first
  }

  #subscribe(): void {
    const tabs = [...this.#tabs.values()]
    const properties = new Set(tabs.map(({ propertyId }) => propertyId))
    const [only = null] = properties
    this.#visibility.set(tabs.every(({ isHidden }) => isHidden))
    this.#client.subscribe({
      services: [...new Set(tabs.flatMap(({ services }) => services))].sort(),
      propertyId: properties.size === 1 ? only : null,
    })
  }
}
