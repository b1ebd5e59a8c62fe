/** The small parts that pages are made of. */
import type { ReactNode } from 'react'
import { formatAgo, formatPercent, initialsOf, wordsOf } from '../format.js'
import type { Row } from '../live/rows.js'
import { useNow } from '../live/useNow.js'

const TONES: Readonly<Record<string, string>> = {
  high: 'bad',
  refunded: 'bad',
  suspended: 'bad',
  in_progress: 'busy',
  pending: 'busy',
  running: 'busy',
  break: 'busy',
  invited: 'busy',
  expected: 'busy',
  done: 'good',
  duty: 'good',
  received: 'good',
  ready: 'good',
  active: 'good',
  checked_in: 'good',
}

export function Badge({
  of,
  children,
}: {
  readonly of?: string | undefined
  children?: ReactNode
}) {
  return <span className={`badge ${TONES[of ?? ''] ?? 'idle'}`}>{children ?? wordsOf(of)}</span>
}

export function Tile({ name, value, note }: { name: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="tile">
      <span className="name">{name}</span>
      <strong>{value}</strong>
      {note !== undefined && <span className="note">{note}</span>}
    </div>
  )
}

export function Meter({
  part = 0,
  all = 0,
  label,
}: {
  part?: number
  all?: number
  label: string
}) {
  const text = formatPercent(part, all)
  return (
    <span className="meter" role="img" aria-label={`${label}: ${text}`}>
      <span style={{ inlineSize: all ? `${Math.min(100, (100 * part) / all)}%` : 0 }} />
    </span>
  )
}

export function Ago({ ts }: { readonly ts: number }) {
  const now = useNow(5_000)
  return <time dateTime={new Date(ts).toISOString()}>{formatAgo(now - ts)}</time>
}

export function Avatar({ name }: { readonly name?: string | undefined }) {
  let hue = 0
  for (const char of name ?? '') hue = (hue * 31 + char.charCodeAt(0)) % 360
  return (
    <span className="avatar" aria-hidden="true" style={{ '--hue': hue }}>
      {initialsOf(name)}
    </span>
  )
}

/** What marks a row for the eye: it glows for a moment when a live event changed it. */
export function markOf(row: Row<unknown>) {
  const glow = row.revision > 0 ? ` glow glow-${row.revision % 2}` : ''
  return { 'data-entity': row.id, 'data-revision': row.revision, className: `row${glow}` }
}

interface EmptyProps {
  readonly isLoaded: boolean
  readonly children: ReactNode
}

export function Empty({ isLoaded, children }: EmptyProps) {
  return <p className="empty">{isLoaded ? children : 'Loading…'}</p>
}

declare module 'react' {
  interface CSSProperties {
    '--hue'?: number
  }
}
