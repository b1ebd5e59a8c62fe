import { describe, expect, test } from 'vitest'
import { decodeServerFrame, type ServerFrame } from '../../../src/core/protocol/frames.js'
import { parsePosition } from '../../../src/core/protocol/position.js'
import { RecentIds } from '../../../src/core/protocol/recentIds.js'
import { Session, type Update } from '../../../src/core/protocol/session.js'
import { aBatch, at, EPOCH } from '../../support/fakeSocket.js'

function frame(fields: object): ServerFrame {
  const read = decodeServerFrame(JSON.stringify(fields))
  if (!read) throw new Error('unknown type')
  return read
}

interface Row {
  name?: string
  position?: string
  recovered?: boolean
  replayed?: number
}

const hello = (rows: readonly Row[], propertyId: string | null = null) =>
  frame({
    ...{ type: 'hello', connectionId: 'c', node: 'n', propertyId, heartbeatMs: 1 },
    tokenExpiresAt: 1,
    services: rows.map((row) => ({ name: 'tasks', tier: 'high', position: at(0), ...row })),
  })
const subscriptions = (rows: readonly Row[], propertyId: string | null = null) =>
  frame({
    ...{ type: 'subscriptions', version: 2, propertyId },
    services: rows.map((row) => ({ name: 'tasks', tier: 'high', ...row })),
  })
const batch = (prev: number, ...events: readonly object[]) =>
  frame(aBatch('tasks', prev, ...events))
const reset = (position: string, reason = 'expired') =>
  frame({ type: 'reset', service: 'tasks', reason, position })
const heartbeat = (positions: Record<string, string>) => frame({ type: 'heartbeat', positions })

const seqs = (updates: readonly Update[]) =>
  updates.flatMap((one) => (one.type === 'events' ? one.events.map(({ seq }) => seq) : []))
const gaps = (updates: readonly Update[]) =>
  updates.flatMap((one) => (one.type === 'gap' ? [one] : []))

function aSession(position = at(0)): Session {
  const session = new Session()
  session.receive(hello([{ position }]))
  return session
}

const positionOf = (session: Session) => session.positions.get('tasks')?.join('-')

describe('the chain', () => {
  test('a batch that follows mine is handed over, and moves me', () => {
    const session = aSession()
    expect(seqs(session.receive(batch(0, {}, {})))).toEqual([1, 2])
    expect(positionOf(session)).toBe(at(2))
  })

  test('each event is told with its service and where it stands', () => {
    expect(aSession(at(4)).receive(batch(4, {}, {}))).toMatchObject([
      {
        events: [
          { service: 'tasks', position: at(5) },
          { service: 'tasks', position: at(6) },
        ],
      },
    ])
  })

  test('a batch at or before mine is dropped', () => {
    const session = aSession(at(2))
    expect(session.receive(batch(0, {}, {}))).toMatchObject([{ events: [], suppressedCount: 2 }])
  })

  test('of a batch that reaches over mine only what is new is handed over', () => {
    expect(seqs(aSession(at(1)).receive(batch(0, {}, {}, {})))).toEqual([2, 3])
  })

  test('a batch that follows what I have not reached means resume, and moves nothing', () => {
    const session = aSession()
    expect(session.receive(batch(5, {}))).toMatchObject([{ type: 'resume' }])
    expect(positionOf(session)).toBe(at(0))
  })

  test('a new epoch goes on without a gap for a client that stood at the head', () => {
    const session = aSession(at(3))
    const fields = { ...aBatch('tasks', 0, {}), prev: at(3), position: at(1, EPOCH + 1) }
    expect(seqs(session.receive(frame(fields)))).toEqual([1])
  })

  test('a service that was left a moment ago is not delivered', () => {
    const session = aSession()
    session.receive(subscriptions([]))
    expect(seqs(session.receive(batch(0, {})))).toEqual([])
  })

  test('a heartbeat moves a filtered client, and never back', () => {
    const session = aSession(at(4))
    session.receive(heartbeat({ tasks: at(9), users: at(1) }))
    session.receive(heartbeat({ tasks: at(2) }))
    expect(positionOf(session)).toBe(at(9))
    expect(session.positions.size).toBe(1)
  })
})

