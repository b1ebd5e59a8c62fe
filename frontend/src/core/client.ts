/**
 * A page's client: composes the parts, and is what an app sees.
 *
 * The constructor does nothing that a server render or a second render would notice; `start` and
 * `stop` may follow each other at once, as under StrictMode, and still make one socket.
 */
import { httpUrl, streamAddress, streamUrl, type Wanted } from './addresses.js'
import { Connection } from './connection.js'
import type { ConnectionState } from './connectionState.js'
import { type DebugState, exposeDebugState, healthByService } from './debugState.js'
import { Deliveries } from './deliveries.js'
import { localError, type RealtimeError, warn } from './errors.js'
import { listenTo, type ServiceListener } from './events.js'
import { call } from './http.js'
import { isEmergencyDisabled } from './killSwitch.js'
import { formatPosition, type Position, parsePosition } from './position.js'
import { enlist } from './propertyFilter.js'
import type { Realtime, RealtimeOptions } from './realtime.js'
import { ServiceStates } from './serviceStates.js'
import { Session, type Update } from './session.js'
import { IDLE, type RealtimeStatus, statusOf } from './status.js'
import { type Change, SubscriptionSync } from './subscriptionSync.js'
import { type Report, Telemetry } from './telemetry.js'
import { TokenSource } from './tokenSource.js'
import { watchPage } from './visibility.js'
import type { Hello, ServerFrame } from './wire.js'

export class RealtimeClient implements Realtime {
  #status: RealtimeStatus = IDLE
  #hello: Hello | null = null
  #leavePage: (() => void)[] = []
  readonly #callbacks = new Set<() => void>()
  readonly #tokens: TokenSource
  readonly #session: Session
  readonly #services: ServiceStates
  readonly #sync: SubscriptionSync
  readonly #deliveries: Deliveries
  readonly #telemetry: Telemetry
  readonly #connection: Connection
  readonly #onError: (error: RealtimeError) => void

