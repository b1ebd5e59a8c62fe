/** The URLs of a gateway, from the one that the app gives. */
import { localError } from './errors.js'
import { formatPosition, type Position } from './position.js'

const STREAM_PATH = '/v2/realtime/stream'

export interface Wanted {
  /** Undefined: all that the token lists. */
  readonly services: readonly string[] | undefined
  readonly propertyId: string | null
}

/** Return the stream's URL, without a query; throws RealtimeError if `url` cannot be one. */
export function streamAddress(url: string): string {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch (cause) {
    throw localError('bad_url', `url ${url} is not like wss://host`, { cause })
  }
  // A query is refused: what belongs there is set by name, and a token must never be in a URL.
  if (!/^(ws|http)s?:$/.test(parsed.protocol) || parsed.search || parsed.username) {
    throw localError('bad_url', `the url of ${parsed.host} is not like wss://host`)
  }
  const path = parsed.pathname.replace(/\/+$/, '') || STREAM_PATH
  return `${parsed.protocol.replace('http', 'ws')}//${parsed.host}${path}`
}

export function streamUrl(
  address: string,
  { services, propertyId }: Wanted,
  positions: ReadonlyMap<string, Position>,
): string {
  const query: string[] = []
  if (services) query.push(`services=${services.join()}`)
  if (propertyId !== null) query.push(`propertyId=${encodeURIComponent(propertyId)}`)
  const resume = [...positions]
    .filter(([name]) => !services || services.includes(name))
    .map(([name, position]) => `${name}:${formatPosition(position)}`)
  if (resume.length) query.push(`resume=${resume.join()}`)
  return query.length ? `${address}?${query.join('&')}` : address
}

/** Return the URL of an HTTP call next to the stream (`update-services`), or of a path. */
export function httpUrl(address: string, call: string): string {
  return new URL(call, address.replace('ws', 'http')).href
}
