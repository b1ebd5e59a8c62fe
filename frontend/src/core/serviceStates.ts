/** What each service of the page is doing, from what the gateway said of it. */
import type { Session } from './session.js'
import type { ServiceState } from './status.js'
import type { ServerFrame } from './wire.js'

export class ServiceStates {
  readonly #off = new Set<string>()
  readonly #quarantined = new Set<string>()

  constructor(private readonly session: Session) {}

  get quarantined(): readonly string[] {
    return [...this.#quarantined]
  }

  take(frame: ServerFrame): void {
    if (frame.type === 'disabled') {
      for (const name of frame.services) this.#off.add(name)
    } else if (frame.type === 'quarantine') {
      const names = frame.services.length ? frame.services : [...this.#quarantined]
      for (const name of names) this.#quarantined[frame.entered ? 'add' : 'delete'](name)
    } else if (frame.type === 'batch') {
      this.#off.delete(frame.service)
    } else if (frame.type === 'hello' || frame.type === 'subscriptions') {
      this.#off.clear()
      if (frame.type === 'hello') this.#quarantined.clear()
    }
  }

  /** Tell whether an operator switched off all that this page has. */
  isAllOff(): boolean {
    const names = [...this.session.positions.keys()]
    return names.length > 0 && names.every((name) => this.#off.has(name))
  }

  read(wanted: readonly string[] | undefined, isConnected: boolean): Record<string, ServiceState> {
    const names = wanted ?? [...this.session.positions.keys()]
    return Object.fromEntries(names.map((name) => [name, this.#of(name, isConnected)]))
  }

  #of(name: string, isConnected: boolean): ServiceState {
    if (this.#off.has(name)) return 'off'
    if (!this.session.positions.has(name)) return 'subscribing'
    if (!isConnected || this.session.isRecovering(name)) return 'recovering'
    return this.#quarantined.has(name) ? 'quarantined' : 'live'
  }
}