  constructor(private readonly options: RealtimeOptions) {
    const { services, propertyId = null, getToken, onError } = options
    this.#onError = (error) => (onError ?? warn)(error)
    this.#tokens = new TokenSource(getToken)
    this.#session = new Session(positionsOf(options.resumeFrom))
    this.#services = new ServiceStates(this.#session)
    this.#sync = new SubscriptionSync(
      { services, propertyId },
      { change: (change) => this.#change(change), onError: this.#onError },
    )
    this.#deliveries = new Deliveries(() => this.#target)
    this.#telemetry = new Telemetry(this.#deliveries.meters, (report, isLast) =>
      this.#report(report, isLast),
    )
    this.#connection = new Connection({
      session: this.#session,
      tokens: this.#tokens,
      url: () => streamUrl(this.#address, this.#sync.wanted, this.#session.positions),
      isSwitchedOff: () => options.emergencyDisable === true || isEmergencyDisabled(),
      isHidden: () => this.#visibility.hidden,
      diagnose: () => this.#diagnose(),
      onState: (before) => this.#stateChanged(before),
      onFrame: (frame) => this.#take(frame),
      onUpdates: (updates) => this.#deliver(updates),
      onError: this.#onError,
    })
  }

  get status(): RealtimeStatus {
    return this.#status
  }

  start(): void {
    if (!this.#leavePage.length && typeof window !== 'undefined') this.#enterPage()
    this.#connection.put({ type: 'start' })
  }

  stop(): void {
    for (const leave of this.#leavePage.splice(0)) leave()
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

  debugState(): DebugState {
    const { conversation } = this.#connection
    const positions = [...this.#session.positions]
    return {
      ...this.#status,
      error: this.#status.error?.toJSON() ?? null,
      url: this.options.url,
      propertyId: this.#sync.wanted.propertyId,
      rttMs: conversation?.rttMs ?? null,
      tokenExpiresAtMs: conversation?.tokenExpiresAtMs ?? null,
      positions: Object.fromEntries(positions.map(([name, at]) => [name, formatPosition(at)])),
      quarantine: this.#services.quarantined,
      ...healthByService(this.#deliveries.meters),
    }
  }

  get #address(): string {
    return streamAddress(this.options.url)
  }

  get #target(): EventTarget {
    return this.options.target ?? window
  }

  get #visibility() {
    return this.options.visibility ?? document
  }

  #enterPage(): void {
    const page = {
      onVisibility: (isHidden: boolean) => {
        this.#connection.conversation?.visibilityChanged(isHidden)
        if (!isHidden) this.#connection.put({ type: 'woken' })
      },
      onOnline: () => {
        this.#connection.conversation?.probe()
        this.#connection.put({ type: 'woken' })
      },
      onPageHide: () => this.#telemetry.flush(true),
    }
    this.#leavePage = [
      watchPage(window, this.#visibility, page),
      exposeDebugState(() => this.debugState()),
      enlist(this),
      () => this.#telemetry.stop(),
    ]
    if (this.options.telemetry !== false) this.#telemetry.start()
  }

  #take(frame: ServerFrame): void {
    this.#services.take(frame)
    if (frame.type === 'hello') this.#greeted(frame)
    else if (frame.type === 'drain') {
      const { reconnectAfterMs } = frame
      this.#connection.put({ type: 'drained', afterMs: reconnectAfterMs, nowMs: performance.now() })
    } else if (frame.type === 'disabled' && !frame.services.length) {
      const { retryAfterMs } = frame
      const error = localError('disabled', 'switched off by the operator', { retryAfterMs })
      this.#connection.put({ type: 'switchedOff', error })
    }
    this.#connection.switchOffIfAsked()
    this.#refresh()
  }

  #greeted(hello: Hello): void {
    this.#hello = hello
    const { connectionId, propertyId, services } = hello
    const names = services.map(({ name }) => name)
    this.#sync.greeted({ connectionId, propertyId, services: names })
    this.#connection.put({ type: 'greeted', nowMs: performance.now() })
  }

  #deliver(updates: readonly Update[]): void {
    this.#deliveries.deliver(updates, this.#sync.wanted.propertyId)
    this.#refresh()
  }

  #stateChanged(before: ConnectionState): void {
    if (before.name === 'connected' && this.#connection.state.name !== 'connected') {
      this.#hello = null
      this.#sync.lost()
      this.#deliveries.countReconnect(this.#session.positions.keys())
    }
    this.#refresh()
  }

  /** Replace the status if it changed, and say so. */
  #refresh(): void {
    const { state } = this.#connection
    // Single services that are off do not end the socket: another page may want others.
    const isAllOff = state.name === 'connected' && this.#services.isAllOff()
    const next: RealtimeStatus = {
      ...statusOf(state),
      ...(isAllOff && { state: 'off' as const }),
      connectionId: this.#hello?.connectionId ?? null,
      node: this.#hello?.node ?? null,
      services: this.#services.read(this.#sync.wanted.services, state.name === 'connected'),
    }
    if (JSON.stringify(next) === JSON.stringify(this.#status)) return
    this.#status = next
    for (const callback of [...this.#callbacks]) callback()
  }

  async #change({ connectionId, propertyId, services }: Change): Promise<unknown> {
    const body = { services, propertyId, connectionId }
    return this.#call('update-services', { body })
  }

  #report(services: Report, isLast: boolean): Promise<unknown> {
    const { state, connectionId } = this.#status
    const body = { state, ...(connectionId === null ? {} : { connectionId }), services }
    return this.#call('/telemetry/client', { body, keepalive: isLast })
  }

  #diagnose(): Promise<unknown> {
    const { services } = this.#sync.wanted
    return this.#call(`positions${services ? `?services=${services.join()}` : ''}`, {})
  }

  async #call(path: string, more: { body?: unknown; keepalive?: boolean }): Promise<unknown> {
    const token = await this.#tokens.current()
    const url = httpUrl(this.#address, path)
    return call({ url, token, ...more }).catch((error: RealtimeError) => {
      if (error.name === 'unauthorized') this.#tokens.discard()
      throw error
    })
  }
}

function positionsOf(resumeFrom: Readonly<Record<string, string>> = {}): Map<string, Position> {
  return new Map(Object.entries(resumeFrom).map(([name, text]) => [name, parsePosition(text)]))
}
