/**
 * How long to wait before the next attempt.
 *
 * Full jitter: any wait between nothing and the cap is equally likely, so that clients cut off
 * together do not come back together.
 */

/** The first cap: after a single failure most users see no break. The Python SDK's value. */
const FIRST_MS = 250
/** The last cap: in a long outage a client costs one try in 10 s, on average. */
const LONGEST_MS = 20_000

/** Return the wait before a try that follows `attempt` failed ones (0 for none). */
export function backoffMs(attempt: number, chance: number): number {
  return Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS) * chance
}
