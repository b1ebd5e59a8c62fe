/** The SDK's HTTP calls: JSON there, JSON or a typed error back. */
import { errorOfFields, localError, typedError } from '../protocol/errors.js'

/** As long as a gateway waits for the body of a request, by default. */
const TIMEOUT_MS = 10_000

/** Make one call; throws RealtimeError for every answer other than 2xx, and for none. */
export async function call(url: string, token: string, more: RequestInit): Promise<void> {
  const response = await fetch(url, {
    ...more,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    credentials: 'omit',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause) => {
    throw typedError(cause, 'unreachable')
  })
  if (response.ok) return
  const error = errorOfFields(await response.json().catch(() => null))
  // Not one of our servers answered, but something on the way to them.
  throw error ?? localError('unreachable', `HTTP status ${response.status}`)
}
