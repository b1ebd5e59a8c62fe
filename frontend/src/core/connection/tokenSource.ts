/**
 * The app's tokens: kept while they hold, checked for expiry before every use.
 *
 * Kept, so that ten thousand clients that reconnect at once do not all ask their issuer. One
 * question at a time: every caller meanwhile gets the same answer.
 */
import { localError, typedError } from '../protocol/errors.js'
import { expiresAtMs } from './tokenLife.js'

export type GetToken = () => string | Promise<string>

/** An app that has no answer by then hangs, and would keep the page without events for ever. */
const PATIENCE_MS = 10_000
/** A token this close to its end could expire on its way through a slow network. */
const MARGIN_MS = 5_000

export class TokenSource {
  #token = ''
  #asking: Promise<string> | undefined

  constructor(private readonly getToken: GetToken) {}

  /** Return a token that holds now; throws RealtimeError if the app has none. */
  async current(): Promise<string> {
    return this.#token && leftMs(this.#token) > MARGIN_MS ? this.#token : this.fresh()
  }

  /** Return a token that the app was just asked for; throws RealtimeError. */
  fresh(): Promise<string> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** Forget the token, as a gateway does not accept it. */
  discard(): void {
    this.#token = ''
  }

  async #ask(): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(reject, PATIENCE_MS, 'getToken gave no answer within 10 s')
      })
      const token = await Promise.race([(async () => this.getToken())(), late])
      if (!token) throw 'getToken returned no token'
      check(token)
      this.#token = token
      return token
    } catch (thrown) {
      throw typedError(thrown, 'token_failed')
    } finally {
      clearTimeout(timer)
    }
  }
}

function check(token: string): void {
  const leftS = leftMs(token) / 1000
  if (leftS > 0) return
  const now = new Date().toISOString()
  throw localError('token_expired', `token expired ${-leftS} s ago; this device says it is ${now}`)
}

function leftMs(token: string): number {
  return (expiresAtMs(token) ?? Number.POSITIVE_INFINITY) - Date.now()
}
