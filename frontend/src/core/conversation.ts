/**
 * One socket, from its opening to its end: what is told to the gateway, and when its silence
 * means that it is gone.
 *
 * A tick a second does all that takes time. A timer for each would fire at another moment than
 * planned in a hidden or sleeping tab anyway; a tick compares clocks and so cannot be late twice.
 */
import { errorOfClose, localError, RealtimeError, typedError } from './errors.js'
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

export interface ConversationParts {
  readonly session: Session
  readonly tokens: TokenSource
  readonly isHidden: () => boolean
  readonly onFrame: (frame: ServerFrame, updates: readonly Update[]) => void
  readonly onError: (error: RealtimeError) => void
}

/** `wasRefused`: the upgrade failed, and a browser does not say how. */
export type OnEnd = (error: RealtimeError, wasRefused: boolean) => void

export class Conversation {
  rttMs: number | null = null
  tokenExpiresAtMs: number | null = null
  readonly #transport: Transport
  readonly #ticking = setInterval(() => this.#tick(), TICK_MS)
  #isOver = false
  #isGreeted = false
  #patienceMs = HELLO_PATIENCE_MS
  /** When silence will have lasted too long. */
  #silentAtMs = performance.now() + HELLO_PATIENCE_MS
  #probedAtMs: number | undefined
  #acked = ''
  #ackedAtMs = 0
  #refreshAtMs = Number.POSITIVE_INFINITY
  #notice: RealtimeError | undefined

  constructor(
    private readonly parts: ConversationParts,
    url: URL,
    token: string,
    private readonly onEnd: OnEnd,
  ) {
    this.#transport = new Transport(url, token, {
      onFrame: (received) => this.#hear(received),
      onClose: (code, reason, wasOpen) => {
        const notice = this.#notice?.code === code ? this.#notice : undefined
        this.#end(notice ?? errorOfClose(code, reason), !wasOpen)
      },
    })
  }

  /** End without telling anybody. */
  close(): void {
    this.#isOver = true
    clearInterval(this.#ticking)
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
    const nowMs = performance.now()
    this.#probedAtMs = nowMs
    this.#silentAtMs = nowMs + PROBE_PATIENCE_MS
    this.#transport.send({ type: 'ping' })
    this.#refreshIfDue()
  }

  #hear(received: unknown): void {
    const nowMs = performance.now()
    try {
      const frame = decodeServerFrame(received)
      if (frame) this.#take(frame, nowMs)
    } catch (thrown) {
      // The gateway's mistake, not ours: worth another connection.
      this.#end(typedError(thrown, 'bad_frame'))
    }
    this.#silentAtMs = nowMs + this.#patienceMs
    // Here as well as in the tick: a hidden tab's ticks come once a minute.
    if (nowMs - this.#ackedAtMs >= TICK_MS) this.#acknowledge()
  }

  #take(frame: ServerFrame, nowMs: number): void {
    const { session, onFrame, onError, isHidden } = this.parts
    const updates = session.take(frame)
    if (frame.type === 'hello') {
      this.#isGreeted = true
      this.#patienceMs = frame.heartbeatMs * SILENT_HEARTBEATS
      if (isHidden()) this.visibilityChanged(true)
      // The gateway knows where it began: only what follows needs an ack.
      this.#acked = JSON.stringify(session.texts)
    }
    if (frame.type === 'hello' || frame.type === 'auth') {
      this.tokenExpiresAtMs = frame.tokenExpiresAt
      const leftMs = frame.tokenExpiresAt - Date.now()
      this.#refreshAtMs = Date.now() + refreshInMs(leftMs, Math.random())
    } else if (frame.type === 'error') {
      this.#notice = new RealtimeError(frame)
      onError(this.#notice)
    } else if (frame.type === 'heartbeat' && this.#probedAtMs !== undefined) {
      this.rttMs = nowMs - this.#probedAtMs
      this.#probedAtMs = undefined
    }
    onFrame(frame, updates)
    for (const update of updates) {
      if (update.type === 'resume') this.#end(localError('chain_broken', update.message))
    }
  }

  #tick(): void {
    if (performance.now() > this.#silentAtMs) {
      this.#end(localError('unreachable', 'no frame from the gateway in time'))
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
      this.#transport.send({ type: 'auth', token: await this.parts.tokens.fresh() })
    } catch (thrown) {
      const error = thrown as RealtimeError
      // The old token still holds; when it ends, connecting again will tell for good. But an
      // app that says there will be none has signed the user out.
      if (error.retryable) this.parts.onError(error)
      else this.#end(error)
    }
  }

  #acknowledge(): void {
    const positions = this.parts.session.texts
    const text = JSON.stringify(positions)
    this.#ackedAtMs = performance.now()
    if (!this.#isGreeted || text === this.#acked) return
    this.#acked = text
    this.#transport.send({ type: 'ack', positions })
  }

  #end(error: RealtimeError, wasRefused = false): void {
    if (this.#isOver) return
    this.close()
    this.onEnd(error, wasRefused)
  }
}
