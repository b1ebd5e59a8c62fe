/** A WebSocket that a test plays the gateway of. Installed with `vi.stubGlobal`. */
import { vi } from 'vitest'

export const EPOCH = 1795419516000

export class FakeSocket {
  static readonly OPEN = 1
  static readonly opened: FakeSocket[] = []
  readyState = 0
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  readonly sent: Record<string, unknown>[] = []

  readonly url: string

  constructor(
    url: string | URL,
    readonly protocols: readonly string[],
  ) {
    this.url = String(url)
    FakeSocket.opened.push(this)
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  close(): void {
    this.readyState = 3
  }

  /** Play the upgrade and the hello; a service with `resumed` says whether it was recovered. */
  greet(services: readonly (string | Row)[] = ['tasks'], more: object = {}): this {
    this.readyState = 1
    this.onopen?.()
    return this.frame({ ...HELLO, services: services.map(rowOf), ...more })
  }

  frame(fields: object): this {
    return this.text(JSON.stringify(fields))
  }

  text(data: unknown): this {
    this.onmessage?.({ data })
    return this
  }

  batch(prevSeq: number, ...events: readonly object[]): this {
    return this.frame(aBatch('tasks', prevSeq, ...events))
  }

  drop(code = 1006, reason = ''): void {
    this.readyState = 3
    this.onclose?.({ code, reason })
  }

  ofType(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame.type === type)
  }
}

interface Row {
  readonly name: string
  readonly seq?: number
  readonly recovered?: boolean
  readonly replayed?: number
}

const HELLO = {
  type: 'hello',
  protocol: 1,
  connectionId: 'k7Qm',
  node: 'gw-1',
  version: 1,
  propertyId: null,
  heartbeatMs: 25_000,
  tokenExpiresAt: 4_000_000_000_000,
  limits: { frameBytes: 65536, services: 32 },
}

function rowOf(row: string | Row): object {
  const { name, seq = 0, ...more } = typeof row === 'string' ? { name: row } : row
  return { name, tier: 'high', position: at(seq), ...more }
}

export const at = (seq: number, epoch = EPOCH) => `${epoch}-${seq}`

/** A batch with one event for each object given; seqs follow `prevSeq`. */
export function aBatch(service: string, prevSeq: number, ...events: readonly object[]): object {
  return {
    type: 'batch',
    service,
    prev: at(prevSeq),
    position: at(prevSeq + events.length),
    sentAt: 0,
    events: events.map((event, index) => ({
      seq: prevSeq + 1 + index,
      ts: Date.now() - 20,
      data: { n: prevSeq + 1 + index },
      ...event,
    })),
  }
}

/** Install the fake, and return the sockets that will be opened, oldest first. */
export function fakeSockets(): FakeSocket[] {
  FakeSocket.opened.length = 0
  vi.stubGlobal('WebSocket', FakeSocket)
  return FakeSocket.opened
}

/** A token that ends so many seconds from now. */
export function tokenFor(seconds: number): string {
  const claims = btoa(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + seconds }))
  return `e30.${claims.replace(/=+$/, '')}.c2ln`
}
