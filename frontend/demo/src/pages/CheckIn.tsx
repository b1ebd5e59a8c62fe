import { wordsOf } from '../format.js'
import type { Row } from '../live/rows.js'
import { useRows } from '../live/useRows.js'
import { Ago, Avatar, Empty, markOf, Tile } from '../parts/bits.js'

export interface Stay {
  readonly guest: string
  readonly property: string
  readonly unit: string
  readonly party: number
  readonly nights: number
  readonly status: 'expected' | 'checked_in' | 'checked_out'
}

const COLUMNS = ['expected', 'checked_in', 'checked_out'] as const
const SHOWN_LEFT = 12

export function CheckIn() {
  const { rows, isLoaded } = useRows<Stay>('guest-checkin')
  const of = (status: string) => rows.filter(({ data }) => data.status === status)
  const party = of('expected').reduce((total, { data }) => total + (data.party ?? 1), 0)
  return (
    <>
      <div className="tiles">
        <Tile name="Expected" value={of('expected').length} note={`${party} guests`} />
        <Tile name="Checked in" value={of('checked_in').length} />
        <Tile name="Checked out" value={of('checked_out').length} />
      </div>
      <div className="board">
        {COLUMNS.map((status) => {
          const stays = of(status).slice(0, status === 'checked_out' ? SHOWN_LEFT : undefined)
          return (
            <section key={status} aria-label={wordsOf(status)}>
              <h2>
                {wordsOf(status)} <span className="count">{of(status).length}</span>
              </h2>
              <ul>
                {stays.map((row) => (
                  <StayCard key={`${row.id}:${row.revision}`} row={row} />
                ))}
              </ul>
              {!stays.length && <Empty isLoaded={isLoaded}>Nobody.</Empty>}
            </section>
          )
        })}
      </div>
    </>
  )
}

function StayCard({ row }: { readonly row: Row<Stay> }) {
  const { guest = row.id, property, unit, party = 1, nights = 1 } = row.data
  const { className, ...mark } = markOf(row)
  return (
    <li {...mark} className={`card ${className}`}>
      <div className="spread">
        <span className="person">
          <Avatar name={guest} />
          <span>
            <strong>{guest}</strong>
            <small>{property}</small>
          </span>
        </span>
        <span className="unit">{unit}</span>
      </div>
      <div className="spread note">
        <span>
          {party} {party === 1 ? 'guest' : 'guests'} · {nights} {nights === 1 ? 'night' : 'nights'}
        </span>
        <Ago ts={row.ts} />
      </div>
    </li>
  )
}
