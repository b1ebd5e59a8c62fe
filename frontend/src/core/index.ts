export type { Wanted } from './addresses.js'
export { RealtimeClient } from './client.js'
export type { DebugState } from './debugState.js'
export { type ErrorFields, RealtimeError, UnauthorizedError } from './errors.js'
export {
  type ServiceListener,
  type StreamEventsDetail,
  type StreamKind,
  streamEventName,
} from './events.js'
export { setRealtimePropertyFilter } from './propertyFilter.js'
export type { Realtime, RealtimeOptions } from './realtime.js'
export type { Gap } from './session.js'
export { IDLE, type RealtimeStatus, type ServiceState } from './status.js'
export type { GetToken } from './tokenSource.js'
export type { RealtimeEvent } from './wire.js'
