import type { Row } from '../live/rows.js'
import { useRows } from '../live/useRows.js'
import { Ago, Avatar, Badge, Empty, markOf, Tile } from '../parts/bits.js'

interface Person {
  readonly name: string
  readonly role: string
  readonly property: string
  readonly shift: 'duty' | 'break' | 'off'
  readonly tasksDone: number
}

const SHIFTS = { duty: 'On duty', break: 'On break', off: 'Off' } as const

export function Staff() {
  const { rows, isLoaded } = useRows<Person>('staff')
  const count = (shift: string) => rows.filter(({ data }) => data.shift === shift).length
  const houses = [...new Set(rows.map(({ data }) => data.property ?? 'Elsewhere'))].sort()
  return (
    <>
      <div className="tiles">
        <Tile name="On duty" value={count('duty')} note={`of ${rows.length}`} />
        <Tile name="On break" value={count('break')} />
        <Tile name="Off" value={count('off')} />
      </div>
      {houses.map((house) => (
        <section key={house}>
          <h2>{house}</h2>
          <ul className="cards">
            {rows
              .filter(({ data }) => (data.property ?? 'Elsewhere') === house)
              .sort((one, other) => (one.id < other.id ? -1 : 1))
              .map((row) => (
                <PersonCard key={`${row.id}:${row.revision}`} row={row} />
              ))}
          </ul>
        </section>
      ))}
      {!rows.length && <Empty isLoaded={isLoaded}>No shift has been reported yet.</Empty>}
    </>
  )
}

function PersonCard({ row }: { readonly row: Row<Person> }) {
  const { name = row.id, role, shift = 'off', tasksDone } = row.data
  const { className, ...mark } = markOf(row)
  return (
    <li {...mark} className={`card ${className}`}>
      <div className="spread">
        <span className="person">
          <Avatar name={name} />
          <span>
            <strong>{name}</strong>
            <small>{role}</small>
          </span>
        </span>
        <Badge of={shift}>{SHIFTS[shift]}</Badge>
      </div>
      <div className="spread note">
        <span>{tasksDone ?? 0} tasks done</span>
        <Ago ts={row.ts} />
      </div>
    </li>
  )
}
