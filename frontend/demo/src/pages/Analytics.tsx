import { formatCount, formatPercent } from '../format.js'
import { useHistory } from '../live/useHistory.js'
import { useRows } from '../live/useRows.js'
import { Ago, Empty, Meter, markOf, Tile } from '../parts/bits.js'
import { Chart, type Line } from '../parts/Chart.js'

interface Visits {
  readonly page: string
  readonly views: number
  readonly visitors: number
  readonly bookings: number
}

const LINES: readonly Line[] = [{ label: 'Views', colour: '--accent', kind: 'line' }]

export function Analytics() {
  const { rows, isLoaded } = useRows<Visits>('analytics')
  const sum = (field: 'views' | 'visitors' | 'bookings') =>
    rows.reduce((total, { data }) => total + (data[field] ?? 0), 0)
  const views = sum('views')
  const history = useHistory(views, '', isLoaded)
  const most = Math.max(1, ...rows.map(({ data }) => data.views ?? 0))
  return (
    <>
      <div className="tiles">
        <Tile name="Views today" value={formatCount(views)} />
        <Tile name="Visitors" value={formatCount(sum('visitors'))} />
        <Tile
          name="Bookings"
          value={formatCount(sum('bookings'))}
          note={`${formatPercent(sum('bookings'), sum('visitors'))} of visitors`}
        />
      </div>
      <section className="panel padded">
        <h2>Views today</h2>
        <Chart label="Views over time" lines={LINES} data={history} height={180} isLevel unit="" />
      </section>
      <section className="panel scroller">
        <h2>Pages of the site</h2>
        <table>
          <thead>
            <tr>
              <th>Page</th>
              <th className="progress">Share</th>
              <th className="number">Views</th>
              <th className="number">Visitors</th>
              <th className="number">Last view</th>
            </tr>
          </thead>
          <tbody>
            {[...rows]
              .sort((one, other) => (other.data.views ?? 0) - (one.data.views ?? 0))
              .map((row) => (
                <tr key={`${row.id}:${row.revision}`} {...markOf(row)}>
                  <th scope="row">
                    <code>{row.data.page ?? row.id}</code>
                  </th>
                  <td className="progress">
                    <Meter part={row.data.views ?? 0} all={most} label="Views" />
                  </td>
                  <td className="number">{formatCount(row.data.views)}</td>
                  <td className="number">{formatCount(row.data.visitors)}</td>
                  <td className="number">
                    <Ago ts={row.ts} />
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
        {!rows.length && <Empty isLoaded={isLoaded}>No visitor yet.</Empty>}
      </section>
    </>
  )
}
