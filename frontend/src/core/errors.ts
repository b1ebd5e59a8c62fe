/**
 * Every error of the SDK: `{code, name, message, retryable, remedy}`, as servers tell it.
 *
 * Codes and names that come from a gateway are those of contract/close_codes.json. What only a
 * browser can meet has a name of its own under the code that a gateway would use.
 */
import { CLOSE_CODES, type Retry } from './closeCodes.js'

export interface ErrorFields {
  readonly code: number
  readonly name: string
  readonly message: string
  readonly retryable: boolean
  readonly remedy: string
  readonly retryAfterMs?: number | undefined
}

export class RealtimeError extends Error implements ErrorFields {
  declare readonly name: string
  declare readonly code: number
  declare readonly retryable: boolean
  declare readonly remedy: string
  declare readonly retryAfterMs: number | undefined

  constructor(fields: ErrorFields, cause?: unknown) {
    super(fields.message, { cause })
    Object.assign(this, fields)
  }

  toJSON(): ErrorFields {
    return { ...this, message: this.message }
  }
}

/** Thrown by an app's `getToken` to say that there will be no token: nothing is tried again. */
export class UnauthorizedError extends RealtimeError {
  constructor(message = 'the user is signed out') {
    const remedy = 'Sign in, then start the client again.'
    super({ code: 4401, name: 'unauthorized', message, retryable: false, remedy })
  }
}

type LocalName = keyof typeof LOCAL

const LOCAL = {
  bad_frame: [1011, true, 'Report it: the gateway sent what the protocol does not know.'],
  chain_broken: [1011, true, 'Nothing: it resumes from the last position.'],
  token_failed: [4401, true, 'Look at the cause: getToken failed.'],
  token_expired: [4401, true, "Return a fresh token from getToken; check this device's clock."],
  bad_url: [4400, false, 'Give the address alone, like wss://host, without query or login.'],
  unreachable: [4505, true, 'Check the address, the network and that the gateway runs.'],
  draining: [1012, true, 'Nothing: it connects to another node.'],
  disabled: [4503, true, 'Poll until the operator switches it on again.'],
  listener_failed: [4500, false, "Mend the app's listener: it threw."],
} as const

/** Return an error that arises on this side of the wire. */
export function localError(
  name: LocalName,
  message: string,
  more: { cause?: unknown; retryAfterMs?: number | undefined } = {},
): RealtimeError {
  const [code, retryable, remedy] = LOCAL[name]
  const { cause, retryAfterMs } = more
  return new RealtimeError({ code, name, message, retryable, remedy, retryAfterMs }, cause)
}

export function badFrame(what: string): RealtimeError {
  return localError('bad_frame', `server frame: ${what.slice(0, 80)}`)
}

/** What a client does after each kind of close. The gateway's own remedy comes before the close. */
const REMEDIES: Readonly<Record<Retry, string>> = {
  never: 'Correct the request: the same again would be refused again.',
  refresh_token: 'Fetch a fresh token.',
  backoff: 'Nothing: it connects again and resumes.',
}

/** Return what a close code stands for, with the gateway's reason as its text. */
export function errorOfClose(code: number, reason: string): RealtimeError {
  const [name, retry] = CLOSE_CODES[code] ?? ['unreachable', 'backoff']
  const message = reason || `closed with code ${code}`
  return new RealtimeError({
    code,
    name,
    message,
    retryable: retry !== 'never',
    remedy: REMEDIES[retry],
  })
}

/** Return the error that an `error` frame or an HTTP answer describes; undefined if it is none. */
export function errorOfFields(fields: unknown): RealtimeError | undefined {
  const { code, name, message, retryable, remedy, retryAfterMs } = (fields ?? {}) as ErrorFields
  if (typeof code !== 'number' || typeof name !== 'string') return undefined
  return new RealtimeError({ code, name, message, retryable, remedy, retryAfterMs })
}

/** Return `thrown` if it is typed, and otherwise the typed error that has it as its cause. */
export function typedError(thrown: unknown, name: LocalName, message: string): RealtimeError {
  if (thrown instanceof RealtimeError) return thrown
  return localError(name, `${message}: ${String(thrown)}`, { cause: thrown })
}

/** What happens to an error that the app did not ask for: seen by whoever looks, no more. */
export function warn(error: RealtimeError): void {
  // biome-ignore lint/suspicious/noConsole: an error that goes nowhere would be silent.
  console.warn(error)
}
