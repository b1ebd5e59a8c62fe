/**
 * One socket, from its opening to its end: what is told to the gateway, and when its silence
 * means that it is gone.
 *
 * A tick a second does all that takes time. A timer for each would fire at another moment than
 * planned in a hidden or sleeping tab anyway; a tick compares clocks and so cannot be late twice.
 */
import { errorOfClose, localError, type RealtimeError, typedError } from './errors.js'
import { formatPosition } from './position.js'
import type { Session, Update } from './session.js'
import { refreshInMs } from './tokenLife.js'
import type { TokenSource } from './tokenSource.js'
import { Transport } from './transport.js'
import { decodeServerFrame, type ServerFrame } from './wire.js'

const TICK_MS = 1_000
const HELLO_PATIENCE_MS = 10_000
const SILENT_HEARTBEATS = 2.5
const PROBE_PATIENCE_MS = 2_000
const REFRESH_RETRY_MS = 30_000

export interface ConversationListener {
  readonly onFrame: (frame: ServerFrame) => void
  readonly onUpdates: (updates: readonly Update[]) => void
  /** The conversation is over, and why. `wasRefused`: the upgrade failed, a browser says not how. */
  readonly onEnd: (error: RealtimeError, wasRefused: boolean) => void
  readonly onError: (error: RealtimeError) => void
}

export interface Occasion {
  readonly url: string
  readonly token: string
  readonly session: Session
  readonly tokens: TokenSource
  readonly isHidden: () => boolean
}

export class Conversation {
  rttMs: number | null = null
  tokenExpiresAtMs: number | null = null
  readonly #transport: Transport
  readonly #ticking: ReturnType<typeof setInterval>
  readonly #acked = new Map<string, string>()
  #isOver = false
  #isGreeted = false
  #patienceMs = HELLO_PATIENCE_MS
  #heardAtMs = performance.now()
  #ackedAtMs = 0
  #probedAtMs: number | undefined
  #probing: ReturnType<typeof setTimeout> | undefined
  #refreshAtMs = Number.POSITIVE_INFINITY
  #notice: RealtimeError | undefined

  /** Begin; throws if the browser refuses even to open a socket. */
  constructor(
    private readonly occasion: Occasion,
    private readonly listener: ConversationListener,
  ) {
    this.#transport = new Transport(occasion.url, occasion.token, {
      onFrame: (text) => this.#hear(text),
      onClose: (code, reason, wasOpen) => this.#end(this.#errorOf(code, reason), !wasOpen),
    })
    this.#ticking = setInterval(() => this.#tick(), TICK_MS)
  }

  /** End without telling the listener. */
  close(): void {
    this.#isOver = true
    clearInterval(this.#ticking)
    clearTimeout(this.#probing)
    this.#transport.close()
  }

  /** Tell whether the page is hidden; on its return, ask whether the socket still lives. */
  visibilityChanged(isHidden: boolean): void {
    if (!this.#isGreeted) return
    this.#transport.send({ type: 'visibility', hidden: isHidden })
    if (!isHidden) this.probe()
  }

  /** Expect an answer within two seconds: a socket may have died while the tab slept. */
  probe(): void {
    if (!this.#isGreeted) return
    this.#probedAtMs = performance.now()
    this.#transport.send({ type: 'ping' })
    clearTimeout(this.#probing)
    this.#probing = setTimeout(() => {
      this.#end(localError('unreachable', 'no answer to a ping within 2 s'))
    }, PROBE_PATIENCE_MS)
    this.#refreshIfDue()
  }

  #hear(text: unknown): void {
    this.#heardAtMs = performance.now()
    clearTimeout(this.#probing)
    try {
      const frame = decodeServerFrame(text)
      if (frame) this.#take(frame)
      // Here as well as in the tick: a hidden tab's ticks come once a minute.
      if (!this.#isOver && this.#heardAtMs - this.#ackedAtMs >= TICK_MS) this.#acknowledge()
    } catch (thrown) {
      // The gateway's mistake, not ours: worth another connection.
      this.#end(typedError(thrown, 'bad_frame', 'server frame'))
    }
  }

  #take(frame: ServerFrame): void {
    this.#note(frame)
    const updates = this.occasion.session.take(frame)
    if (frame.type === 'hello' || frame.type === 'subscriptions') this.#rememberAcked()
    this.listener.onFrame(frame)
    this.listener.onUpdates(updates)
    const resume = updates.find((update) => update.type === 'resume')
    if (resume) this.#end(localError('chain_broken', resume.message))
  }

  #note(frame: ServerFrame): void {
    if (frame.type === 'hello') {
      this.#isGreeted = true
      this.#patienceMs = frame.heartbeatMs * SILENT_HEARTBEATS
      this.#scheduleRefresh(frame.tokenExpiresAt)
      if (this.occasion.isHidden()) this.visibilityChanged(true)
    } else if (frame.type === 'auth') {
      this.#scheduleRefresh(frame.tokenExpiresAt)
    } else if (frame.type === 'error') {
      this.#notice = frame.error
      this.listener.onError(frame.error)
    } else if (frame.type === 'heartbeat' && this.#probedAtMs !== undefined) {
      this.rttMs = performance.now() - this.#probedAtMs
      this.#probedAtMs = undefined
    }
  }

  #scheduleRefresh(expiresAtMs: number): void {
    this.tokenExpiresAtMs = expiresAtMs
    this.#refreshAtMs = Date.now() + refreshInMs(expiresAtMs - Date.now(), Math.random())
  }

  #tick(): void {
    if (performance.now() - this.#heardAtMs > this.#patienceMs) {
      const message = `no frame from the gateway for ${this.#patienceMs / 1000} s`
      this.#end(localError('unreachable', message))
    } else {
      this.#acknowledge()
      this.#refreshIfDue()
    }
  }

  #refreshIfDue(): void {
    if (Date.now() >= this.#refreshAtMs) void this.#refreshToken()
  }

  async #refreshToken(): Promise<void> {
    this.#refreshAtMs = Date.now() + REFRESH_RETRY_MS
    try {
      const token = await this.occasion.tokens.fresh()
      this.#transport.send({ type: 'auth', token })
    } catch (thrown) {
      const error = typedError(thrown, 'token_failed', 'getToken failed')
      // The old token still holds; when it ends, connecting again will tell for good. But an
      // app that says there will be none has signed the user out.
      if (error.retryable) this.listener.onError(error)
      else this.#end(error)
    }
  }

  #acknowledge(): void {
    const fresh: Record<string, string> = {}
    for (const [name, position] of this.occasion.session.positions) {
      const text = formatPosition(position)
      if (this.#isGreeted && this.#acked.get(name) !== text) fresh[name] = text
    }
    if (!Object.keys(fresh).length) return
    this.#transport.send({ type: 'ack', positions: fresh })
    this.#rememberAcked()
  }

  #rememberAcked(): void {
    this.#ackedAtMs = performance.now()
    // The gateway knows where it began: only what follows needs an ack.
    for (const [name, position] of this.occasion.session.positions) {
      this.#acked.set(name, formatPosition(position))
    }
  }

  #errorOf(code: number, reason: string): RealtimeError {
    return this.#notice?.code === code ? this.#notice : errorOfClose(code, reason)
  }

  #end(error: RealtimeError, wasRefused = false): void {
    if (this.#isOver) return
    this.close()
    this.listener.onEnd(error, wasRefused)
  }
}
