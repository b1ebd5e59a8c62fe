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

const RESUMES = 'None needed: it resumes.'

const LOCAL = {
  bad_frame: [1011, 'Update the SDK.'],
  chain_broken: [1011, RESUMES],
  draining: [1012, RESUMES],
  token_failed: [4401, 'See the cause.'],
  token_expired: [4401, 'Return a fresh one; check the clock.'],
  disabled: [4503, 'Poll until it is on.'],
  unreachable: [4505, 'Check network and url.'],
  bad_url: [4400, 'Correct it.', false],
  listener_failed: [4500, 'See the cause.', false],
} as const

/** Return an error that arises on this side of the wire. */
export function localError(
  local: keyof typeof LOCAL,
  message: string,
  retryAfterMs?: number,
  cause?: unknown,
): RealtimeError {
  const [code, remedy, retryable = true] = LOCAL[local]
  return new RealtimeError({ code, name: local, message, retryable, remedy, retryAfterMs }, cause)
}

/** What a client does after each kind of close. The gateway's own remedy comes before the close. */
const REMEDIES: Readonly<Record<Retry, string>> = {
  never: 'Correct the request.',
  refresh_token: 'Fetch a fresh token.',
  backoff: RESUMES,
}

/** Return what a close code stands for, with the gateway's reason as its text. */
export function errorOfClose(code: number, reason: string): RealtimeError {
  const [name, retry] = CLOSE_CODES[code] ?? ['unreachable', 'backoff']
  const message = reason || `closed with code ${code}`
  const retryable = retry !== 'never'
  return new RealtimeError({ code, name, message, retryable, remedy: REMEDIES[retry] })
}

/** Return the error that an `error` frame or an HTTP answer describes; undefined if it is none. */
export function errorOfFields(fields: unknown): RealtimeError | undefined {
  const isError = typeof (fields as ErrorFields | null)?.code === 'number'
  return isError ? new RealtimeError(fields as ErrorFields) : undefined
}

/** Return `thrown` if it is typed, and otherwise the typed error that has it as its cause. */
export function typedError(thrown: unknown, local: keyof typeof LOCAL): RealtimeError {
  return thrown instanceof RealtimeError
    ? thrown
    : localError(local, String(thrown), undefined, thrown)
}

/** Where errors go that no app asked for: a gap in the log would be a silent one. */
export function warn(error: RealtimeError): void {
  // biome-ignore lint/suspicious/noConsole: see above.
  console.warn(error)
}
