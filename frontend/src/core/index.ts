export { RealtimeClient } from './client.js'
export type { Wanted } from './connection/addresses.js'
export type { GetToken } from './connection/tokenSource.js'
export type { DebugState } from './page/debugState.js'
export {
  type ServiceListener,
  type StreamEventsDetail,
  type StreamKind,
  streamEventName,
} from './page/events.js'
export { setRealtimePropertyFilter } from './page/propertyFilter.js'
export { IDLE, type RealtimeStatus, type ServiceState } from './page/status.js'
export { type ErrorFields, RealtimeError, UnauthorizedError } from './protocol/errors.js'
export type { RealtimeEvent } from './protocol/frames.js'
export type { Gap } from './protocol/session.js'
export type { Realtime, RealtimeOptions } from './realtime.js'
