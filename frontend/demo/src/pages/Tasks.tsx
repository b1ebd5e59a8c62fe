import { useState } from 'react'
import { wordsOf } from '../format.js'
import type { Row } from '../live/rows.js'
import { useRows } from '../live/useRows.js'
import { Ago, Avatar, Badge, Empty, markOf, Tile } from '../parts/bits.js'

interface Task {
  readonly title: string
  readonly category: string
  readonly property: string
  readonly unit: string
  readonly priority: 'low' | 'normal' | 'high'
  readonly dueInMin: number
  readonly status: 'open' | 'in_progress' | 'done'
  readonly assignee: string | null
}

const COLUMNS = ['open', 'in_progress', 'done'] as const
const SHOWN_DONE = 12

const statusOf = ({ data }: Row<Task>) => data.status ?? 'open'

export function Tasks() {
  const { rows, isLoaded } = useRows<Task>('tasks')
  const [search, setSearch] = useState('')
  const found = rows.filter(({ data }) => matches(data, search))
  const count = (status: string) => rows.filter((row) => statusOf(row) === status).length
  const urgent = rows.filter((row) => row.data.priority === 'high' && statusOf(row) !== 'done')
  return (
    <>
      <div className="tiles">
        <Tile name="Open" value={count('open')} />
        <Tile name="In progress" value={count('in_progress')} />
        <Tile name="Urgent" value={urgent.length} note="high priority, not done" />
      </div>
      <input
        type="search"
        className="search"
        placeholder="Search tasks, houses, people"
        aria-label="Search tasks"
        value={search}
        onChange={({ target }) => setSearch(target.value)}
      />
      <div className="board">
        {COLUMNS.map((status) => {
          const all = found.filter((row) => statusOf(row) === status)
          const shown = status === 'done' ? all.slice(0, SHOWN_DONE) : all
          return (
            <section key={status} aria-label={wordsOf(status)}>
              <h2>
                {wordsOf(status)} <span className="count">{all.length}</span>
              </h2>
              <ul>
                {shown.map((row) => (
                  <TaskCard key={`${row.id}:${row.revision}`} row={row} />
                ))}
              </ul>
              {!shown.length && <Empty isLoaded={isLoaded}>Nothing here.</Empty>}
            </section>
          )
        })}
      </div>
    </>
  )
}

function TaskCard({ row }: { readonly row: Row<Task> }) {
  const { title = 'Untitled task', category, property, unit, priority, assignee } = row.data
  const { className, ...mark } = markOf(row)
  return (
    <li {...mark} className={`card task ${className}`}>
      <div className="spread">
        <strong>{title}</strong>
        {priority && priority !== 'normal' && <Badge of={priority} />}
      </div>
      <span className="note">
        {[property, unit && `Unit ${unit}`, category].filter(Boolean).join(' · ') || row.propertyId}
      </span>
      <div className="spread note">
        {assignee ? (
          <span className="person">
            <Avatar name={assignee} /> {assignee}
          </span>
        ) : (
          <span>Unassigned</span>
        )}
        <Ago ts={row.ts} />
      </div>
    </li>
  )
}

function matches({ title, property, assignee, category }: Partial<Task>, search: string): boolean {
  const text = [title, property, assignee, category].join(' ').toLowerCase()
  return text.includes(search.trim().toLowerCase())
}
