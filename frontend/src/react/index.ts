export { setRealtimePropertyFilter } from '../core/index.js'
export { useConnectionLost, useRealtimeService, useRealtimeStatus } from './hooks.js'
export { applyToQueryCache, type CacheRules, type QueryCacheLike } from './queryCache.js'
export { RealtimeProvider, type RealtimeProviderProps, useRealtime } from './RealtimeProvider.js'