describe('repeats', () => {
  test('the same eventId of the same entity type is handed over once', () => {
    const session = aSession()
    const one = { eventId: 'e', entityType: 'task' }
    expect(seqs(session.receive(batch(0, one, one, { eventId: 'e', entityType: 'user' })))).toEqual(
      [1, 3],
    )
  })

  test('events without an id are told apart by where they stand', () => {
    expect(seqs(aSession().receive(batch(0, {}, {})))).toEqual([1, 2])
  })

  test('a seq that comes again in a new epoch is no repeat', () => {
    const session = aSession()
    session.receive(batch(0, {}))
    const fields = { ...aBatch('tasks', 0, {}), prev: at(1), position: at(1, EPOCH + 1) }
    expect(seqs(session.receive(frame(fields)))).toEqual([1])
  })

  test('after a gap a known id is news', () => {
    const session = aSession()
    session.receive(batch(0, { eventId: 'e' }))
    session.receive(reset(at(1)))
    expect(seqs(session.receive(batch(1, { eventId: 'e' })))).toEqual([2])
  })

  test('events without an id push no known id out', () => {
    const session = aSession()
    session.receive(batch(0, { eventId: 'e' }))
    session.receive(batch(1, ...Array.from({ length: 5_000 }, () => ({}))))
    expect(seqs(session.receive(batch(5_001, { eventId: 'e' })))).toEqual([])
  })

  test('ids are remembered within a bound, the oldest given up first', () => {
    const ids = new RecentIds(2)
    expect(['a', 'b', 'a', 'c'].map((key) => ids.isNew(key))).toEqual([true, true, false, true])
    expect(['b', 'c', 'a'].map((key) => ids.isNew(key))).toEqual([false, false, true])
  })
})

describe('gaps', () => {
  test('a reset reaches the app and sets my position, also back', () => {
    const session = aSession(at(9))
    const gap = { type: 'gap', service: 'tasks', reason: 'rolled_back', position: at(3) }
    expect(session.receive(reset(at(3), 'rolled_back'))).toEqual([gap])
    expect(seqs(session.receive(batch(3, {})))).toEqual([4])
  })

  test('a position from the future, which no log knows, ends as a gap', () => {
    const session = new Session(new Map([['tasks', parsePosition(at(9, EPOCH * 2))]]))
    session.receive(hello([{ position: at(3), recovered: false }]))
    expect(gaps(session.receive(reset(at(3), 'unknown_epoch')))).toHaveLength(1)
    expect(seqs(session.receive(batch(3, {})))).toEqual([4])
  })

  test('a reset that hello announced and that does not come is admitted with the next batch', () => {
    const session = aSession(at(1))
    session.receive(hello([{ position: at(7), recovered: false }]))
    expect(session.isOwed('tasks')).toBe(true)
    const updates = session.receive(batch(7, {}))
    expect(gaps(updates)).toMatchObject([
      { service: 'tasks', reason: 'unrecovered', position: at(7) },
    ])
    expect(seqs(updates)).toEqual([8])
  })

  test('or with the next heartbeat', () => {
    const session = aSession(at(1))
    session.receive(hello([{ position: at(7), recovered: false }]))
    expect(gaps(session.receive(heartbeat({})))).toHaveLength(1)
  })

  test('or with the next hello, if the socket ended before the reset came', () => {
    const session = aSession(at(1))
    session.receive(hello([{ position: at(7), recovered: false }]))
    expect(gaps(session.receive(hello([{ position: at(7), recovered: true }])))).toHaveLength(1)
    expect(session.isOwed('tasks')).toBe(false)
  })

  test('it is told once', () => {
    const session = aSession(at(1))
    session.receive(hello([{ position: at(7), recovered: false }]))
    session.receive(reset(at(7)))
    expect(gaps(session.receive(batch(7, {})))).toEqual([])
  })
})

describe('a resume', () => {
  test('positions of services that the page no longer has are forgotten', () => {
    const session = aSession()
    session.receive(hello([{ name: 'users' }]))
    expect([...session.positions.keys()]).toEqual(['users'])
  })
})

describe('what is live from now on', () => {
  const live = (updates: readonly Update[]) =>
    updates.flatMap((one) => (one.type === 'live' ? [one.service] : []))

  test('a first hello tells it of each service, a resume does not', () => {
    const session = new Session()
    expect(live(session.receive(hello([{}, { name: 'users' }])))).toEqual(['tasks', 'users'])
    expect(live(session.receive(hello([{ recovered: true }])))).toEqual([])
  })

  test('a change tells it of what is new', () => {
    const session = aSession(at(4))
    const rows = [{}, { name: 'users', position: at(2) }]
    expect(live(session.receive(subscriptions(rows)))).toEqual(['users'])
    expect(positionOf(session)).toBe(at(4))
  })

  test('another property tells it of all: the events of before were of other ones', () => {
    expect(live(aSession().receive(subscriptions([{ position: at(5) }], 'p9')))).toEqual(['tasks'])
  })
})
