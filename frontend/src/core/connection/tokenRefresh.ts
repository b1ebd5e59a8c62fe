/**
 * Gives an open socket a fresh token before the old one ends, as a frame on that socket.
 *
 * Without it the gateway closes the socket at the token's end, and the next one is opened with a
 * fresh token: nothing is lost, but a moment.
 */
import type { RealtimeError } from '../protocol/errors.js'
import type { ServerFrame } from '../protocol/frames.js'
import { refreshInMs } from './tokenLife.js'
import type { TokenSource } from './tokenSource.js'

/** Four tries in the last fifth of a ten-minute token, and no burden to an issuer in trouble. */
const RETRY_MS = 30_000

export interface RefreshParts {
  readonly tokens: TokenSource
  readonly send: (token: string) => void
  /** The old token still holds, but there will be no other. */
  readonly giveUp: (error: RealtimeError) => void
  readonly onError: (error: RealtimeError) => void
}

export class TokenRefresh {
  expiresAtMs: number | null = null
  #dueAtMs = Number.POSITIVE_INFINITY

  constructor(private readonly parts: RefreshParts) {}

  receive(frame: ServerFrame): void {
    if (frame.type !== 'hello' && frame.type !== 'auth') return
    this.expiresAtMs = frame.tokenExpiresAt
    this.#dueAtMs = Date.now() + refreshInMs(frame.tokenExpiresAt - Date.now(), Math.random())
  }

  /** Refresh if it is time; a tick that compares clocks is right after a sleep as well. */
  check(): void {
    if (Date.now() >= this.#dueAtMs) void this.#refresh()
  }

  async #refresh(): Promise<void> {
    this.#dueAtMs = Date.now() + RETRY_MS
    try {
      this.parts.send(await this.parts.tokens.fresh())
    } catch (thrown) {
      const error = thrown as RealtimeError
      // When the old token ends, connecting again will tell for good. But an app that says there
      // will be none has signed the user out.
      if (error.retryable) this.parts.onError(error)
      else this.parts.giveUp(error)
    }
  }
}
