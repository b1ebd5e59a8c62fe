/** What a page needs of a client, whether the socket is its own or shared between tabs. */
import type { Wanted } from './connection/addresses.js'
import type { GetToken } from './connection/tokenSource.js'
import type { ServiceListener } from './page/events.js'
import type { Visibility } from './page/pageWatch.js'
import type { RealtimeStatus } from './page/status.js'
import type { RealtimeError } from './protocol/errors.js'

export interface RealtimeOptions {
  /** Where the gateways are: `wss://host`, or the full URL of the stream. */
  readonly url: string
  /** Asked before a connect and when a token nears its end; may return a kept token. */
  readonly getToken: GetToken
  /** What to receive; left out, it is all that the token lists. */
  readonly services?: readonly string[] | undefined
  /** Left out, it is the last value given to `setRealtimePropertyFilter`, or null. */
  readonly propertyId?: string | null | undefined
  /** Open no socket at all, as `REALTIME_EMERGENCY_DISABLE` would. */
  readonly emergencyDisable?: boolean | undefined
  /** Post health to `/telemetry/client` each minute; true unless said otherwise. */
  readonly telemetry?: boolean | undefined
  /** Called with what went wrong without ending anything. The status shows the rest. */
  readonly onError?: ((error: RealtimeError) => void) | undefined
  /** Positions of an earlier client, to go on from. */
  readonly resumeFrom?: Readonly<Record<string, string>> | undefined
  /** Says whether the page is hidden; the document unless said otherwise. */
  readonly visibility?: Visibility | undefined
  /** Where events are dispatched; the window unless said otherwise. */
  readonly target?: EventTarget | undefined
}

export interface Realtime {
  readonly status: RealtimeStatus
  start(): void
  stop(): void
  /** Change what is received, in place; what is left out stays as it is. */
  subscribe(change: Partial<Wanted>): void
  /** Attach a listener to a service, and return how to detach it. */
  listen<Data = unknown>(service: string, listener: ServiceListener<Data>): () => void
  /** Call back whenever `status` is another one, until the returned function is called. */
  onStatus(callback: () => void): () => void
}
