/** What each service of the page is doing, from what the gateway said of it. */

import type { ServerFrame } from '../protocol/frames.js'
import type { Session } from '../protocol/session.js'
import type { ServiceState } from './status.js'

export class ServiceStates {
  #off = new Set<string>()
  readonly #quarantined = new Set<string>()

  constructor(private readonly session: Session) {}

  receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'disabled':
        // The frame lists all that is off now: what it leaves out is on again.
        this.#off = new Set(frame.services)
        break
      case 'quarantine':
        for (const name of frame.services) {
          if (frame.state === 'entered') this.#quarantined.add(name)
          else this.#quarantined.delete(name)
        }
        break
      case 'batch':
        this.#off.delete(frame.service)
        break
      case 'hello':
        this.#quarantined.clear()
        this.#off.clear()
        break
      case 'subscriptions':
        this.#off.clear()
    }
  }

  read(wanted: readonly string[] | undefined, isConnected: boolean): Record<string, ServiceState> {
    const names = wanted ?? [...this.session.positions.keys()]
    return Object.fromEntries(names.map((name) => [name, this.#of(name, isConnected)]))
  }

  #of(name: string, isConnected: boolean): ServiceState {
    if (this.#off.has(name)) return 'off'
    if (!this.session.positions.has(name)) return 'subscribing'
    if (!isConnected || this.session.isOwed(name)) return 'recovering'
    return this.#quarantined.has(name) ? 'quarantined' : 'live'
  }
}
