/**
 * Every error of the SDK: `{code, name, message, retryable, remedy}`, as servers tell it.
 *
 * Codes and names that come from a gateway are those of contract/close_codes.json. What only a
 * browser can meet has a name of its own, under the code that a gateway would use.
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

  constructor(
    { message, code, name, retryable, remedy, retryAfterMs }: ErrorFields,
    cause?: unknown,
  ) {
    super(message, { cause })
    Object.assign(this, { code, name, retryable, remedy, retryAfterMs })
  }

  toJSON(): ErrorFields {
    return { ...this, message: this.message }
  }
}

/** Thrown by an app's `getToken` to say that there will be no token: nothing is tried again. */
export class UnauthorizedError extends RealtimeError {
  constructor(message = 'signed out') {
    super({ code: 4401, name: 'unauthorized', message, retryable: false, remedy: 'Sign in.' })
  }
}

/** What there is to do where a gateway did not say it, by what the client does itself. */
const REMEDIES: Readonly<Record<Retry, string>> = {
  never: 'Correct what the message names.',
  refresh_token: 'Return a fresh token from getToken.',
  backoff: 'None needed: it tries again.',
}

/** Below 4000 the codes are registered (RFC 6455, 11.7), above they are of the table of errors. */
const LOCAL = {
  bad_frame: [1011, 'backoff'],
  chain_broken: [1011, 'backoff'],
  draining: [1012, 'backoff'],
  token_failed: [4401, 'refresh_token'],
  token_expired: [4401, 'refresh_token'],
  disabled: [4503, 'backoff'],
  unreachable: [4505, 'backoff'],
  bad_url: [4400, 'never'],
  listener_failed: [4500, 'never'],
} as const

/** Return an error that arises on this side of the wire. */
export function localError(name: keyof typeof LOCAL, message: string, cause?: unknown) {
  const [code, retry] = LOCAL[name]
  return errorOf(code, name, retry, message, cause)
}

/** Return what a close code stands for, with the gateway's reason as its text. */
export function errorOfClose(code: number, reason: string): RealtimeError {
  const [name, retry] = CLOSE_CODES[code] ?? ['unreachable', 'backoff']
  return errorOf(code, name, retry, reason || `closed with code ${code}`)
}

function errorOf(code: number, name: string, retry: Retry, message: string, cause?: unknown) {
  const retryable = retry !== 'never'
  return new RealtimeError({ code, name, message, retryable, remedy: REMEDIES[retry] }, cause)
}

/** Return the error that an `error` frame or an HTTP answer describes; undefined if it is none. */
export function errorOfFields(fields: unknown): RealtimeError | undefined {
  const isError = typeof (fields as ErrorFields | null)?.code === 'number'
  return isError ? new RealtimeError(fields as ErrorFields) : undefined
}

/** Return `thrown` if it is typed, and otherwise the typed error that has it as its cause. */
export function typedError(thrown: unknown, local: keyof typeof LOCAL): RealtimeError {
  return thrown instanceof RealtimeError ? thrown : localError(local, String(thrown), thrown)
}

/** Where errors go that no app asked for: a gap in the log would be a silent one. */
export function warn(error: RealtimeError): void {
  // biome-ignore lint/suspicious/noConsole: see above.
  console.warn(error)
}
