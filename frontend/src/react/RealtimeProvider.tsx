/**
 * One client for the tree below: connects when it mounts, follows the route and the property.
 *
 * The client is made once and begun in an effect, so a server render opens nothing; StrictMode's
 * second mount begins the same client again before its first attempt has reached the network.
 */
import {
  createContext,
  type ReactNode,
  type RefObject,
  use,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { type Realtime, RealtimeClient, type RealtimeOptions } from '../core/index.js'

export interface RealtimeProviderProps extends Omit<RealtimeOptions, 'services'> {
  /** What the page receives; a function is asked again for every `route`. */
  readonly services: readonly string[] | ((route: string) => readonly string[])
  /** The current route, in whatever form the router has it. */
  readonly route?: string | undefined
  /** Another client than one with a socket of its own, such as `createSharedClient`. */
  readonly createClient?: ((options: RealtimeOptions) => Realtime) | undefined
  readonly children?: ReactNode
}

const RealtimeContext = createContext<Realtime | null>(null)

/** Return the client of the nearest provider. */
export function useRealtime(): Realtime {
  const client = use(RealtimeContext)
  if (!client) throw new Error('this hook needs a <RealtimeProvider> above it')
  return client
}

export function RealtimeProvider(props: RealtimeProviderProps): ReactNode {
  // Another gateway is another session: positions of one mean nothing to the other.
  return <Session key={props.url} {...props} />
}

function Session(props: RealtimeProviderProps): ReactNode {
  const { services, route = '', propertyId, children } = props
  const names = typeof services === 'function' ? services(route) : services
  const key = [...new Set(names)].sort().join()
  // A new list of the same services is no change.
  const wanted = useMemo(() => (key ? key.split(',') : []), [key])
  const latest = useLatest(props)
  const [client] = useState(() => create(latest, wanted))
  useEffect(() => {
    client.start()
    return () => client.stop()
  }, [client])
  useEffect(() => client.subscribe({ services: wanted }), [client, wanted])
  useEffect(() => {
    // Left out, the filter is for setRealtimePropertyFilter to say.
    if (propertyId !== undefined) client.subscribe({ propertyId })
  }, [client, propertyId])
  return <RealtimeContext value={client}>{children}</RealtimeContext>
}

function create(props: RefObject<RealtimeProviderProps>, services: readonly string[]): Realtime {
  const options = {
    ...props.current,
    services,
    getToken: () => props.current.getToken(),
    ...(props.current.onError && {
      onError: (error: Parameters<NonNullable<RealtimeOptions['onError']>>[0]) =>
        props.current.onError?.(error),
    }),
  }
  return props.current.createClient?.(options) ?? new RealtimeClient(options)
}

/** Keep the newest `value`, so that a new function at each render attaches nothing again. */
export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value)
  useEffect(() => {
    latest.current = value
  })
  return latest
}
