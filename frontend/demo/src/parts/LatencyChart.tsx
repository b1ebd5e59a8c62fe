import { useMemo } from 'react'
import type { AlignedData } from 'uplot'
import { latenciesSince } from '../live/latencyLog.js'
import { Chart, type Line } from './Chart.js'

const SPAN_MS = 120_000
const LINES: readonly Line[] = [{ label: 'event', colour: '--accent', kind: 'points' }]

/** A dot for each event: when it arrived, and how long it took from Redis to this page. */
export function LatencyChart({ now }: { readonly now: number }) {
  const data = useMemo<AlignedData>(() => {
    const found = latenciesSince(now - SPAN_MS)
    // Null points at both ends keep two minutes in view from the first event on.
    const seconds = [now - SPAN_MS, ...found.map(({ atMs }) => atMs), now].map((ms) => ms / 1000)
    return [seconds, [null, ...found.map(({ ms }) => ms), null]]
  }, [now])
  return <Chart label="Latency of each event" lines={LINES} data={data} height={160} unit=" ms" />
}
