/**
 * The app's tokens: kept while they hold, checked for expiry before every use.
 *
 * Kept, so that ten thousand clients that reconnect at once do not all ask their issuer. One
 * question at a time: whoever asks meanwhile gets the same answer.
 */
import { localError, typedError } from './errors.js'
import { expiresAtMs } from './tokenLife.js'

export type GetToken = () => string | Promise<string>

const PATIENCE_MS = 10_000
/** A token this close to its end would expire on its way. */
const MARGIN_MS = 5_000

export class TokenSource {
  #token: string | undefined
  #asking: Promise<string> | undefined

  constructor(private readonly getToken: GetToken) {}

  /** Return a token that holds now; throws RealtimeError if the app has none. */
  async current(): Promise<string> {
    const token = this.#token
    return token !== undefined && leftMs(token) > MARGIN_MS ? token : this.fresh()
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
    this.#token = undefined
  }

  async #ask(): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      const message = `getToken gave no answer within ${PATIENCE_MS / 1000} s`
      timer = setTimeout(() => reject(localError('token_failed', message)), PATIENCE_MS)
    })
    try {
      this.#token = checked(await Promise.race([(async () => this.getToken())(), late]))
      return this.#token
    } catch (thrown) {
      throw typedError(thrown, 'token_failed', 'getToken failed')
    } finally {
      clearTimeout(timer)
    }
  }
}

function checked(token: unknown): string {
  if (typeof token !== 'string' || !token) {
    throw localError('token_failed', `getToken returned ${typeof token}, not a token`)
  }
  const left = leftMs(token)
  if (left > 0) return token
  const now = Date.now()
  const times = `exp ${isoTime(now + left)}, this device ${isoTime(now)}`
  throw localError('token_expired', `token expired ${Math.ceil(-left / 1000)} s ago (${times})`)
}

function leftMs(token: string): number {
  return (expiresAtMs(token) ?? Number.POSITIVE_INFINITY) - Date.now()
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19)
}
