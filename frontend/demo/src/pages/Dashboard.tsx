import { formatPercent, formatRoundMoney, wordsOf } from '../format.js'
import type { Row } from '../live/rows.js'
import { useScope } from '../live/scope.js'
import { useHistory } from '../live/useHistory.js'
import { type LiveRows, useRows } from '../live/useRows.js'
import { Ago, Badge, Empty, Meter, markOf, Tile } from '../parts/bits.js'
import { Chart, type Line } from '../parts/Chart.js'
import type { Stay } from './CheckIn.js'

interface Figures {
  readonly name: string
  readonly units: number
  readonly occupied: number
  readonly arrivals: number
  readonly departures: number
  readonly openTasks: number
  readonly revenueCents: number
}

const SHOWN_GUESTS = 9
const LINES: readonly Line[] = [{ label: 'Occupied', colour: '--accent', kind: 'line' }]

export function Dashboard() {
  const { rows, isLoaded } = useRows<Figures>('dashboard')
  const stays = useRows<Stay>('guest-checkin')
  const sum = (field: Exclude<keyof Figures, 'name'>) =>
    rows.reduce((total, { data }) => total + (data[field] ?? 0), 0)
  const occupancy = useHistory(sum('occupied'), useScope().propertyId ?? '', isLoaded)
  return (
    <>
      <div className="tiles">
        <Tile
          name="Occupancy"
          value={formatPercent(sum('occupied'), sum('units'))}
          note={`${sum('occupied')} of ${sum('units')} units`}
        />
        <Tile name="Arrivals today" value={sum('arrivals')} />
        <Tile name="Departures today" value={sum('departures')} />
        <Tile name="Open tasks" value={sum('openTasks')} />
        <Tile name="Revenue today" value={formatRoundMoney(sum('revenueCents'))} />
      </div>
      <div className="halves">
        <div className="stack">
          <section className="panel padded">
            <h2>Occupied units since you opened this page</h2>
            <Chart
              label="Occupied units over time"
              lines={LINES}
              data={occupancy}
              height={200}
              isLevel
              unit=""
            />
          </section>
          <section className="panel scroller">
            <h2>Properties</h2>
            <Houses rows={rows} />
            {!rows.length && <Empty isLoaded={isLoaded}>No figures yet.</Empty>}
          </section>
        </div>
        <section className="panel">
          <h2>At the desk</h2>
          <Guests rows={stays.rows} isLoaded={stays.isLoaded} />
        </section>
      </div>
    </>
  )
}

function Houses({ rows }: { readonly rows: readonly Row<Figures>[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th>Property</th>
          <th>Occupancy</th>
          <th className="number">Tasks</th>
          <th className="number">Revenue</th>
        </tr>
      </thead>
      <tbody>
        {[...rows]
          .sort((one, other) => (one.id < other.id ? -1 : 1))
          .map((row) => (
            <tr key={`${row.id}:${row.revision}`} {...markOf(row)}>
              <th scope="row">
                {row.data.name ?? row.id}
                <small>
                  <Ago ts={row.ts} />
                </small>
              </th>
              <td>
                {row.data.occupied ?? 0} / {row.data.units ?? 0}
                <Meter part={row.data.occupied ?? 0} all={row.data.units ?? 0} label="Occupancy" />
              </td>
              <td className="number">{row.data.openTasks}</td>
              <td className="number">{formatRoundMoney(row.data.revenueCents)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  )
}

function Guests({ rows, isLoaded }: LiveRows<Stay>) {
  if (!rows.length) return <Empty isLoaded={isLoaded}>No guest today.</Empty>
  return (
    <ul className="feed">
      {rows.slice(0, SHOWN_GUESTS).map((row) => (
        <li key={`${row.id}:${row.revision}`} {...markOf(row)}>
          <span>
            <strong>{row.data.guest ?? row.id}</strong>
            <small>
              {row.data.property} · unit {row.data.unit} · <Ago ts={row.ts} />
            </small>
          </span>
          <Badge of={row.data.status}>{wordsOf(row.data.status)}</Badge>
        </li>
      ))}
    </ul>
  )
}
