import { formatPercent, formatRoundMoney } from '../format.js'
import type { Row } from '../live/rows.js'
import { useRows } from '../live/useRows.js'
import { Ago, Empty, Meter, markOf, Tile } from '../parts/bits.js'

interface House {
  readonly name: string
  readonly city: string
  readonly units: number
  readonly occupied: number
  readonly cleaning: number
  readonly rateCents: number
  readonly rating: number
}

export function Properties() {
  const { rows, isLoaded } = useRows<House>('properties')
  const sum = (field: 'units' | 'occupied') =>
    rows.reduce((total, { data }) => total + (data[field] ?? 0), 0)
  return (
    <>
      <div className="tiles">
        <Tile name="Properties" value={rows.length} />
        <Tile
          name="Occupancy"
          value={formatPercent(sum('occupied'), sum('units'))}
          note={`${sum('occupied')} of ${sum('units')} units`}
        />
        <Tile name="Free tonight" value={sum('units') - sum('occupied')} />
      </div>
      <ul className="cards wide">
        {[...rows]
          .sort((one, other) => (one.id < other.id ? -1 : 1))
          .map((row) => (
            <HouseCard key={`${row.id}:${row.revision}`} row={row} />
          ))}
      </ul>
      {!rows.length && <Empty isLoaded={isLoaded}>No property yet.</Empty>}
    </>
  )
}

function HouseCard({ row }: { readonly row: Row<House> }) {
  const { name = row.id, city, units = 0, occupied = 0, cleaning = 0, rateCents } = row.data
  const { className, ...mark } = markOf(row)
  return (
    <li {...mark} className={`card ${className}`}>
      <div className="spread">
        <span>
          <strong className="large">{name}</strong>
          <small>{city}</small>
        </span>
        {row.data.rating && <span className="rating">★ {row.data.rating.toFixed(1)}</span>}
      </div>
      <div className="spread">
        <span>
          {occupied} of {units} occupied
        </span>
        <strong>{formatPercent(occupied, units)}</strong>
      </div>
      <Meter part={occupied} all={units} label="Occupancy" />
      <div className="spread note">
        <span>
          {units - occupied} free · {cleaning} in cleaning
        </span>
        <span>{formatRoundMoney(rateCents)} a night</span>
      </div>
      <span className="note">
        Updated <Ago ts={row.ts} />
      </span>
    </li>
  )
}
