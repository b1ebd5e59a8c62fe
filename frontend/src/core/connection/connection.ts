/** Performs what connectionState.ts decides: one attempt, one socket, one timer at a time. */

import { localError, type RealtimeError, typedError } from '../protocol/errors.js'
import {
  type ConnectionEffect,
  type ConnectionInput,
  type ConnectionState,
  type Past,
  step,
} from './connectionState.js'
import { StreamConnection, type StreamConnectionParts } from './streamConnection.js'

/** The first failed upgrade is asked about, then each eighth: an outage has no news to ask for. */
const ASK_EVERY = 8

export interface ConnectionParts extends StreamConnectionParts {
  readonly url: () => URL
  readonly isSwitchedOff: () => boolean
  /** Ask over HTTP why an upgrade fails; rejects with what the gateway objects to. */
  readonly diagnose: () => Promise<unknown>
  readonly onState: (before: ConnectionState) => void
}

export class Connection {
  state: ConnectionState = { name: 'idle' }
  stream: StreamConnection | undefined
  #attempt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly parts: ConnectionParts) {}

  put(input: ConnectionInput): void {
    const before = this.state
    const [state, ...effects] = step(before, input)
    this.state = state
    for (const effect of effects) this.#perform(effect)
    if (state !== before) this.parts.onState(before)
  }

  /** End what is under way if the page's own switch says so; tell whether it does. */
  obeySwitch(): boolean {
    const isOff = this.parts.isSwitchedOff()
    if (isOff) this.end(localError('disabled', 'switched off by the page'))
    return isOff
  }

  #perform(effect: ConnectionEffect): void {
    if (effect === 'openSocket') void this.#open()
    else if (effect === 'discardToken') this.parts.tokens.discard()
    else if (effect === 'closeSocket') {
      this.#attempt++
      this.stream?.close()
      this.stream = undefined
    } else {
      clearTimeout(this.#timer)
      if (effect === 'stopTimer') return
      this.#timer = setTimeout(() => this.put({ type: 'timerFired' }), effect)
    }
  }

  async #open(): Promise<void> {
    const attempt = ++this.#attempt
    const onEnd = async (error: RealtimeError, wasRefused: boolean) => {
      const why = wasRefused ? await this.#reason(error) : error
      if (attempt === this.#attempt) this.end(why)
    }
    if (this.obeySwitch()) return
    try {
      const token = await this.parts.tokens.current()
      // Stopped, or started again, while the app looked for its token.
      if (attempt !== this.#attempt) return
      this.stream = new StreamConnection(this.parts, this.parts.url(), token, onEnd)
    } catch (thrown) {
      await onEnd(typedError(thrown, 'unreachable'), false)
    }
  }

  /** End what is under way because of `error`, and go on as it demands. */
  end(error: RealtimeError): void {
    this.put(
      error.name === 'disabled'
        ? { type: 'switchedOff', error }
        : { type: 'ended', error, chance: Math.random(), nowMs: performance.now() },
    )
  }

  /** A browser does not say why an upgrade failed, so a wrong token would be tried for ever. */
  async #reason(error: RealtimeError): Promise<RealtimeError> {
    const { failedCount = 0, wasRefused = false } = this.state as Partial<Past>
    // Also after a refusal: a second one in a row is final, and would look like no answer.
    if (failedCount % ASK_EVERY !== 1 && !wasRefused) return error
    return this.parts.diagnose().then(
      () => error,
      (objection) => objection,
    )
  }
}
