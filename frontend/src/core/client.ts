/**
 * A page's client: composes the parts, and is what an app sees.
 *
 * The constructor does nothing that a server render or a second render would notice; `start` and
 * `stop` may follow each other at once, as under StrictMode, and still make one socket.
 */
import { httpUrl, streamAddress, streamUrl, type Wanted } from './addresses.js'
import { Connection } from './connection.js'
import type { ConnectionState } from './connectionState.js'
import type { Inside } from './debugState.js'
import { Deliveries } from './deliveries.js'
import { type RealtimeError, warn } from './errors.js'
import { listenTo, type ServiceListener } from './events.js'
import { call } from './http.js'
import { isEmergencyDisabled } from './killSwitch.js'
import { parsePosition } from './position.js'
import { enlist } from './propertyFilter.js'
import type { Realtime, RealtimeOptions } from './realtime.js'
import { ServiceStates } from './serviceStates.js'
import { Session, type Update } from './session.js'
import { IDLE, type RealtimeStatus, statusOf } from './status.js'
import { SubscriptionSync } from './subscriptionSync.js'
import type { Report } from './telemetry.js'
import { TokenSource } from './tokenSource.js'
import { watchPage } from './visibility.js'
import type { Hello, ServerFrame } from './wire.js'

export class RealtimeClient implements Realtime {
  status: RealtimeStatus = IDLE
  #hello: Hello | undefined
  #connectedAtMs = 0
  #onPage: AbortController | undefined
  readonly #callbacks = new Set<() => void>()
  readonly #address: URL
  readonly #tokens: TokenSource
  readonly #session: Session
  readonly #services: ServiceStates
  readonly #sync: SubscriptionSync
  readonly #connection: Connection
  readonly #onError: (error: RealtimeError) => void
  readonly #deliveries = new Deliveries(() => this.#target)

  /** Prepare; nothing is sent yet. Throws RealtimeError if a url or a position is none. */
  constructor(private readonly options: RealtimeOptions) {
    const { services, propertyId = null, resumeFrom = {}, onError = warn } = options
    this.#onError = onError
    this.#address = streamAddress(options.url)
    this.#tokens = new TokenSource(options.getToken)
    const positions = Object.entries(resumeFrom)
    this.#session = new Session(positions.map(([name, text]) => [name, parsePosition(text)]))
    this.#services = new ServiceStates(this.#session)
    this.#sync = new SubscriptionSync(
      { services, propertyId },
      { change: (change) => this.#post('update-services', change), onError },
    )
    this.#connection = new Connection({
      onError,
      session: this.#session,
      tokens: this.#tokens,
      url: () => streamUrl(this.#address, this.#sync.wanted, this.#session.texts),
      isSwitchedOff: () => this.#isSwitchedOff(),
      isHidden: () => this.#visibility.hidden,
      diagnose: () => this.#diagnose(),
      onState: (before) => this.#stateChanged(before),
      onFrame: (frame, updates) => this.#take(frame, updates),
    })
  }

  start(): void {
    if (!this.#onPage && typeof window !== 'undefined') this.#enterPage()
    this.#connection.put({ type: 'start' })
  }

  stop(): void {
    this.#onPage?.abort()
    this.#onPage = undefined
    this.#connection.put({ type: 'stop' })
  }

  subscribe(change: Partial<Wanted>): void {
    this.#sync.want(change)
    this.#refresh()
  }

  listen<Data = unknown>(service: string, listener: ServiceListener<Data>): () => void {
    return listenTo(this.#target, service, listener, this.#onError)
  }

  onStatus(callback: () => void): () => void {
    this.#callbacks.add(callback)
    return () => this.#callbacks.delete(callback)
  }

  /** What `window.__realtimeState()` is made of. */
  get inside(): Inside {
    const { rttMs = null, tokenExpiresAtMs = null } = this.#connection.conversation ?? {}
    return {
      status: this.status,
      url: this.options.url,
      propertyId: this.#sync.wanted.propertyId,
      rttMs,
      tokenExpiresAtMs,
      positions: this.#session.texts,
      meters: this.#deliveries.meters,
    }
  }

  get #target(): EventTarget {
    return this.options.target ?? window
  }

  get #visibility() {
    return this.options.visibility ?? document
  }

  #isSwitchedOff(): boolean {
    return this.options.emergencyDisable || isEmergencyDisabled()
  }

  #enterPage(): void {
    this.#onPage = new AbortController()
    const { signal } = this.#onPage
    watchPage(window, this.#visibility, signal, {
      onVisibility: (isHidden) => {
        this.#connection.conversation?.visibilityChanged(isHidden)
        if (!isHidden) this.#connection.put({ type: 'woken' })
      },
      onOnline: () => {
        this.#connection.conversation?.probe()
        this.#connection.put({ type: 'woken' })
      },
    })
    enlist(this, signal)
    const post = (services: Report, isLast: boolean) =>
      this.#post('/telemetry/client', { services }, isLast)
    import('./observation.js')
      .then(({ observe }) =>
        observe(() => this.inside, this.options.telemetry === false ? null : post, signal),
      )
      .catch(() => {}) // a page that nobody can look into works all the same
  }

  #take(frame: ServerFrame, updates: readonly Update[]): void {
    const nowMs = performance.now()
    this.#services.take(frame)
    if (frame.type === 'hello') {
      this.#hello = frame
      this.#connectedAtMs = Date.now()
      this.#sync.greeted(frame.connectionId, {
        services: frame.services.map(({ name }) => name),
        propertyId: frame.propertyId,
      })
      this.#connection.put({ type: 'greeted', nowMs })
    } else if (frame.type === 'drain') {
      this.#connection.put({ type: 'drained', afterMs: frame.reconnectAfterMs, nowMs })
    }
    if (this.#isSwitchedOff()) this.#connection.switchOff()
    this.#deliveries.deliver(updates, this.#sync.wanted.propertyId, this.#connectedAtMs)
    this.#refresh()
  }

  #stateChanged(before: ConnectionState): void {
    if (before.name === 'connected' && this.#connection.state.name !== 'connected') {
      this.#hello = undefined
      this.#sync.lost()
      this.#deliveries.countReconnect(this.#session.positions.keys())
    }
    this.#refresh()
  }

  /** Replace the status if it changed, and say so. */
  #refresh(): void {
    const { state } = this.#connection
    const { connectionId = null, node = null } = this.#hello ?? {}
    const services = this.#services.read(this.#sync.wanted.services, state.name === 'connected')
    const next = { ...statusOf(state, services), connectionId, node }
    if (JSON.stringify(next) === JSON.stringify(this.status)) return
    this.status = next
    for (const callback of [...this.#callbacks]) callback()
  }

  #diagnose(): Promise<void> {
    const { services = [] } = this.#sync.wanted
    return this.#call(`positions?services=${services}`, {})
  }

  #post(path: string, body: object, keepalive = false): Promise<void> {
    return this.#call(path, { method: 'POST', body: JSON.stringify(body), keepalive })
  }

  async #call(path: string, init: RequestInit): Promise<void> {
    const token = await this.#tokens.current()
    await call(httpUrl(this.#address, path), token, init).catch((error: RealtimeError) => {
      if (error.name === 'unauthorized') this.#tokens.discard()
      throw error
    })
  }
}
