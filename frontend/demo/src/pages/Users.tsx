import { wordsOf } from '../format.js'
import { useRows } from '../live/useRows.js'
import { Ago, Avatar, Badge, Empty, markOf } from '../parts/bits.js'

interface User {
  readonly name: string
  readonly email: string
  readonly role: string
  readonly status: 'active' | 'invited' | 'suspended'
  readonly lastAction: string
}

export function Users() {
  const { rows, isLoaded } = useRows<User>('users')
  return (
    <div className="panel scroller">
      <table className="stacking">
        <thead>
          <tr>
            <th>Name</th>
            <th>Role</th>
            <th>Status</th>
            <th>Last activity</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.id}:${row.revision}`} {...markOf(row)}>
              <th scope="row">
                <span className="person">
                  <Avatar name={row.data.name} />
                  <span>
                    {row.data.name ?? row.id}
                    <small>{row.data.email}</small>
                  </span>
                </span>
              </th>
              <td>{row.data.role}</td>
              <td>
                <Badge of={row.data.status} />
              </td>
              <td>
                {wordsOf(row.data.lastAction)}{' '}
                <span className="note">
                  · <Ago ts={row.ts} />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {!rows.length && <Empty isLoaded={isLoaded}>Nobody has an account yet.</Empty>}
    </div>
  )
}
