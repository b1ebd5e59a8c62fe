import { useMemo } from 'react'
import type { AlignedData } from 'uplot'
import { formatMoney, formatRoundMoney } from '../format.js'
import type { Row } from '../live/rows.js'
import { useScope } from '../live/scope.js'
import { useRows } from '../live/useRows.js'
import { Ago, Badge, Empty, markOf, Tile } from '../parts/bits.js'
import { Chart, type Line } from '../parts/Chart.js'

interface Payment {
  readonly payer: string
  readonly property: string
  readonly unit: string
  readonly method: string
  readonly purpose: string
  readonly amountCents: number
  readonly status: 'received' | 'pending' | 'refunded'
}

const SHOWN = 25
const LINES: readonly Line[] = [{ label: 'Received', colour: '--accent', kind: 'line' }]

export function Finance() {
  const { rows, isLoaded } = useRows<Payment>('finance')
  const { propertyId, properties } = useScope()
  const of = (status: string) => rows.filter(({ data }) => data.status === status)
  const sum = (some: readonly Row<Payment>[]) =>
    some.reduce((total, { data }) => total + (data.amountCents ?? 0), 0)
  const income = useMemo(() => incomeOf(rows), [rows])
  return (
    <>
      <div className="tiles">
        <Tile name="Received" value={formatRoundMoney(sum(of('received')))} note="recent" />
        <Tile
          name="Pending"
          value={formatRoundMoney(sum(of('pending')))}
          note={`${of('pending').length} payments`}
        />
        <Tile name="Refunded" value={formatRoundMoney(Math.abs(sum(of('refunded'))))} />
      </div>
      <section className="panel padded">
        <h2>Received at {propertyId === null ? 'all properties' : properties[propertyId]}</h2>
        <Chart label="Sum of recent payments" lines={LINES} data={income} height={180} unit=" €" />
      </section>
      <section className="panel scroller">
        <table className="stacking">
          <thead>
            <tr>
              <th>Payer</th>
              <th>For</th>
              <th>Method</th>
              <th>Status</th>
              <th className="number">Amount</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, SHOWN).map((row) => (
              <PaymentRow key={`${row.id}:${row.revision}`} row={row} />
            ))}
          </tbody>
        </table>
        {!rows.length && <Empty isLoaded={isLoaded}>No payment at this property yet.</Empty>}
      </section>
    </>
  )
}

function PaymentRow({ row }: { readonly row: Row<Payment> }) {
  const { payer, property, unit, purpose, method, status, amountCents } = row.data
  return (
    <tr {...markOf(row)}>
      <th scope="row">
        {payer ?? row.id}
        <small>
          <Ago ts={row.ts} />
        </small>
      </th>
      <td>
        {purpose}
        <small>{[property, unit].filter(Boolean).join(' ')}</small>
      </td>
      <td>{method}</td>
      <td>
        <Badge of={status} />
      </td>
      <td className="number">{formatMoney(amountCents)}</td>
    </tr>
  )
}

/** The running sum of what was received, oldest first. */
function incomeOf(rows: readonly Row<Payment>[]): AlignedData {
  const paid = rows.filter(({ data }) => data.status !== 'pending').reverse()
  let total = 0
  const sums = paid.map(({ data }) => (total += (data.amountCents ?? 0) / 100))
  return [paid.map(({ ts }) => ts / 1000), sums]
}
