/**
 * The hook that every page is built on: the rows of a service, fetched and kept current.
 *
 * Fetched when the page opens, when events begin to flow, and after every gap; polled while an
 * operator has switched the service off.
 */

import { useRealtimeService, useRealtimeStatus } from 'fanwire/react'
import { useCallback, useEffect, useMemo, useReducer, useRef } from 'react'
import { fetchState } from '../backend.js'
import { noteLatency } from './latencyLog.js'
import { NO_ROWS, type Row, type Rows, type RowsAction, reduceRows } from './rows.js'
import { useScope } from './scope.js'

const POLL_MS = 5_000

export interface LiveRows<Data> {
  /** The latest change first. */
  readonly rows: readonly Row<Data>[]
  readonly isLoaded: boolean
}

export function useRows<Data>(service: string): LiveRows<Data> {
  const { propertyId } = useScope()
  const [state, dispatch] = useReducer<Rows<Data>, [RowsAction<Data>]>(reduceRows, NO_ROWS)
  const underWay = useRef<AbortController>(undefined)

  const refetch = useCallback(() => {
    underWay.current?.abort()
    underWay.current = new AbortController()
    const { signal } = underWay.current
    dispatch({ type: 'fetching' })
    fetchState<Data>(service, propertyId, signal).then(
      (events) => signal.aborted || dispatch({ type: 'fetched', events }),
      () => {}, // Aborted, or the backend is away: the next change of the connection asks again.
    )
  }, [service, propertyId])

  useEffect(() => {
    dispatch({ type: 'cleared' })
    refetch()
    return () => underWay.current?.abort()
  }, [refetch])

  useRealtimeService<Data>(service, {
    onEvents: (events) => {
      noteLatency(service, events)
      dispatch({ type: 'arrived', events })
    },
    onGap: refetch,
    onLive: refetch,
  })
  usePolling(service, refetch)

  const rows = useMemo(() => [...state.byId.values()].reverse(), [state.byId])
  return { rows, isLoaded: state.isLoaded }
}

function usePolling(service: string, refetch: () => void): void {
  const { state, services } = useRealtimeStatus()
  const isOff = state === 'off' || services[service] === 'off'
  useEffect(() => {
    if (!isOff) return
    const timer = setInterval(refetch, POLL_MS)
    return () => clearInterval(timer)
  }, [isOff, refetch])
}
