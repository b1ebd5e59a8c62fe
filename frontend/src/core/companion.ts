/**
 * What a page needs beside its socket: changes in place, the question why an upgrade fails, and
 * the counts that make a client visible from outside.
 *
 * Loaded while the socket opens, which waits for none of it. All HTTP calls are made here.
 */
import { httpUrl } from './addresses.js'
import { debugStateOf, exposeDebugState, type Inside } from './debugState.js'
import type { RealtimeError } from './errors.js'
import { Health } from './health.js'
import { call } from './http.js'
import { SubscriptionSync, type SyncParts } from './subscriptionSync.js'
import { type Report, Telemetry } from './telemetry.js'
import type { TokenSource } from './tokenSource.js'

export interface CompanionParts extends Omit<SyncParts, 'change'> {
  readonly address: URL
  readonly tokens: TokenSource
  readonly inside: () => Inside
}

export class Companion {
  readonly health = new Health()
  readonly sync: SubscriptionSync

  constructor(private readonly parts: CompanionParts) {
    const change = (body: object) => this.#post('update-services', body)
    this.sync = new SubscriptionSync({ ...parts, change })
  }

  /** Let the client be looked at until `signal` is aborted, and report its health if it may. */
  observe(mayReport: boolean, signal: AbortSignal): void {
    if (signal.aborted) return
    const post = (services: Report, isLast: boolean) =>
      this.#post('/telemetry/client', { services }, isLast)
    exposeDebugState(() => debugStateOf(this.parts.inside()), signal)
    if (mayReport) new Telemetry(this.health.meters, post).start(signal)
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
