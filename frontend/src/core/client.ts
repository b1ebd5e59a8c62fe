/**
 * A page's client: composes the parts, and is what an app sees.
 *
 * The constructor does nothing that a server render or a second render would notice; `start` and
 * `stop` may follow each other at once, as under StrictMode, and still make one socket.
 */
import { streamAddress, streamUrl, type Wanted } from './connection/addresses.js'
import { Connection } from './connection/connection.js'
import type { ConnectionState } from './connection/connectionState.js'
import { TokenSource } from './connection/tokenSource.js'
import type { DebugState } from './page/debugState.js'
import { type Delivery, deliveryOf, dispatch } from './page/deliveries.js'
import { listenTo, type ServiceListener } from './page/events.js'
import type { Extras } from './page/extras.js'
import { isEmergencyDisabled } from './page/killSwitch.js'
import { enlist } from './page/propertyFilter.js'
import { ServiceStates } from './page/serviceStates.js'
import { IDLE, type RealtimeStatus, statusOf } from './page/status.js'
import { type RealtimeError, typedError, warn } from './protocol/errors.js'
import type { Hello, ServerFrame } from './protocol/frames.js'
import { parsePosition } from './protocol/position.js'
import { Session, type Update } from './protocol/session.js'
import type { Realtime, RealtimeOptions } from './realtime.js'

export class RealtimeClient implements Realtime {
  status: RealtimeStatus = IDLE
  #wanted: Wanted
  #hello: Hello | undefined
  #connectedAtMs = 0
  #onPage: AbortController | undefined
  #extras: Extras | undefined
  #loading: Promise<Extras> | undefined
  readonly #callbacks = new Set<() => void>()
  readonly #address: URL
  readonly #tokens: TokenSource
  readonly #session: Session
  readonly #services: ServiceStates
  readonly #connection: Connection
  readonly #onError: (error: RealtimeError) => void

  /** Prepare; nothing is sent yet. Throws RealtimeError if a url or a position is none. */
  constructor(private readonly options: RealtimeOptions) {
    const { services, propertyId = null, resumeFrom = {}, onError = warn } = options
    this.#wanted = { services, propertyId }
    this.#onError = onError
    this.#address = streamAddress(options.url)
    this.#tokens = new TokenSource(options.getToken)
    const positions = Object.entries(resumeFrom)
    this.#session = new Session(positions.map(([name, text]) => [name, parsePosition(text)]))
    this.#services = new ServiceStates(this.#session)
    this.#connection = new Connection({
      onError,
      session: this.#session,
      tokens: this.#tokens,
      url: () => streamUrl(this.#address, this.#wanted, this.#session.texts),
      isSwitchedOff: () => options.emergencyDisable || isEmergencyDisabled(),
      diagnose: () => this.#withExtras((extras) => extras.diagnose()),
      onTick: () => this.#hello && this.#extras?.refresh.check(),
      onState: (before) => this.#stateChanged(before),
      onFrame: (frame, updates) => this.#receive(frame, updates),
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
    this.#wanted = { ...this.#wanted, ...change }
    this.#loading?.then(
      ({ sync }) => sync.schedule(),
      // No extras, no call: the URL of another socket says it as well.
      (thrown) => this.#hello && this.#connection.end(typedError(thrown, 'unreachable')),
    )
    this.#refresh()
  }

  listen<Data = unknown>(service: string, listener: ServiceListener<Data>): () => void {
    return listenTo(this.#target, service, listener, this.#onError)
  }

  onStatus(callback: () => void): () => void {
    this.#callbacks.add(callback)
    return () => this.#callbacks.delete(callback)
  }

  /** What `window.__realtimeState()` returns; undefined until the extras are loaded. */
  get debugState(): DebugState | undefined {
    return this.#extras?.debugState
  }

  get #target(): EventTarget {
    return this.options.target ?? window
  }

  #enterPage(): void {
    this.#onPage = new AbortController()
    const { signal } = this.#onPage
    enlist(this, this.options.propertyId !== undefined, signal)
    this.#load(signal)
  }

  #load(signal: AbortSignal): void {
    this.#loading ??= import('./page/extras.js').then(({ Extras }) => {
      this.#extras = new Extras({
        options: this.options,
        address: this.#address,
        tokens: this.#tokens,
        session: this.#session,
        connection: this.#connection,
        visibility: this.options.visibility ?? document,
        status: () => this.status,
        wanted: () => this.#wanted,
        hello: () => this.#hello,
        onError: this.#onError,
      })
      return this.#extras
    })
    void this.#withExtras((extras) => extras.observe(signal))
  }

  /** Act with the extras once they are loaded; a page without them works all the same. */
  async #withExtras<Result>(act: (extras: Extras) => Result): Promise<Awaited<Result> | undefined> {
    const extras = await this.#loading?.catch(() => undefined)
    return extras && (await act(extras))
  }

  #receive(frame: ServerFrame, updates: readonly Update[]): void {
    const nowMs = performance.now()
    this.#services.receive(frame)
    void this.#withExtras((extras) => extras.receive(frame))
    if (frame.type === 'hello') {
      this.#hello = frame
      this.#connectedAtMs = Date.now()
      this.#connection.put({ type: 'hello', nowMs })
    } else if (frame.type === 'drain') {
      this.#connection.put({ type: 'drained', afterMs: frame.reconnectAfterMs, nowMs })
    }
    this.#connection.obeySwitch()
    for (const update of updates) if (update.type !== 'resume') this.#deliver(update)
    this.#refresh()
  }

  #deliver(update: Delivery): void {
    const delivery = deliveryOf(update, this.#wanted.propertyId)
    const [atMs, connectedAtMs] = [Date.now(), this.#connectedAtMs]
    void this.#withExtras(({ health }) => health.countDelivery(delivery, atMs, connectedAtMs))
    dispatch(delivery, this.#target)
  }

  #stateChanged(before: ConnectionState): void {
    if (before.name === 'connected' && this.#connection.state.name !== 'connected') {
      this.#hello = undefined
      const services = [...this.#session.positions.keys()]
      void this.#withExtras(({ health, sync }) => {
        health.countReconnect(services)
        sync.lost()
      })
    }
    this.#refresh()
  }

  /** Replace the status if it changed, and say so. */
  #refresh(): void {
    const { state } = this.#connection
    const services = this.#services.read(this.#wanted.services, state.name === 'connected')
    const next = statusOf(state, services, this.#hello)
    if (JSON.stringify(next) === JSON.stringify(this.status)) return
    this.status = next
    for (const callback of [...this.#callbacks]) callback()
  }
}
