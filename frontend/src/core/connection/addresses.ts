/** The URLs of a gateway, from the one that the app gives. */
import { localError } from '../protocol/errors.js'

const STREAM_PATH = '/v2/realtime/stream'

export interface Wanted {
  /** Undefined: all that the token lists. */
  readonly services: readonly string[] | undefined
  readonly propertyId: string | null
}

/** Return the URL of the stream; throws RealtimeError if `given` cannot be one. */
export function streamAddress(given: string): URL {
  // A query is refused: what belongs there is set by name, and a token must never be in a URL.
  // For the same reason a URL that is refused is not repeated.
  if (!/^(ws|http)s?:\/\/[^?#@\s]+$/.test(given)) {
    throw localError('bad_url', 'the url is not like wss://host')
  }
  const url = new URL(given.replace(/^http/, 'ws'))
  if (url.pathname === '/') url.pathname = STREAM_PATH
  return url
}

export function streamUrl(
  address: URL,
  { services, propertyId }: Wanted,
  positions: Readonly<Record<string, string>>,
): URL {
  const url = new URL(address)
  const resume = Object.entries(positions)
    .filter(([name]) => !services || services.includes(name))
    .map((row) => row.join(':'))
  const query = { services: services?.join(), propertyId, resume: resume.join() || null }
  for (const [name, value] of Object.entries(query)) {
    // No services at all is something to ask for: the page may want none yet.
    if (value != null) url.searchParams.set(name, value)
  }
  return url
}

/** Return the URL of an HTTP call: next to the stream, or of an absolute path. */
export function httpUrl(address: URL, call: string): string {
  return new URL(call, address.href.replace('ws', 'http')).href
}
