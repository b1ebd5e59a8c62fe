/**
 * What makes a client visible from outside: the debug state and telemetry.
 *
 * Loaded after the socket has begun to open, as no page waits for it.
 */
import { debugStateOf, exposeDebugState, type Inside } from './debugState.js'
import { type Report, Telemetry } from './telemetry.js'

/** Let `inside` be looked at until `signal` is aborted; report health if `post` is given. */
export function observe(
  inside: () => Inside,
  post: ((services: Report, isLast: boolean) => Promise<void>) | null,
  signal: AbortSignal,
): void {
  if (signal.aborted) return
  exposeDebugState(() => debugStateOf(inside()), signal)
  if (post) new Telemetry(inside().meters, post).start(signal)
}
