/**
 * One tab's view of a socket that all tabs of a user share.
 *
 * The tab that gets a Web Lock leads and holds the socket; when it closes, however suddenly, the
 * browser hands the lock to another, which resumes from the positions that it has seen. What a
 * tab may have missed on the way it learns as a gap, like everything else.
 */
import { type DebugState, exposeDebugState } from '../core/page/debugState.js'
import { listenTo, type ServiceListener, streamEventName } from '../core/page/events.js'
import { enlist } from '../core/page/propertyFilter.js'
import { IDLE, type RealtimeStatus } from '../core/page/status.js'
import { RealtimeError, warn } from '../core/protocol/errors.js'
import type { RealtimeEvent } from '../core/protocol/frames.js'
import { isAfter, parsePosition } from '../core/protocol/position.js'
import type { Gap } from '../core/protocol/session.js'
import type { Realtime, RealtimeOptions } from '../core/realtime.js'
import { Leader } from './leader.js'
import type { LeaderState, Message, Relayed, TabSubscription } from './messages.js'

export class SharedClient implements Realtime {
  #status: RealtimeStatus = IDLE
  #debug: DebugState | undefined
  #subscription: TabSubscription
  #positions: Record<string, string>
  #channel: BroadcastChannel | undefined
  #leader: Leader | undefined
  #lastRelayed: { leader: string; n: number } | undefined
  #release: (() => void)[] = []
  #cancel = new AbortController()
  readonly #id = crypto.randomUUID()
  readonly #callbacks = new Set<() => void>()

  constructor(
    private readonly options: RealtimeOptions,
    private readonly name: string,
  ) {
    const { services = [], propertyId = null, resumeFrom = {} } = options
    this.#subscription = { kind: 'subscribe', tab: this.#id, services, propertyId, isHidden: false }
    this.#positions = { ...resumeFrom }
  }

  get status(): RealtimeStatus {
    return this.#status
  }

  start(): void {
    if (this.#channel) return
    const channel = new BroadcastChannel(this.name)
    this.#channel = channel
    channel.onmessage = ({ data }) => this.#receive(data)
    this.#show({ ...IDLE, state: 'connecting' })
    this.#cancel = new AbortController()
    const { signal } = this.#cancel
    this.#release = [
      () => this.#cancel.abort(),
      this.#hold(this.#lockOf(this.#id), signal, () => this.#subscribe({})),
      this.#hold(this.name, signal, () => this.#lead()),
    ]
    this.#watch(signal)
    enlist(this, this.options.propertyId !== undefined, signal)
  }

  stop(): void {
    this.#post({ kind: 'left', tab: this.#id })
    this.#leader?.stop()
    this.#leader = undefined
    for (const release of this.#release.splice(0)) release()
    this.#channel?.close()
    this.#channel = undefined
    this.#debug = undefined
    this.#show({ ...IDLE, state: 'closed' })
  }

  subscribe(change: {
    services?: readonly string[] | undefined
    propertyId?: string | null
  }): void {
    const { services = this.#subscription.services, propertyId = this.#subscription.propertyId } =
      change
    this.#subscribe({ services, propertyId })
  }

  listen<Data = unknown>(service: string, listener: ServiceListener<Data>): () => void {
    return listenTo(this.#target, service, listener, this.options.onError ?? warn)
  }

  onStatus(callback: () => void): () => void {
    this.#callbacks.add(callback)
    return () => this.#callbacks.delete(callback)
  }

  get #target(): EventTarget {
    return this.options.target ?? window
  }

  #lockOf(tab: string): string {
    return `${this.name}:${tab}`
  }

  /** Wait for a lock, act, and keep it until the function that is returned is called. */
  #hold(name: string, signal: AbortSignal, act: () => void): () => void {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const granted = () => {
      if (signal.aborted) return
      act()
      return held
    }
    navigator.locks.request(name, { signal }, granted).catch(() => {}) // stopped while waiting
    return release
  }

  #watch(signal: AbortSignal): void {
    const visibility = () => this.#subscribe({ isHidden: document.hidden })
    const shown = ({ persisted }: PageTransitionEvent) => {
      // A page in the back-forward cache hears nothing.
      if (persisted) this.#announceGaps()
    }
    document.addEventListener('visibilitychange', visibility, { signal })
    window.addEventListener('pageshow', shown, { signal })
  }

  #lead(): void {
    const { services, propertyId } = this.#subscription
    this.#leader = new Leader({
      options: { ...this.options, services, propertyId, resumeFrom: this.#positions },
      id: this.#id,
      lockOf: (tab) => this.#lockOf(tab),
      broadcast: (message) => {
        this.#post(message)
        this.#receive(message)
      },
    })
    this.#leader.start()
  }

  #subscribe(change: Partial<TabSubscription>): void {
    this.#subscription = { ...this.#subscription, ...change }
    this.#post(this.#subscription)
    this.#leader?.receive(this.#subscription)
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message)
  }

  #receive(message: Message): void {
    if (message.kind === 'subscribe') this.#leader?.receive(message)
    else if (message.kind === 'left') this.#leader?.leave(message.tab)
    else if (message.kind === 'newLeader') this.#subscribe({})
    else if (message.kind === 'state') this.#receiveState(message)
    else this.#receiveRelayed(message)
  }

  #receiveState({ status, debug }: LeaderState): void {
    const error = status.error && new RealtimeError(status.error)
    const states = this.#subscription.services.map((name) => [
      name,
      status.services[name] ?? 'subscribing',
    ])
    if (debug && !this.#debug) exposeDebugState(() => this.#debug ?? debug, this.#cancel.signal)
    this.#debug = debug ?? this.#debug
    this.#show({ ...status, error, services: Object.fromEntries(states) })
  }

  #receiveRelayed({ leader, n, name, detail }: Relayed): void {
    if (this.#lastRelayed?.leader === leader && n !== this.#lastRelayed.n + 1) this.#announceGaps()
    this.#lastRelayed = { leader, n }
    const { service } = detail as { service: string }
    if (!this.#subscription.services.includes(service)) return
    if (name === streamEventName(service, 'events')) {
      const events = (detail as { events: RealtimeEvent[] }).events
      const fresh = this.#fresh(service, events)
      if (fresh.length) this.#dispatch(name, { service, events: fresh })
    } else {
      // What is live from now on has no past to resume from.
      if (name === streamEventName(service, 'live')) delete this.#positions[service]
      else this.#positions[service] = (detail as Gap).position
      this.#dispatch(name, detail)
    }
  }

  /** Return what this tab has not seen: a new leader may resume from a little further back. */
  #fresh(service: string, events: readonly RealtimeEvent[]): RealtimeEvent[] {
    const mine = parsePosition(this.#positions[service] ?? '0-0')
    const { propertyId } = this.#subscription
    const last = events.at(-1)?.position
    if (last && isAfter(parsePosition(last), mine)) this.#positions[service] = last
    return events.filter((event) => {
      const isMine = propertyId === null || (event.propertyId ?? propertyId) === propertyId
      return isMine && isAfter(parsePosition(event.position), mine)
    })
  }

  #announceGaps(): void {
    for (const service of this.#subscription.services) {
      const position = this.#positions[service] ?? '0-0'
      const gap = { type: 'gap', service, reason: 'unrecovered', position }
      this.#dispatch(streamEventName(service, 'gap'), gap)
    }
  }

  #dispatch(name: string, detail: unknown): void {
    this.#target.dispatchEvent(new CustomEvent(name, { detail }))
  }

  #show(status: RealtimeStatus): void {
    this.#status = status
    for (const callback of [...this.#callbacks]) callback()
  }
}
