/**
 * `REALTIME_EMERGENCY_DISABLE`: set by the bundler, or on the window while the page runs.
 *
 * A bare identifier reads both: a `define` of the bundler replaces it, and otherwise it is a
 * property of the global object.
 */
declare const REALTIME_EMERGENCY_DISABLE: unknown

export function isEmergencyDisabled(): boolean {
  if (typeof REALTIME_EMERGENCY_DISABLE === 'undefined') return false
  return /^(1|true|yes|on)$/i.test(String(REALTIME_EMERGENCY_DISABLE))
}
