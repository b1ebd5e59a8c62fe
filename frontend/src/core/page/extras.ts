/**
 * What a page needs beside its socket: changes in place, a fresh token in time, a look at the
 * page's coming and going, the question why an upgrade fails, and the counts that make a client
 * visible from outside.
 *
 * Loaded while the socket opens, which waits for none of it. All HTTP calls are made here.
 */
import { httpUrl } from '../connection/addresses.js'
import { TokenRefresh } from '../connection/tokenRefresh.js'
import type { TokenSource } from '../connection/tokenSource.js'
import type { RealtimeError } from '../protocol/errors.js'
import type { ServerFrame } from '../protocol/frames.js'
import type { Session } from '../protocol/session.js'
import { type DebugState, debugStateOf, exposeDebugState } from './debugState.js'
import { Health } from './health.js'
import { call } from './http.js'
import { PageWatch, type PageWatchParts } from './pageWatch.js'
import type { RealtimeStatus } from './status.js'
import { SubscriptionSync, type SyncParts } from './subscriptionSync.js'
import { type Report, Telemetry } from './telemetry.js'

export interface ExtrasParts extends Omit<SyncParts, 'change'>, PageWatchParts {
  readonly options: { readonly url: string; readonly telemetry?: boolean | undefined }
  readonly address: URL
  readonly tokens: TokenSource
  readonly session: Session
  readonly status: () => RealtimeStatus
}

export class Extras {
  readonly health = new Health()
  readonly sync: SubscriptionSync
  readonly refresh: TokenRefresh
  readonly #watch: PageWatch

  constructor(private readonly parts: ExtrasParts) {
    const { connection } = parts
    const change = (body: object) => this.#post('update-services', body)
    this.#watch = new PageWatch(parts)
    this.sync = new SubscriptionSync({ ...parts, change })
    this.refresh = new TokenRefresh({
      ...parts,
      send: (token) => connection.stream?.send({ type: 'auth', token }),
      giveUp: (error) => connection.end(error),
    })
  }

  /** Watch the page and let the client be looked at, until `signal` is aborted. */
  observe(signal: AbortSignal): void {
    if (signal.aborted) return
    this.#watch.start(signal)
    exposeDebugState(() => this.debugState, signal)
    const post = (services: Report, isLast: boolean) =>
      this.#post('/telemetry/client', { services }, isLast)
    if (this.parts.options.telemetry !== false)
      new Telemetry(this.health.meters, post).start(signal)
  }

  receive(frame: ServerFrame): void {
    this.refresh.receive(frame)
    this.#watch.receive(frame)
    if (frame.type === 'hello') this.sync.schedule(0)
  }

  /** What `window.__realtimeState()` returns. */
  get debugState(): DebugState {
    const { options, session, connection, status, wanted } = this.parts
    return debugStateOf({
      status: status(),
      url: options.url,
      propertyId: wanted().propertyId,
      rttMs: connection.stream ? this.#watch.rttMs : null,
      tokenExpiresAtMs: connection.stream ? this.refresh.expiresAtMs : null,
      positions: session.texts,
      meters: this.health.meters,
    })
  }

  /** Ask over HTTP why an upgrade fails; rejects with what the gateway objects to. */
  diagnose(): Promise<void> {
    const { services = [] } = this.parts.wanted()
    return this.#call(`positions?services=${services}`, {})
  }

  #post(path: string, body: object, keepalive = false): Promise<void> {
    return this.#call(path, { method: 'POST', body: JSON.stringify(body), keepalive })
  }

  async #call(path: string, init: RequestInit): Promise<void> {
    const { tokens, address } = this.parts
    const token = await tokens.current()
    await call(httpUrl(address, path), token, init).catch((error: RealtimeError) => {
      if (error.name === 'unauthorized') tokens.discard()
      throw error
    })
  }
}
