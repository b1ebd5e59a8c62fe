/**
 * One socket, from its opening to its end: what is sent to the gateway, and when its silence
 * means that it is gone.
 *
 * A tick a second does all that takes time. A timer for each would fire at another moment than
 * planned in a hidden or sleeping tab anyway; a tick compares clocks and so cannot be late twice.
 */
import { errorOfClose, localError, RealtimeError, typedError } from '../protocol/errors.js'
import { type ClientFrame, decodeServerFrame, type ServerFrame } from '../protocol/frames.js'
import type { Session, Update } from '../protocol/session.js'
import type { TokenSource } from './tokenSource.js'
import { Transport } from './transport.js'

/** The protocol asks for an ack about once a second; nothing else here is in a greater hurry. */
const TICK_MS = 1_000
/** A gateway that has not said hello by then is stuck. The Python SDK's value. */
const HELLO_PATIENCE_MS = 10_000
/** Two heartbeats and a delay: 37.5 s by the gateway's default, below a proxy's usual 60 s. */
const SILENT_HEARTBEATS = 2.5

export interface StreamConnectionParts {
  readonly session: Session
  readonly tokens: TokenSource
  readonly onFrame: (frame: ServerFrame, updates: readonly Update[]) => void
  readonly onError: (error: RealtimeError) => void
  /** About once a second, and when the page has come back. */
  readonly onTick: () => void
}

/** `wasRefused`: the upgrade failed, and a browser does not say how. */
export type OnEnd = (error: RealtimeError, wasRefused: boolean) => void

export class StreamConnection {
  readonly #transport: Transport
  readonly #ticking = setInterval(() => this.#tick(), TICK_MS)
  #isOver = false
  #hasHello = false
  #patienceMs = HELLO_PATIENCE_MS
  /** When silence will have lasted too long. */
  #silentAtMs = performance.now() + HELLO_PATIENCE_MS
  #acked = ''
  #ackedAtMs = 0
  #notice: RealtimeError | undefined

  constructor(
    private readonly parts: StreamConnectionParts,
    url: URL,
    token: string,
    private readonly onEnd: OnEnd,
  ) {
    this.#transport = new Transport(url, token, {
      onFrame: (received) => this.#receiveText(received),
      onClose: (code, reason, wasOpen) => {
        const notice = this.#notice?.code === code ? this.#notice : undefined
        this.#end(notice ?? errorOfClose(code, reason), !wasOpen)
      },
    })
  }

  /** End without calling `onEnd`. */
  close(): void {
    this.#isOver = true
    clearInterval(this.#ticking)
    this.#transport.close()
  }

  send(frame: ClientFrame): void {
    this.#transport.send(frame)
  }

  /** Take a longer silence for the end, and look at all that is due. */
  expectFrame(withinMs: number): void {
    this.#silentAtMs = performance.now() + withinMs
    this.parts.onTick()
  }

  #receiveText(received: unknown): void {
    const nowMs = performance.now()
    try {
      const frame = decodeServerFrame(received)
      if (frame) this.#receive(frame)
    } catch (thrown) {
      // The gateway's mistake: worth another connection.
      this.#end(typedError(thrown, 'bad_frame'))
    }
    this.#silentAtMs = nowMs + this.#patienceMs
    // Here as well as in the tick: a hidden tab's ticks come once a minute.
    if (nowMs - this.#ackedAtMs >= TICK_MS) this.#acknowledge()
  }

  #receive(frame: ServerFrame): void {
    const { session, onFrame, onError } = this.parts
    const updates = session.receive(frame)
    if (frame.type === 'hello') {
      this.#hasHello = true
      this.#patienceMs = frame.heartbeatMs * SILENT_HEARTBEATS
      // The gateway knows where it began: only what follows needs an ack.
      this.#acked = JSON.stringify(session.texts)
    } else if (frame.type === 'error') {
      this.#notice = new RealtimeError(frame)
      onError(this.#notice)
    }
    onFrame(frame, updates)
    for (const update of updates) {
      if (update.type === 'resume') this.#end(localError('chain_broken', update.message))
    }
  }

  #tick(): void {
    if (performance.now() > this.#silentAtMs) {
      this.#end(localError('unreachable', 'no frame in time'))
    } else {
      this.#acknowledge()
      this.parts.onTick()
    }
  }

  #acknowledge(): void {
    const positions = this.parts.session.texts
    const text = JSON.stringify(positions)
    this.#ackedAtMs = performance.now()
    if (!this.#hasHello || text === this.#acked) return
    this.#acked = text
    this.#transport.send({ type: 'ack', positions })
  }

  #end(error: RealtimeError, wasRefused = false): void {
    if (this.#isOver) return
    this.close()
    this.onEnd(error, wasRefused)
  }
}
