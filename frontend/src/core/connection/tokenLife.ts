/** Until when a token holds, and when a fresh one is fetched for an open socket. */

/** The share of a token's life that is used: several tries fit into the rest. */
const SHARE = 0.8
/** Each way: tokens that were issued together must not all be refreshed together. */
const SPREAD = 0.05
/** With a clock that is ahead of the server's, a refresh at once would be a loop. */
const SOONEST_MS = 1_000

/** Return when to refresh a token that holds for another `leftMs`. */
export function refreshInMs(leftMs: number, chance: number): number {
  return Math.max(leftMs * SHARE * (1 + SPREAD * (2 * chance - 1)), SOONEST_MS)
}

/** Return the expiry that a JWT names, or undefined if it is opaque: the gateway will tell. */
export function expiresAtMs(token: string): number | undefined {
  try {
    const payload = token.split('.')[1] ?? ''
    const claims = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')))
    return typeof claims.exp === 'number' ? claims.exp * 1000 : undefined
  } catch {
    return undefined
  }
}
