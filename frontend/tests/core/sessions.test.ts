/**
 * The golden sessions of contract/sessions/, as the TypeScript session runs them.
 *
 * Python runs the same files. What they hold is said in contract/README.md.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { streamAddress, streamUrl, type Wanted } from '../../src/core/connection/addresses.js'
import { decodeServerFrame } from '../../src/core/protocol/frames.js'
import { parsePosition } from '../../src/core/protocol/position.js'
import { Session, type Update } from '../../src/core/protocol/session.js'

interface GoldenSession {
  readonly what: string
  readonly client: Partial<Wanted> & { readonly resumeFrom?: Readonly<Record<string, string>> }
  readonly steps: readonly Step[]
}

interface Step {
  readonly connect?: Readonly<Record<string, string>>
  readonly subscribe?: Partial<Wanted>
  readonly frame?: object
  readonly updates?: readonly object[]
  readonly positions?: Readonly<Record<string, string>>
  readonly suppressed?: number
  readonly reconnect?: boolean
}

const DIRECTORY = `${import.meta.dirname}/../../../contract/sessions`
const WANTED = ['services', 'propertyId']
const STEPS = {
  connect: ['connect'],
  subscribe: ['subscribe'],
  frame: ['frame', 'updates', 'positions', 'suppressed', 'reconnect'],
}

/** A session, and what its app wants to receive. */
class Client {
  #wanted: Wanted
  readonly #session: Session

  constructor({ services, propertyId = null, resumeFrom = {} }: GoldenSession['client']) {
    this.#wanted = { services, propertyId }
    const positions = Object.entries(resumeFrom)
    this.#session = new Session(positions.map(([name, at]) => [name, parsePosition(at)]))
  }

  /** Do what `step` says, and return what can be seen of it. */
  perform({ subscribe, frame }: Step): object {
    if (subscribe) {
      this.#wanted = { ...this.#wanted, ...known(subscribe, WANTED) }
      return {}
    }
    return frame ? this.#receive(frame) : { connect: this.#query() }
  }

  #query(): object {
    const url = streamUrl(streamAddress('wss://rt.example'), this.#wanted, this.#session.texts)
    return Object.fromEntries(url.searchParams)
  }

  #receive(fields: object): object {
    const frame = decodeServerFrame(JSON.stringify(fields))
    const updates = frame ? this.#session.receive(frame) : []
    return {
      updates: updates.flatMap(spelled),
      positions: this.#session.texts,
      suppressed: updates.reduce(
        (sum, one) => sum + (one.type === 'events' ? one.suppressedCount : 0),
        0,
      ),
      reconnect: updates.some(({ type }) => type === 'resume'),
    }
  }
}

function spelled(update: Update): object[] {
  if (update.type === 'gap') {
    return [{ service: update.service, gap: update.reason, position: update.position }]
  }
  if (update.type !== 'events' || !update.events.length) return []
  return [{ service: update.service, events: update.events.map(({ position }) => position) }]
}

function known<Fields extends object>(fields: Fields, names: readonly string[]): Fields {
  const unknown = Object.keys(fields).filter((name) => !names.includes(name))
  if (unknown.length) throw new Error(`unknown: ${unknown}`)
  return fields
}

function kindOf(step: Step): keyof typeof STEPS {
  const [kind, ...more] = Object.keys(STEPS).filter((name) => name in step)
  if (!kind || more.length) throw new Error(`unknown: a step with ${Object.keys(step)}`)
  return kind as keyof typeof STEPS
}

function expectedOf(step: Step, positions: object): object {
  if (step.connect) return { connect: step.connect }
  if (!step.frame) return {}
  const { updates = [], suppressed = 0, reconnect = false } = step
  return { updates, positions: step.positions ?? positions, suppressed, reconnect }
}

/** Run a session, and fail at its first step that goes another way. */
function run(session: GoldenSession): void {
  known(session, ['what', 'client', 'steps'])
  const client = new Client(known(session.client, [...WANTED, 'resumeFrom']))
  let positions = {}
  session.steps.forEach((step, index) => {
    const expected = expectedOf(known(step, STEPS[kindOf(step)]), positions)
    expect(client.perform(step), `step ${index}: ${JSON.stringify(step)}`).toEqual(expected)
    positions = step.positions ?? positions
  })
}

describe('golden sessions', () => {
  const files = readdirSync(DIRECTORY)

  test('they are found', () => {
    expect(files.length).toBeGreaterThan(30)
  })

  test.each(files)('%s goes as it says', (file) => {
    run(JSON.parse(readFileSync(`${DIRECTORY}/${file}`, 'utf8')))
  })
})

test.each([
  { what: '', client: {}, steps: [], extra: 1 },
  { what: '', client: { extra: 1 }, steps: [] },
  { what: '', client: {}, steps: [{ connect: {}, updates: [] }] },
  { what: '', client: {}, steps: [{ subscribe: { extra: 1 } }] },
  { what: '', client: {}, steps: [{ frame: { type: 'x' }, extra: 1 }] },
  { what: '', client: {}, steps: [{ extra: {} }] },
  { what: '', client: {}, steps: [{ connect: {}, frame: { type: 'x' } }] },
])('a key that is not understood fails: %j', (session) => {
  expect(() => run(session as GoldenSession)).toThrow(/unknown/)
})
