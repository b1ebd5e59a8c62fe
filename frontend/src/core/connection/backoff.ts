/**
 * How long to wait before the next attempt.
 *
 * Full jitter: any wait between nothing and the cap is equally likely, so that clients cut off
 * together do not come back together.
 */

const FIRST_MS = 250
const LONGEST_MS = 20_000

/** Return the wait before a try that follows `attempt` failed ones (0 for none). */
export function backoffMs(attempt: number, chance: number): number {
  return Math.min(FIRST_MS * 2 ** Math.min(attempt, 32), LONGEST_MS) * chance
}
