/** The SDK's HTTP calls: JSON there, JSON or a typed error back. */
import { errorOfFields, localError, type RealtimeError } from './errors.js'

const TIMEOUT_MS = 10_000

export interface Call {
  readonly url: string
  readonly token: string
  readonly body?: unknown
  /** Whether the call must outlive the page. */
  readonly keepalive?: boolean
}

/** Make one call; throws RealtimeError for every answer other than 2xx, and for none. */
export async function call({ url, token, body, keepalive = false }: Call): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      keepalive,
      credentials: 'omit',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (cause) {
    throw localError('unreachable', `${url}: ${String(cause)}`, { cause })
  }
  const answer: unknown = await response.json().catch(() => null)
  if (!response.ok) throw errorOfFields(answer) ?? statusError(response)
  return answer
}

/** Not one of our servers answered, but something on the way to them. */
function statusError({ status, headers }: Response): RealtimeError {
  const retryAfterS = Number(headers.get('Retry-After') ?? Number.NaN)
  const retryAfterMs = retryAfterS >= 0 ? retryAfterS * 1000 : undefined
  return localError('unreachable', `HTTP status ${status}`, { retryAfterMs })
}
