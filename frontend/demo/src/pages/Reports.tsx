import { useRows } from '../live/useRows.js'
import { Ago, Badge, Empty, Meter, markOf } from '../parts/bits.js'

interface Report {
  readonly title: string
  readonly kind: string
  readonly requestedBy: string
  readonly status: 'queued' | 'running' | 'ready'
  readonly progress: number
  readonly pages: number
}

export function Reports() {
  const { rows, isLoaded } = useRows<Report>('reports')
  return (
    <div className="panel scroller">
      <table className="stacking">
        <thead>
          <tr>
            <th>Report</th>
            <th>Requested by</th>
            <th>Status</th>
            <th>Progress</th>
            <th className="number">Changed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.id}:${row.revision}`} {...markOf(row)}>
              <th scope="row">
                {row.data.title ?? row.id}
                <small>
                  {row.data.kind} · no. {row.id}
                </small>
              </th>
              <td>{row.data.requestedBy}</td>
              <td>
                <Badge of={row.data.status} />
              </td>
              <td className="progress">
                {row.data.status === 'ready' ? (
                  `${row.data.pages ?? 0} pages`
                ) : (
                  <Meter part={row.data.progress ?? 0} all={100} label="Progress" />
                )}
              </td>
              <td className="number">
                <Ago ts={row.ts} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {!rows.length && <Empty isLoaded={isLoaded}>No report was asked for yet.</Empty>}
    </div>
  )
}
