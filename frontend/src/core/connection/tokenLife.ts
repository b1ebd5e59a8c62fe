/** Until when a token holds, and when a fresh one is fetched for an open socket. */

const SHARE = 0.8
const SPREAD = 0.05
const SOONEST_MS = 1000

/**
 * Return when to refresh a token that holds for another `leftMs`.
 *
 * At four fifths of what is left, so that several tries fit in; spread by a twentieth each way,
 * since tokens issued together would all be refreshed together. Never at once: with a clock that
 * is ahead of the server's, that would be a loop.
 */
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
