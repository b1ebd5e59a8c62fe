/** Performs what connectionState.ts decides: one attempt, one socket, one timer at a time. */
import {
  type ConnectionEffect,
  type ConnectionInput,
  type ConnectionState,
  step,
} from './connectionState.js'
import { Conversation } from './conversation.js'
import { localError, type RealtimeError, typedError } from './errors.js'
import type { Session, Update } from './session.js'
import type { TokenSource } from './tokenSource.js'
import type { ServerFrame } from './wire.js'

/** Every so many failed upgrades the gateway is asked over HTTP what is wrong. */
const ASK_EVERY = 8

export interface ConnectionParts {
  readonly session: Session
  readonly tokens: TokenSource
  /** The URL to open; throws RealtimeError if the app gave none that is. */
  readonly url: () => string
  readonly isSwitchedOff: () => boolean
  readonly isHidden: () => boolean
  /** Ask over HTTP why an upgrade fails; rejects with what the gateway objects to. */
  readonly diagnose: () => Promise<unknown>
  readonly onState: (before: ConnectionState) => void
  readonly onFrame: (frame: ServerFrame) => void
  readonly onUpdates: (updates: readonly Update[]) => void
  readonly onError: (error: RealtimeError) => void
}

export class Connection {
  state: ConnectionState = { name: 'idle' }
  conversation: Conversation | undefined
  #attempt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly parts: ConnectionParts) {}

  put(input: ConnectionInput): void {
    const before = this.state
    const { state, effects } = step(before, input)
    this.state = state
    for (const effect of effects) this.#perform(effect)
    if (state !== before) this.parts.onState(before)
  }

  switchOffIfAsked(): boolean {
    if (!this.parts.isSwitchedOff()) return false
    this.put({ type: 'switchedOff', error: localError('disabled', 'REALTIME_EMERGENCY_DISABLE') })
    return true
  }

  #perform(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'openSocket':
        void this.#open()
        return
      case 'closeSocket':
        this.#attempt++
        this.conversation?.close()
        this.conversation = undefined
        return
      case 'startTimer':
        clearTimeout(this.#timer)
        this.#timer = setTimeout(() => this.put({ type: 'timerFired' }), effect.delayMs)
        return
      case 'stopTimer':
        clearTimeout(this.#timer)
        return
      case 'discardToken':
        this.parts.tokens.discard()
    }
  }

  async #open(): Promise<void> {
    const attempt = ++this.#attempt
    if (this.switchOffIfAsked()) return
    const { session, tokens, url, isHidden, ...listener } = this.parts
    try {
      const token = await tokens.current()
      // Stopped, or begun anew, while the app looked for its token.
      if (attempt !== this.#attempt) return
      this.conversation = new Conversation(
        { url: url(), token, session, tokens, isHidden },
        {
          ...listener,
          onEnd: (error, wasRefused) => void this.#ended(error, wasRefused, attempt),
        },
      )
    } catch (thrown) {
      const error = typedError(thrown, 'unreachable', 'no socket')
      void this.#ended(error, false, attempt)
    }
  }

  async #ended(error: RealtimeError, wasRefused: boolean, attempt: number): Promise<void> {
    const why = wasRefused ? await this.#reason(error) : error
    if (attempt !== this.#attempt) return
    this.put(
      why.name === 'disabled'
        ? { type: 'switchedOff', error: why }
        : { type: 'ended', error: why, chance: Math.random(), nowMs: performance.now() },
    )
  }

  /** A browser tells nothing of a refused upgrade, so a wrong token would be tried for ever. */
  async #reason(error: RealtimeError): Promise<RealtimeError> {
    const { state } = this
    const failedCount = 'failedCount' in state ? state.failedCount : 0
    if (failedCount % ASK_EVERY !== 1) return error
    return this.parts.diagnose().then(
      () => error,
      (thrown) => typedError(thrown, 'unreachable', 'no answer'),
    )
  }
}
