/** What each service of the page is doing, from what the gateway said of it. */
import type { Session } from './session.js'
import type { ServiceState } from './status.js'
import type { ServerFrame } from './wire.js'

export class ServiceStates {
  readonly #marks = new Map<string, 'off' | 'quarantined'>()

  constructor(private readonly session: Session) {}

  take(frame: ServerFrame): void {
    if (frame.type === 'disabled') {
      // The frame lists all that is off now: what it leaves out is on again.
      for (const name of this.#marks.keys()) this.#clear(name, 'off')
      for (const name of frame.services) this.#marks.set(name, 'off')
    } else if (frame.type === 'quarantine') {
      for (const name of frame.services) {
        if (frame.state === 'entered') this.#marks.set(name, 'quarantined')
        else this.#marks.delete(name)
      }
    } else if (frame.type === 'batch') this.#clear(frame.service, 'off')
    else if (frame.type === 'subscriptions')
      for (const name of this.#marks.keys()) this.#clear(name, 'off')
    else if (frame.type === 'hello') this.#marks.clear()
  }

  read(wanted: readonly string[] | undefined, isConnected: boolean): Record<string, ServiceState> {
    const names = wanted ?? [...this.session.positions.keys()]
    return Object.fromEntries(names.map((name) => [name, this.#of(name, isConnected)]))
  }

  #clear(name: string, mark: 'off'): void {
    if (this.#marks.get(name) === mark) this.#marks.delete(name)
  }

  #of(name: string, isConnected: boolean): ServiceState {
    const mark = this.#marks.get(name)
    if (mark === 'off') return mark
    if (!this.session.positions.has(name)) return 'subscribing'
    if (!isConnected || this.session.isOwed(name)) return 'recovering'
    return mark ?? 'live'
  }
}
