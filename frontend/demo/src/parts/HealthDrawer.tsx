/** What `window.__realtimeState()` says, once a second, for users and for support. */

import type { DebugState } from 'fanwire'
import { useEffect, useRef } from 'react'
import { formatAgo, formatCount } from '../format.js'
import { useNow } from '../live/useNow.js'
import { LatencyChart } from './LatencyChart.js'

export function HealthDrawer({ onClose }: { readonly onClose: () => void }) {
  const now = useNow(1_000)
  const panel = useRef<HTMLElement>(null)
  useEffect(() => {
    const before = document.activeElement
    panel.current?.focus()
    return () => (before instanceof HTMLElement ? before.focus() : undefined)
  }, [])
  const state = window.__realtimeState?.()
  return (
    <aside
      id="health"
      className="drawer"
      aria-label="Connection health"
      ref={panel}
      tabIndex={-1}
      onKeyDown={({ key }) => key === 'Escape' && onClose()}
    >
      <header>
        <h2>Connection health</h2>
        <button type="button" className="close" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      <Facts state={state} now={now} />
      <h3>Delivery, last two minutes</h3>
      <LatencyChart now={now} />
      <h3>Services</h3>
      <Services state={state} now={now} />
      <details>
        <summary>
          <code>window.__realtimeState()</code>
        </summary>
        <pre>{JSON.stringify(state, null, 2)}</pre>
      </details>
    </aside>
  )
}

interface StateProps {
  readonly state: DebugState | undefined
  readonly now: number
}

function Facts({ state, now }: StateProps) {
  if (!state) return <p>No client is running.</p>
  const rows: [string, string][] = [
    ['State', state.state],
    ['Node', state.node ?? '–'],
    ['Round trip', state.rttMs === null ? '–' : `${Math.round(state.rttMs)} ms`],
    ['Filter', state.propertyId ?? 'all properties'],
    ['Token', state.tokenExpiresAtMs ? expiry(state.tokenExpiresAtMs - now) : '–'],
    ['Connection', state.connectionId ?? '–'],
  ]
  if (state.reason) rows.push(['Reason', state.reason])
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Services({ state, now }: StateProps) {
  if (!state) return null
  const names = Object.keys({ ...state.services, ...state.byServiceDelivered }).sort()
  return (
    <div className="scroller">
      <table className="compact">
        <thead>
          <tr>
            <th>Service</th>
            <th>State</th>
            <th className="number">p95</th>
            <th className="number">Events</th>
            <th className="number">Gaps</th>
            <th className="number">Last</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{state.services[name] ?? 'left'}</td>
              <td className="number">{milliseconds(state.byServiceP95LatencyMs[name])}</td>
              <td className="number">{formatCount(state.byServiceDelivered[name])}</td>
              <td className="number">{state.gaps[name] ?? 0}</td>
              <td className="number">{last(state.byServiceLastEventAt[name], now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const milliseconds = (ms: number | null | undefined) => (ms == null ? '–' : `${Math.round(ms)} ms`)
const last = (atMs: number | null | undefined, now: number) =>
  atMs == null ? '–' : formatAgo(now - atMs)
const expiry = (leftMs: number) =>
  leftMs > 0 ? `for another ${Math.ceil(leftMs / 60_000)} min` : 'expired'
