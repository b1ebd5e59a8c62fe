/**
 * What a client does with each frame: hand over, drop, admit a gap, or resume.
 *
 * The gateway keeps the chain; these rules are the second line. A batch at or before my position
 * was seen: drop it. One that follows a position I have reached: apply it. One that follows a
 * position I have not reached: something in between was lost, so resume from mine.
 *
 * A session outlives its sockets: positions, recent ids and gaps that are still owed to the app
 * stay when a connection ends. contract/sessions/ holds this and its twin in Python to the same.
 */

import type {
  Batch,
  Hello,
  RealtimeEvent,
  ServerFrame,
  ServiceRow,
  Subscriptions,
} from './frames.js'
import { formatPosition, isAfter, later, type Position, ZERO } from './position.js'
import { RecentIds } from './recentIds.js'

/** Events of a service up to `position` may be missing: fetch its state again. */
export interface Gap {
  readonly type: 'gap'
  readonly service: string
  /** `expired rolled_back unknown_epoch overflow`, or `unrecovered` if no reason came. */
  readonly reason: string
  readonly position: string
}

export interface Events {
  readonly type: 'events'
  readonly service: string
  readonly events: readonly RealtimeEvent[]
  /** How many came again and are not handed over again. */
  readonly suppressedCount: number
}

export type Update =
  | Events
  | Gap
  /** Events flow from here on: what happened before is for the app to fetch, now or later. */
  | { readonly type: 'live'; readonly service: string }
  /** The chain is broken: connect again from the positions of the session. */
  | { readonly type: 'resume'; readonly message: string }

export class Session {
  #positions = new Map<string, Position>()
  readonly #ids = new Map<string, RecentIds>()
  /** Services that the gateway could not resume, and whose reset has not come yet. */
  readonly #owed = new Set<string>()

  #propertyId: string | null | undefined

  constructor(resumeFrom: Iterable<readonly [string, Position]> = []) {
    this.#positions = new Map(resumeFrom)
  }

  /** From where each service goes on. */
  get positions(): ReadonlyMap<string, Position> {
    return this.#positions
  }

  /** The same, as they are written. */
  get texts(): Readonly<Record<string, string>> {
    const rows = [...this.#positions].map(([name, position]) => [name, formatPosition(position)])
    return Object.fromEntries(rows)
  }

  /** Tell whether the app is owed a gap. */
  isOwed(service: string): boolean {
    return this.#owed.has(service)
  }

  /** Return what the app must be told because of `frame`. */
  receive(frame: ServerFrame): Update[] {
    switch (frame.type) {
      case 'batch':
        return this.#batch(frame)
      case 'hello':
        return this.#hello(frame)
      case 'subscriptions':
        return this.#subscriptions(frame)
      case 'reset':
        return this.#gap(frame.service, frame.reason, frame.position)
      case 'heartbeat':
        return this.#heartbeat(frame.positions)
      default:
        return []
    }
  }

  #batch({ service, prev, position, events }: Batch): Update[] {
    const mine = this.#positions.get(service)
    // Undefined: unsubscribed a moment ago, and the batch was on its way.
    if (!mine || !isAfter(position, mine)) {
      const suppressedCount = events.length
      return [{ type: 'events', service, events: [], suppressedCount }]
    }
    if (isAfter(prev, mine)) {
      const message = `${service}: batch after ${formatPosition(prev)}, mine is ${formatPosition(mine)}`
      return [{ type: 'resume', message }]
    }
    const gaps = this.#overdueGap(service)
    const [epoch] = position
    const fresh = events
      .filter(({ seq }) => isAfter([epoch, seq], mine))
      .map((event) => ({ ...event, service, position: formatPosition([epoch, event.seq]) }))
      .filter((event) => this.#isNew(event))
    const suppressedCount = events.length - fresh.length
    this.#positions.set(service, position)
    return [...gaps, { type: 'events', service, events: fresh, suppressedCount }]
  }

  #isNew({ service, entityType = '', eventId }: RealtimeEvent): boolean {
    // Without an id nothing but its position could tell a repeat, and that was looked at already.
    if (eventId === undefined) return true
    const ids = this.#ids.get(service) ?? new RecentIds()
    this.#ids.set(service, ids)
    return ids.isNew(`${entityType}:${eventId}`)
  }

  #hello({ services, propertyId }: Hello): Update[] {
    const before = this.#positions
    const live = this.#newlyLive(services, propertyId)
    this.#positions = new Map(services.map((row) => [row.name, positionOf(row, before)]))
    this.#forgetOwed()
    return [...live, ...services.flatMap((row) => this.#resumed(row, before.get(row.name)))]
  }

  #resumed(row: ServiceRow, mine: Position | undefined): Update[] {
    if (!mine) return []
    const position = row.position ?? mine
    if (!(row.recovered ?? formatPosition(position) === formatPosition(mine))) {
      this.#owed.add(row.name)
      return []
    }
    // Owed by an earlier socket that ended before the reset came. The position has moved on
    // since, so the gateway will not tell of it again.
    return this.#overdueGap(row.name)
  }

  #subscriptions({ services, propertyId }: Subscriptions): Update[] {
    const before = this.#positions
    const live = this.#newlyLive(services, propertyId)
    // Under a new filter the next batch names the head as its predecessor; all that was mine
    // under the old one has been written before this frame.
    this.#positions = new Map(
      services.map((row) => [row.name, later(before.get(row.name) ?? ZERO, row.position ?? ZERO)]),
    )
    this.#forgetOwed()
    return live
  }

  /** What was not subscribed before, or under another filter, has no past here. */
  #newlyLive(services: readonly ServiceRow[], propertyId: string | null): Update[] {
    const isRefiltered = this.#propertyId !== undefined && this.#propertyId !== propertyId
    this.#propertyId = propertyId
    return services
      .filter(({ name }) => isRefiltered || !this.#positions.has(name))
      .map(({ name }) => ({ type: 'live', service: name }))
  }

  /** A service that was left is owed no gap. Its ids stay: it may be taken up again. */
  #forgetOwed(): void {
    for (const name of this.#owed) if (!this.#positions.has(name)) this.#owed.delete(name)
  }

  #gap(service: string, reason: string, position: Position): Update[] {
    this.#owed.delete(service)
    if (!this.#positions.has(service)) return []
    // After a gap the app starts from fetched state. An event that comes again is then news to
    // it, and to drop it as a repeat could lose it.
    this.#ids.delete(service)
    this.#positions.set(service, position)
    return [{ type: 'gap', service, reason, position: formatPosition(position) }]
  }

  #heartbeat(heads: readonly (readonly [string, Position])[]): Update[] {
    const gaps = [...this.#owed].flatMap((name) => this.#overdueGap(name))
    for (const [service, head] of heads) {
      const mine = this.#positions.get(service)
      if (mine && isAfter(head, mine)) this.#positions.set(service, head)
    }
    return gaps
  }

  #overdueGap(service: string): Update[] {
    // The gateway went on without the reset that hello announced: admit the gap ourselves.
    const mine = this.#positions.get(service)
    return mine && this.#owed.has(service) ? this.#gap(service, 'unrecovered', mine) : []
  }
}

function positionOf(row: ServiceRow, before: ReadonlyMap<string, Position>): Position {
  return row.position ?? before.get(row.name) ?? ZERO
}
